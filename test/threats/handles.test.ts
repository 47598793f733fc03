/**
 * Family 33: handles. Goal: a handle names one object, of one resource, of the agent that was given it,
 * until it is given away or dropped. Method: one guest of many acts, each with its control.
 */

import { describe, expect, it } from 'vitest';
import { actsOf, NORMAL, TRAPPED, until, useFence } from './support/fence.ts';
import { GuestText, PLACE } from './support/guest-text.ts';

const fence = useFence();

const text = new GuestText()
  .use('wasi:cli/stdout', 'get-stdout', '$get_stdout')
  .use('wasi:clocks/monotonic-clock', 'subscribe-duration', '$subscribe')
  .use('wasi:http/types', '[constructor]fields', '$fields')
  .use('wasi:http/types', '[method]fields.clone', '$clone')
  .use('wasi:http/types', '[constructor]outgoing-request', '$request')
  .use('wasi:http/types', '[method]outgoing-request.headers', '$headers')
  .use('wasi:http/types', '[resource-drop]outgoing-request', '$drop_request')
  .use('wasi:io/poll', '[method]pollable.ready', '$ready')
  .use('wasi:io/poll', 'poll', '$poll')
  .use('wasi:io/poll', '[resource-drop]pollable', '$drop')
  .use('wasi:io/streams', '[method]output-stream.subscribe', '$subscribe_output')
  .use('wasi:io/streams', '[resource-drop]output-stream', '$drop_output')
  .use('ringfence:agent/ipc', 'receive', '$receive');
const run = actsOf(fence, text);

const receive = `(call $receive (i32.const 0) (i64.const 0) (i32.const 0) (i32.const 0) (i64.const 0)
  (i32.const ${PLACE}))`;

describe('family 33: handles', () => {
  const first = '(local.set $i (call $subscribe (i64.const 0)))';
  const second = '(local.set $j (call $subscribe (i64.const 0)))';
  const use = (handle: string) => `(drop (call $ready ${handle}))`;
  const drop = (handle: string) => `(call $drop ${handle})`;
  const [i, j] = ['(local.get $i)', '(local.get $j)'];
  const hostile: readonly [name: string, act: string, control: string][] = [
    ['that was dropped', `${first} ${drop(i)} ${use(i)}`, `${first} ${use(i)} ${drop(i)}`],
    ['that is dropped twice', `${first} ${drop(i)} ${drop(i)}`, `${first} ${drop(i)}`],
    [
      'whose place another has taken',
      `${first} ${drop(i)} ${second} ${use(i)}`,
      `${first} ${drop(i)} ${second} ${use(j)}`,
    ],
    [
      'of another resource',
      '(drop (call $ready (call $get_stdout)))',
      '(drop (call $subscribe_output (call $get_stdout)))',
    ],
    [
      'of another resource, to be dropped',
      '(call $drop (call $get_stdout))',
      '(call $drop_output (call $get_stdout))',
    ],
    [
      'that was given away',
      '(local.set $i (call $fields)) (drop (call $request (local.get $i))) (drop (call $clone (local.get $i)))',
      '(local.set $i (call $fields)) (drop (call $clone (local.get $i))) (drop (call $request (local.get $i)))',
    ],
    [
      'that is given away twice',
      '(local.set $i (call $fields)) (drop (call $request (local.get $i))) (drop (call $request (local.get $i)))',
      '(drop (call $request (call $fields))) (drop (call $request (call $fields)))',
    ],
    [
      'in a list that holds one that was dropped',
      `${first} ${second} ${drop(j)} (i32.store (i32.const 2048) ${i}) (i32.store (i32.const 2052) ${j})
       (call $poll (i32.const 2048) (i32.const 2) (i32.const ${PLACE}))`,
      `${first} (i32.store (i32.const 2048) ${i}) (i32.store (i32.const 2052) ${i})
       (call $poll (i32.const 2048) (i32.const 2) (i32.const ${PLACE}))`,
    ],
    ...[0, 1, 2, 12_345, -1, 0x7fff_ffff, -0x8000_0000].map((number): [string, string, string] => [
      `that was made up (${number})`,
      use(`(i32.const ${number})`),
      `${first} ${use(i)}`,
    ]),
  ];
  for (const [name, act, control] of hostile) {
    text.act(`a handle ${name}`, act).act(`a handle not ${name}`, control);
  }

  it.each(hostile.map(([name]) => name))('33: a handle %s ends the agent', async (name) => {
    expect((await run(`a handle ${name}`)).report.exit).toMatchObject(TRAPPED);
    expect((await run(`a handle not ${name}`)).report.exit).toEqual(NORMAL);
  });

  const stream =
    '(local.set $i (call $get_stdout)) (local.set $j (call $subscribe_output (local.get $i)))';
  text
    .act(
      'a stream outlived',
      `${stream} (call $drop_output ${i}) ${use(j)} ${drop(j)} ${use('(call $subscribe (i64.const 0))')}`,
    )
    .act(
      'headers outlive their request',
      `(local.set $i (call $request (call $fields))) (local.set $j (call $headers ${i}))
       (call $drop_request ${i}) (drop (call $clone ${j}))`,
    );

  it('33: what was made of a handle outlives it without harm', async () => {
    for (const act of ['a stream outlived', 'headers outlive their request']) {
      expect((await run(act)).report.exit).toEqual(NORMAL);
    }
  });

  text
    .act('holds one', `${first} (call $say_number (i64.extend_i32_u ${i})) ${receive} ${use(i)}`)
    .act('takes the first that there is', use('(i32.const 1)'));

  it('33: the handle of another agent names nothing, and stays the other’s', async () => {
    const holder = await run.start('holds one', { grants: { ipc: 'all' } });
    await until(() => fence().saidBy(holder).length > 0);
    expect(BigInt(`0x${fence().saidBy(holder)[0]}`)).toBe(1n);
    const thief = await run('takes the first that there is');
    expect(thief.report.exit).toMatchObject(TRAPPED);
    expect(thief.report.exit.message).toMatch(/not one that the agent holds/);
    await holder.send('use it now');
    expect((await fence().ended(holder)).report.exit).toEqual(NORMAL);
  });
});
