/**
 * Goal: a process that a guest has taken over gets nothing that its agent was not granted, takes no
 * more than its limits, and ends nobody but itself. Method: a program of ours in the place of the
 * process, which writes what it likes; each refusal beside what is let pass.
 */

import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { Processes } from '../../src/backend/process/processes.ts';
import { Starts } from '../../src/backend/starts.ts';
import { COMMAND } from '../../src/resource/control-blocks.ts';
import { openRoot } from '../../src/wasm/host/files/root.ts';
import { type Given, held, startAgent } from '../support/child-agents.ts';

const warnings: string[] = [];
let processes: Processes;
beforeAll(async () => {
  processes = new Processes({
    starts: new Starts(2),
    sliceFuel: 1_000_000,
    policy: 'if-available',
    entry: fileURLToPath(new URL('../fixtures/isolation/hostile.ts', import.meta.url)),
    onWarning: (text) => warnings.push(text),
  });
  await processes.prepare();
});
afterAll(() => processes.close());
beforeEach(() => {
  warnings.length = 0;
});

function start(mode: string, given?: Given) {
  const started = startAgent(processes, mode, given);
  running.push(async () => {
    started.kill();
    await started.ended;
  });
  return started;
}
const running: (() => Promise<void>)[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((stop) => stop()));
});

const soon = { timeout: 20_000 };

test('an honest one ends as it says', async () => {
  expect(await start('honest').ended).toEqual({
    code: 0,
    reason: 'normal',
    message: null,
    undelivered: [],
    lost: 0,
    findings: null,
  });
  expect(warnings).toEqual([]);
});

describe('what breaks the protocol ends the process, tells the operator, and touches nobody else', () => {
  test.each([
    'garbage',
    'no-json',
    'no-text',
    'unknown-kind',
    'unknown-field',
    'prototype',
    'body-where-none-is',
    'long-head',
    'huge-frame',
    'ansi-denial',
    'files-nonsense',
    'input-flood',
    'output-flood',
    'host-call-flood',
    'long-host-call',
  ])('%s', async (mode) => {
    const neighbour = start('idle');
    expect(await start(mode).ended).toEqual({
      code: -1,
      reason: 'killed',
      message: 'its process broke the protocol',
      undelivered: [],
      lost: 0,
    });
    expect(warnings).toHaveLength(1);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what must not be there.
    expect(warnings[0]).toMatch(/^the process of pid \d+ broke the protocol: [^\u0000-\u001f]+$/);
    await vi.waitFor(() => expect(neighbour.events.running).toHaveBeenCalled(), soon);
    neighbour.kill();
    expect((await neighbour.ended).reason).toBe('killed');
  });

  test.each(['operations', 'same-operation', 'tool-large'])('%s', async (mode) => {
    const agent = start(mode, { grants: { tools: ['add'] } });
    agent.events.callTool.mockImplementation(() => new Promise(() => {}));
    expect(await agent.ended).toMatchObject({ message: 'its process broke the protocol' });
    expect(agent.events.callTool.mock.calls.length).toBeLessThanOrEqual(16);
  });
});

test('tools that it gives up count while they go on', async () => {
  const ignores = start('gives-up', { grants: { tools: ['add'] } });
  ignores.events.callTool.mockImplementation(() => new Promise(() => {}));
  await vi.waitFor(() => expect(ignores.logged).toContain('gave up'), soon);
  expect(ignores.events.callTool).toHaveBeenCalledTimes(64);
  await vi.waitFor(() => expect(ignores.logged.join()).toContain('"error":"unavailable"'), soon);
});

test('messages that wait take no more than may be held for it', async () => {
  const sends = (hostBytes: number) => {
    const agent = start('send-large', { grants: { ipc: 'all' }, limits: { hostBytes } });
    agent.events.send.mockImplementation(() => new Promise(() => {}));
    return agent;
  };
  const allowed = sends(4 * 1024 * 1024);
  await vi.waitFor(() => expect(allowed.events.send).toHaveBeenCalledTimes(3), soon);
  const tooMany = sends(2.5 * 1024 * 1024);
  expect(await tooMany.ended).toMatchObject({ message: 'its process broke the protocol' });
  expect(tooMany.events.send).toHaveBeenCalledTimes(2);
});

describe('what it was not granted it does not get', () => {
  test('messages: denied, and not sent; with the grant they are, up to the limit', async () => {
    const without = start('send', { grants: { ipc: { pids: [8] } } });
    await vi.waitFor(() => expect(without.logged).toHaveLength(5), soon);
    expect(without.logged.every((line) => line.includes('"error":"denied"'))).toBe(true);
    expect(without.events.send).not.toHaveBeenCalled();
    expect(without.denied).toEqual(new Map([['ipc.send', 5]]));

    const granted = start('send', { grants: { ipc: { pids: [7] } }, limits: { messages: 3 } });
    await vi.waitFor(() => expect(granted.logged).toHaveLength(5), soon);
    expect(granted.events.send).toHaveBeenCalledTimes(3);
    expect(granted.logged.filter((line) => line.includes('limit-exceeded'))).toHaveLength(2);
  });

  test('tools and children', async () => {
    for (const [mode, grants] of [
      ['tool', { tools: ['add'] }],
      ['spawn', { spawn: 1 }],
    ] as const) {
      const without = start(mode, { grants: { tools: ['other'] } });
      await vi.waitFor(() => expect(without.logged).toHaveLength(1), soon);
      expect(without.logged[0]).toContain('"error":"denied"');
      const granted = start(mode, { grants });
      await vi.waitFor(() => expect(granted.logged).toHaveLength(1), soon);
      expect(granted.logged[0]).toContain('"tag":"ok"');
      const { callTool, spawn } = without.events;
      expect(callTool.mock.calls.length + spawn.mock.calls.length).toBe(0);
      const { events } = granted;
      expect(events.callTool.mock.calls.length + events.spawn.mock.calls.length).toBe(1);
    }
  });

  test('what was revoked, whatever it was told of it', async () => {
    const agent = start('tool', { grants: { tools: ['add'] } });
    agent.block.revokeGrant(0);
    await agent.agent.revoked();
    await vi.waitFor(() => expect(agent.logged).toHaveLength(1), soon);
    expect(agent.logged[0]).toContain('"error":"denied"');
    expect(agent.events.callTool).not.toHaveBeenCalled();
  });

  test('mail, while it may not receive; then it comes', async () => {
    const agent = start('idle');
    await vi.waitFor(() => expect(agent.events.running).toHaveBeenCalled(), soon);
    const payload = { tag: 'text', val: 'secret' } as const;
    const delivery = { tag: 'message', sender: 0, payload } as const;
    expect(await agent.agent.deliver(delivery, null)).toMatchObject({ tag: 'ok' });
    // What it answers now it has read after all that was sent before.
    await agent.agent.revoked();
    expect(agent.logged).toEqual([]);
    for (const grant of held({ ipc: 'all' }).filter(({ kind }) => kind === 'ipc')) {
      agent.agent.granted({ ...grant, index: 99 });
    }
    await vi.waitFor(() => expect(agent.logged).toHaveLength(1), soon);
    expect(agent.logged[0]).toContain('secret');
  });
});

describe('files', () => {
  let directory: string;
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'ringfence-hostile-'));
    writeFileSync(join(directory, 'a.txt'), 'abc');
  });
  afterAll(() => rmSync(directory, { recursive: true }));

  test('it reaches its mount as it was granted, no other handle, and learns no path', async () => {
    const root = openRoot(directory);
    const grants = { files: [{ host: directory, guest: '/data' }] };
    const index = held(grants).findIndex(({ kind }) => kind === 'files');
    const mounts = [{ index, root: root.fd }];
    const spy = start('spy', { grants, mounts });
    await vi.waitFor(() => expect(spy.logged).toHaveLength(1), soon);
    expect(spy.logged[0]).toContain('/data');
    expect(spy.logged[0]).not.toContain(directory);

    const agent = start('files', { grants, mounts });
    await vi.waitFor(() => expect(agent.logged).toHaveLength(4), soon);
    expect(agent.logged[0]).toMatch(/^file 1 \{"tag":"ok"/);
    expect(agent.logged[1]).toBe('file 2 {"tag":"err","val":"bad-descriptor"}');
    expect(agent.logged[2]).toMatch(/^file 3 \{"tag":"err","val":"(not-permitted|access)"\}$/);
    expect(agent.logged[3]).toMatch(/^file 4 \{"tag":"err","val":"read-only"\}$/);
    expect(readdirSync(directory)).toEqual(['a.txt']);

    const revoked = start('files', { grants, mounts });
    revoked.block.revokeGrant(index);
    await vi.waitFor(() => expect(revoked.logged).toHaveLength(4), soon);
    expect(revoked.logged[0]).toBe('file 1 {"tag":"err","val":"access"}');
    spy.kill();
    await Promise.all([spy.ended, agent.kill(), agent.ended, revoked.kill(), revoked.ended]);
    root.close();
  });
});

describe('what it says is bounded', () => {
  test('warnings are printable, and few', async () => {
    await start('ansi-warning').ended;
    // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what must not be there.
    expect(warnings.every((text) => !/[\u0000-\u001f]/.test(text))).toBe(true);
    expect(warnings).toHaveLength(1);
    await start('many-warnings').ended;
    expect(warnings.length).toBeLessThanOrEqual(17);
  });

  test('kinds of denials', async () => {
    const agent = start('many-denials');
    await agent.ended;
    expect(agent.denied.size).toBe(512);
  });

  test('answers that it does not take: it asks for one, and no more is made for it', async () => {
    const given = { grants: { ipc: 'all' } };
    const payload = { tag: 'binary', val: new Uint8Array(1024 * 1024) } as const;
    const asks = async (mode: string) => {
      const agent = start(mode, given);
      await vi.waitFor(() => expect(agent.events.running).toHaveBeenCalled(), soon);
      void agent.agent.deliver({ tag: 'message', sender: 1, payload }, 60_000);
      await vi.waitFor(() => expect(agent.logged).toContain('asks'), soon);
      return agent;
    };
    const deaf = await asks('asks-and-does-not-read');
    const reads = await asks('asks-and-reads');
    await vi.waitFor(() => expect(reads.logged).toContain('through'), soon);
    expect(deaf.logged).not.toContain('through');
  });

  test('counters stay within the limits, and never go down', async () => {
    const agent = start('counters', {
      limits: { fuel: 1_000, memoryBytes: 65_536, messages: 10, toolCalls: 20 },
    });
    await agent.ended;
    expect(agent.block.read()).toMatchObject({
      fuel: 1_000,
      memoryBytes: 65_536,
      messagesSent: 10,
      toolCalls: 20,
      mailboxMessages: 1_024,
    });
  });

  test('what it has not read is no more than a mailbox holds', async () => {
    expect(await start('undelivered').ended).toMatchObject({ reason: 'normal', lost: 1_024 });
  });
});

describe('it ends, however it resists', () => {
  /** An agent that was suspended as soon as it ran. */
  async function suspended(mode: string) {
    const agent = start(mode, { grants: { tools: ['add'], ipc: 'all' } });
    await vi.waitFor(() => expect(agent.events.running).toHaveBeenCalled(), soon);
    agent.block.suspend();
    agent.agent.suspended();
    return agent;
  }

  test.each(['crash', 'leave', 'closes'])('by itself: %s', async (mode) => {
    expect(await start(mode).ended).toMatchObject({ code: -1, reason: 'worker_lost' });
  });

  test.each(['compute', 'deaf'])('by force, when it does not listen: %s', async (mode) => {
    const agent = start(mode);
    await vi.waitFor(() => expect(agent.events.running).toHaveBeenCalled(), soon);
    agent.kill();
    expect(await agent.ended).toMatchObject({ code: -1, reason: 'killed' });
  });

  test('by its timeout', async () => {
    const agent = start('compute', { limits: { wallTimeMs: 100 } });
    expect(await agent.ended).toMatchObject({ code: -1, reason: 'timeout' });
  });

  test('when it does not take a revocation', async () => {
    const agent = start('deaf', { grants: { tools: ['add'] } });
    await vi.waitFor(() => expect(agent.events.running).toHaveBeenCalled(), soon);
    agent.block.revokeGrant(0);
    await agent.agent.revoked();
    expect(await agent.ended).toMatchObject({
      reason: 'killed',
      message: 'its process did not take a revocation',
    });
  });

  test('when it is asked whether it is there, and does not answer', async () => {
    const agents = { deaf: start('deaf'), idle: start('idle') };
    for (const { events } of Object.values(agents)) {
      await vi.waitFor(() => expect(events.running).toHaveBeenCalled(), soon);
    }
    const answered = vi.fn();
    const asked = agents.deaf.agent.answers().then(answered);
    await agents.idle.agent.answers();
    expect(answered).not.toHaveBeenCalled();
    agents.deaf.block.request(COMMAND.reap);
    agents.deaf.agent.reap();
    // As which the supervisor reports it.
    expect(await agents.deaf.ended).toMatchObject({ code: -1, reason: 'killed' });
    await asked;
  });

  test('when it does not say that it rests while its agent is suspended', async () => {
    const agent = await suspended('deaf');
    expect(await agent.ended).toMatchObject({
      reason: 'killed',
      message: 'its process did not stop when it was suspended',
    });
  });

  test.each(['suspended-calls', 'suspended-asks'])(
    'when it asks for something while its agent is suspended: %s',
    async (mode) => {
      const agent = await suspended(mode);
      expect(await agent.ended).toMatchObject({ message: 'its process broke the protocol' });
      expect(warnings[0]).toContain('while its agent is suspended');
      expect(agent.events.callTool).not.toHaveBeenCalled();
    },
  );

  test.runIf(process.platform === 'linux')(
    'when it computes while its agent is suspended',
    async () => {
      const agent = await suspended('suspended-computes');
      expect(await agent.ended).toMatchObject({
        reason: 'killed',
        message: 'its process went on while it was suspended',
      });
    },
  );

  test('but not when it rests: its mail waits here, and it goes on', async () => {
    const agent = await suspended('idle');
    const payload = { tag: 'text', val: 'later' } as const;
    expect(await agent.agent.deliver({ tag: 'message', sender: 0, payload }, null)).toMatchObject({
      tag: 'ok',
    });
    await agent.agent.revoked();
    expect(agent.logged).toEqual([]);
    agent.block.resume();
    agent.agent.resumed();
    await vi.waitFor(() => expect(agent.logged).toHaveLength(1), soon);
    expect(agent.logged[0]).toContain('later');
  });

  test.runIf(process.platform === 'linux')('when it takes more memory than it may', async () => {
    const agent = start('memory', { limits: { memoryBytes: 1024 * 1024, hostBytes: 1 } });
    const end = await agent.ended;
    // The watch sees it, or the system gives it no more and V8 ends it: both are its end alone.
    expect(['killed', 'worker_lost']).toContain(end.reason);
  });

  test.runIf(process.platform === 'linux')('when it takes more CPU time than it may', async () => {
    const agent = start('compute', { limits: { cpuTimeMs: 1 } });
    expect(await agent.ended).toMatchObject({ reason: 'cpu_time' });
  });
});
