/**
 * Family 56: what comes after an agent's end. Goal: it arrives nowhere, least of all at who came after.
 * Method: tools, input, output and messages that are late, beside those that are in time.
 */

import { beforeAll, describe, expect, it } from 'vitest';
import { actsOf, NORMAL, until, useFence } from './support/fence.ts';
import { GuestText, PLACE } from './support/guest-text.ts';

const fence = useFence();

const text = new GuestText()
  .sayOutcomes()
  .use('wasi:cli/stdin', 'get-stdin', '$get_stdin')
  .use('wasi:cli/stdout', 'get-stdout', '$get_stdout')
  .use('wasi:io/streams', '[method]input-stream.blocking-read', '$blocking_read')
  .use('wasi:io/streams', '[method]output-stream.blocking-write-and-flush', '$write')
  .use('ringfence:agent/ipc', 'receive', '$receive')
  .use('ringfence:agent/ipc', 'send', '$send')
  .use('ringfence:agent/tools', 'call', '$call');
const run = actsOf(fence, text);

const word = text.text('a message');
const callTool = (name: string) =>
  `(call $call ${text.text(name).operands} ${text.text('{}').operands} (i32.const ${PLACE}))`;
/** Sends a text to a pid; waits for room for 50 days. */
const send = (pid: string) => `(call $send
  (i32.const 0) ${pid} (i32.const 0) (i64.const 0) (i32.const 0)
  (i32.const 0) ${word.operands}
  (i32.const 1) (i64.const 0xffffffff) (i32.const ${PLACE}))`;
const receiveNow = `(call $receive (i32.const 0) (i64.const 0) (i32.const 0)
  (i32.const 1) (i64.const 0) (i32.const ${PLACE}))`;

describe('family 56: what comes after the end', () => {
  text
    .act('waits for a tool', `${callTool('late')} (call $say_outcome (i32.const ${PLACE}))`)
    .act(
      'reads',
      `(call $blocking_read (call $get_stdin) (i64.const 64) (i32.const ${PLACE}))
       (call $say (i32.load offset=4 (i32.const ${PLACE})) (i32.load offset=8 (i32.const ${PLACE})))`,
    )
    .act(
      'writes for ever',
      `(local.set $i (call $get_stdout))
       (loop $l
         (call $write (local.get $i) (i32.const 65536) (i32.const 4096) (i32.const ${PLACE}))
         (br $l))`,
    )
    // The pid is what the tool answers, as JSON.
    .act(
      'sends to whom the tool says',
      `${callTool('whom')}
       (local.set $i (i32.load offset=4 (i32.const ${PLACE})))
       (local.set $j (i32.add (local.get $i) (i32.load offset=8 (i32.const ${PLACE}))))
       (loop $l
         (local.set $n (i64.add (i64.mul (local.get $n) (i64.const 10))
           (i64.sub (i64.load8_u (local.get $i)) (i64.const 48))))
         (br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get $j))))
       ${send('(local.get $n)')}`,
    )
    .act(
      'takes mail when the tool says so',
      `${callTool('when')}
       (block $empty
         (loop $l
           ${receiveNow}
           (br_if $empty (i32.load8_u (i32.const ${PLACE})))
           (local.set $i (i32.add (local.get $i) (i32.const 1)))
           (br $l)))
       (call $say_number (i64.extend_i32_u (local.get $i)))`,
    );
  const grants = { tools: 'all', ipc: 'all' } as const;
  let whom: () => unknown = () => null;
  let when: () => unknown = () => null;
  beforeAll(() => {
    fence().kernel.registerTool({ name: 'whom', description: '' }, () => whom());
    fence().kernel.registerTool({ name: 'when', description: '' }, () => when());
  });

  it('56: the answer of a tool is for nobody, and the tool is told', async () => {
    const answers: PromiseWithResolvers<string>[] = [];
    const signals: AbortSignal[] = [];
    fence().kernel.registerTool({ name: 'late', description: 'Is late.' }, (_, { signal }) => {
      signals.push(signal);
      answers.push(Promise.withResolvers<string>());
      return answers.at(-1)!.promise;
    });
    const killed = await run.start('waits for a tool', { grants });
    await until(() => answers.length === 1);
    killed.kill();
    expect((await killed.exited).exit.reason).toBe('killed');
    expect(signals[0]?.aborted).toBe(true);
    const next = await run.start('waits for a tool', { grants });
    await until(() => answers.length === 2);
    answers[0]?.resolve('late, for the first'.repeat(1000));
    answers[1]?.resolve('in time');
    const { report, said } = await fence().ended(next);
    expect(report.exit).toEqual(NORMAL);
    expect(said).toEqual(['ok']);
    expect(signals[1]?.aborted).toBe(false);
  });

  it('56: input that is read late is for nobody', async () => {
    const late = Promise.withResolvers<string>();
    const source = async function* () {
      yield await late.promise;
    };
    const killed = await run.start('reads', { stdin: source() });
    await until(() => killed.state === 'running');
    await new Promise((resolve) => setTimeout(resolve, 20));
    killed.kill();
    expect((await killed.exited).exit.reason).toBe('killed');
    const next = await run.start('reads', { stdin: 'for the second' });
    late.resolve('late, for the first');
    expect((await fence().ended(next)).said).toEqual(['for the second']);
    expect(fence().saidBy(killed)).toEqual([]);
  });

  it('56: output that is taken late is taken of who wrote it', async () => {
    const taken = Promise.withResolvers<void>();
    let chunks = 0;
    const killed = await run.start('writes for ever', {
      stdout: () => {
        chunks += 1;
        return taken.promise;
      },
    });
    await until(() => chunks === 1);
    killed.kill();
    const ended = killed.exited;
    taken.resolve();
    expect((await ended).exit.reason).toBe('killed');
    const after = chunks;
    await fence().everybodyIsWell();
    expect(chunks).toBe(after);
  });

  it.each([
    ['56: a message that waits for room is not delivered after its sender’s end', true, 1024],
    ['56: and is while its sender lives', false, 1025],
  ])('%s', async (_, kills, expected) => {
    const opened = Promise.withResolvers<void>();
    let to: number | null = null;
    whom = () => to;
    when = () => opened.promise;
    const receiver = await run.start('takes mail when the tool says so', { grants });
    to = receiver.pid;
    await until(() => receiver.usage().tool_calls === 1);
    for (let count = 0; count < 1024; count += 1) await receiver.send('x');
    await expect(receiver.send('x')).rejects.toMatchObject({ code: 'RF_MAILBOX_FULL' });
    const sender = await run.start('sends to whom the tool says', { grants });
    await until(() => sender.usage().messages_sent === 1);
    if (kills) {
      sender.kill();
      expect((await sender.exited).exit.reason).toBe('killed');
    }
    opened.resolve();
    const { said } = await fence().ended(receiver);
    expect(said.map((digits) => Number.parseInt(digits, 16))).toEqual([expected]);
    expect((await sender.exited).exit.reason).toBe(kills ? 'killed' : 'normal');
  });
});
