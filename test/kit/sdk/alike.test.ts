/**
 * Goal: an agent does the same in both SDKs where nothing is said: without the grant of messages, when nothing
 * arrives, and when it is asked to stop while it waits. Method: the same agents in AssemblyScript and in
 * JavaScript, in the harness.
 */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { buildProject } from '../../../src/kit/index.ts';
import { type TestAgentOptions, testAgent } from '../../../src/testing/index.ts';
import { project } from '../project.ts';

// A build takes two seconds alone, and most of a minute beside seven other things.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 300_000 });

const scratch = mkdtempSync(join(tmpdir(), 'ringfence-alike-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** What it does is told by its first argument. */
const ASSEMBLYSCRIPT = `
import { Agent, Failure, log, mailbox, Message, Result, Unit } from 'ringfence/assemblyscript';
import { getArguments } from 'wasi/cli/environment';

class Plain extends Agent {
  onStart(): void {
    this.idleMs = 1_000;
    log.info('started');
  }
  onMessage(_message: Message): void {
    const asked = mailbox.ask(0, 'are you there?', 60_000);
    log.info(asked.isOk ? 'yes' : asked.error.name);
  }
  onCancelled(reason: string): void {
    log.info(reason);
  }
}
class Deaf extends Plain {
  onFailure(_failure: Failure): void {
    log.info('deaf');
  }
}
class Patient extends Plain {
  private times: i32 = 0;
  onIdle(): void {
    log.info('idle');
    this.times += 1;
    if (this.times == 2) this.stop();
  }
}
export function run(): Result<Unit, string> {
  const which = getArguments()[0];
  if (which == 'deaf') return new Deaf().run();
  if (which == 'patient') return new Patient().run();
  return new Plain().run();
}
`;

const JAVASCRIPT = `
import { Agent, AgentError, log, mailbox } from 'ringfence/javascript';
import { getArguments } from 'wasi:cli/environment';

class Plain extends Agent {
  idleMs = 1_000;
  onStart() {
    log.info('started');
  }
  onMessage() {
    try {
      mailbox.ask('kernel', 'are you there?', { timeoutMs: 60_000 });
      log.info('yes');
    } catch (error) {
      log.info(error.code);
      throw error;
    }
  }
  onCancelled(reason) {
    log.info(reason);
  }
}
class Deaf extends Plain {
  onFailure(error) {
    log.info(error instanceof AgentError ? 'deaf' : 'something else');
  }
}
class Patient extends Plain {
  times = 0;
  onIdle() {
    log.info('idle');
    this.times += 1;
    if (this.times === 2) this.stop();
  }
}
export function run() {
  const [which] = getArguments();
  if (which === 'deaf') return new Deaf().run();
  if (which === 'patient') return new Patient().run();
  return new Plain().run();
}
`;

const WIT = `package my:agent;
world agent {
  import wasi:cli/environment@0.2.12;
  include ringfence:agent/agent@0.1.0;
}
`;

describe.each([
  ['assemblyscript', 'src/agent.ts', ASSEMBLYSCRIPT],
  ['javascript', 'src/agent.js', JAVASCRIPT],
] as const)('an agent in %s', (language, path, source) => {
  let module: string;
  beforeAll(async () => {
    const folder = project(scratch, 'alike', language);
    writeFileSync(join(folder, path), source);
    writeFileSync(join(folder, 'wit/agent.wit'), WIT);
    module = (await buildProject(folder)).file;
  });

  const run = (which: string, grants: TestAgentOptions['grants'] & {}) =>
    testAgent(module, { arguments: [which], grants });
  const said = ({ logs }: Awaited<ReturnType<typeof run>>) => logs.map(({ message }) => message);

  test('fails without the grant of messages, and ends as it likes where it says so', async () => {
    await using plain = await run('plain', {});
    expect(plain.exit).toMatchObject({ reason: 'error' });
    expect(said(plain)[0]).toBe('started');
    expect(plain.denied).toMatchObject([{ operation: 'ipc.receive' }]);
    await using deaf = await run('deaf', {});
    expect(deaf.exit).toMatchObject({ reason: 'normal', code: 0 });
    expect(said(deaf)).toEqual(['started', 'deaf']);
  });

  test('ends when nothing has arrived for idleMs, and otherwise where it says so', async () => {
    const grants = { ipc: 'parent_only' } as const;
    await using plain = await run('plain', grants);
    await plain.advance(999);
    expect(plain.exit).toBeNull();
    await plain.advance(1);
    expect(plain.exit).toMatchObject({ reason: 'normal' });
    await using patient = await run('patient', grants);
    await patient.advance(1_000);
    expect(patient.exit).toBeNull();
    await patient.advance(1_000);
    expect(patient.exit).toMatchObject({ reason: 'normal' });
    expect(said(patient)).toEqual(['started', 'idle', 'idle']);
  });

  test('that is asked to stop while it waits for an answer hears why, and ends', async () => {
    await using agent = await run('plain', { ipc: 'all' });
    await agent.send('go');
    expect(agent.toProgram).toHaveLength(1);
    const { exit } = await agent.stop('time to go');
    expect(exit.reason).toBe('normal');
    expect(said(agent)).toEqual(['started', 'cancelled', 'time to go']);
  });
});
