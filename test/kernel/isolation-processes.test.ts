/**
 * Goal: an agent's process lives exactly as long as its agent, and its death is nobody else's. Method:
 * the processes of the system are looked at from outside: after many agents, after the program was
 * killed, after one of them was.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, openSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest';
import { Processes } from '../../src/backend/process/processes.ts';
import { Starts } from '../../src/backend/starts.ts';
import { OwnThreads } from '../../src/backend/wasm/own-threads.ts';
import { blocksMemory, startAgent } from '../support/child-agents.ts';
import { childProcesses } from '../support/child-processes.ts';
import { guest, testKernel } from '../support/kernel.ts';

interface Row {
  readonly pid: number;
  readonly started: string;
  readonly session: string;
}

const cache = mkdtempSync(join(tmpdir(), 'ringfence-processes-'));
afterAll(() => rmSync(cache, { recursive: true }));

const soon = { timeout: 20_000 };

/** Whether it is still the same process, and no zombie. */
function isAlive({ pid, started }: Row): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[19] === started && fields[0] !== 'Z';
  } catch {
    return false;
  }
}

const programs: ChildProcess[] = [];
afterEach(() => {
  for (const program of programs.splice(0)) {
    program.kill('SIGKILL');
  }
});

/** Starts a program that runs agents in processes; `lines` are what it says. */
function program(name: string, count: number, extra: ('ignore' | number)[] = []) {
  const file = fileURLToPath(new URL('../fixtures/isolation/host.ts', import.meta.url));
  const child = spawn(process.execPath, [file, fileURLToPath(guest(name)), cache, String(count)], {
    stdio: ['pipe', 'pipe', 'inherit', ...extra],
  });
  programs.push(child);
  if (child.stdout === null) {
    throw new Error('no pipe');
  }
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const rows = async (): Promise<Row[]> => JSON.parse(String((await lines.next()).value)) as Row[];
  return { child, rows };
}

describe.runIf(process.platform === 'linux')('processes of agents', () => {
  test('are gone when the kernel is closed', async () => {
    const { child, rows } = program('endless-loop', 4);
    const before = await rows();
    expect(before.length).toBeGreaterThanOrEqual(4);
    expect(before.every(isAlive)).toBe(true);
    child.stdin?.end();
    expect(await rows()).toEqual([]);
    expect(before.filter(isAlive)).toEqual([]);
  });

  test('are gone when the program was killed', async () => {
    const { child, rows } = program('endless-loop', 4);
    const before = await rows();
    expect(before.every(isAlive)).toBe(true);
    child.kill('SIGKILL');
    await vi.waitFor(() => expect(before.filter(isAlive)).toEqual([]), soon);
  });

  test('have a session of their own: Ctrl-C at the program is not theirs', async () => {
    const { child, rows } = program('sleeper-in-poll', 1);
    const stat = readFileSync(`/proc/${child.pid}/stat`, 'latin1');
    const session = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[3];
    const started = await rows();
    expect(started.length).toBeGreaterThan(0);
    expect(started.every((row) => row.session !== session)).toBe(true);
  });

  test('inherit nothing that the program itself was left', async () => {
    const left = openSync(fileURLToPath(guest('hello')), 'r');
    // Node itself sees to the first ones.
    const far: ('ignore' | number)[] = [
      ...Array.from({ length: 60 }, () => 'ignore' as const),
      left,
    ];
    const { child, rows } = program('sleeper-in-poll', 1, far);
    const leadsTo = (pid: number): string[] =>
      readdirSync(`/proc/${pid}/fd`).flatMap((name) => {
        try {
          return readlinkSync(`/proc/${pid}/fd/${name}`);
        } catch {
          // The program goes on meanwhile, and has closed it.
          return [];
        }
      });
    const started = await rows();
    expect(leadsTo(child.pid ?? 0).filter((to) => to.endsWith('hello.wasm'))).toHaveLength(1);
    // Bubblewrap itself, which waits beside the process, holds a directory of its own.
    const ours = started.filter(
      ({ pid }) => readFileSync(`/proc/${pid}/comm`, 'latin1').trim() !== 'bwrap',
    );
    expect(ours.length).toBeGreaterThan(0);
    for (const { pid } of ours) {
      const paths = leadsTo(pid).filter((to) => to.startsWith('/') && to !== '/dev/null');
      // Node keeps one in reserve: of /dev/null, or of the root, which is the sandbox's own there.
      expect(paths.filter((to) => to !== '/')).toEqual([]);
      expect(readdirSync(`/proc/${pid}/root/`).includes('etc') && paths.includes('/')).toBe(false);
    }
  });
});

test('one that dies takes its agent along, and nobody else', async () => {
  const { kernel } = await testKernel();
  const module = await kernel.load(guest('sleeper-in-poll'));
  await kernel.processWalls();
  // The one that was started to find out is the first agent's.
  const ready = childProcesses();
  const victim = await kernel.spawn({ module, isolation: 'process' });
  await vi.waitFor(() => expect(victim.state).toBe('running'), soon);
  const neighbour = await kernel.spawn({ module, isolation: 'process' });
  await vi.waitFor(() => expect(neighbour.state).toBe('running'), soon);
  for (const pid of ready) {
    process.kill(pid, 'SIGKILL');
  }
  expect((await victim.exited).exit).toMatchObject({ code: -1, reason: 'worker_lost' });
  expect(neighbour.state).toBe('running');
  const another = await kernel.spawn({
    module: await kernel.load(guest('hello')),
    isolation: 'process',
  });
  expect((await another.exited).exit.reason).toBe('normal');
  neighbour.kill();
  expect((await neighbour.exited).exit.reason).toBe('killed');
  await kernel.close();
});

describe('as many as may, and no more', () => {
  const entry = fileURLToPath(new URL('../fixtures/isolation/hostile.ts', import.meta.url));
  const onWarning = (): void => {};

  test('processes: fifty, some at a time, and none is left', async () => {
    const processes = new Processes({
      starts: new Starts(2),
      sliceFuel: 1,
      policy: 'if-available',
      entry,
      onWarning,
    });
    await processes.prepare();
    let left = 50;
    const lane = async (): Promise<void> => {
      for (; left > 0; left -= 1) {
        expect((await startAgent(processes, 'honest').ended).reason).toBe('normal');
      }
    };
    await Promise.all([lane(), lane(), lane(), lane()]);
    await processes.close();
    expect(childProcesses()).toEqual([]);
  });

  test('processes: one more than may is refused, until one has ended', async () => {
    const options = {
      starts: new Starts(2),
      sliceFuel: 1,
      policy: 'if-available',
      entry,
      onWarning,
    } as const;
    const processes = new Processes({ ...options, most: 2 });
    await processes.prepare();
    const [first, second] = [startAgent(processes, 'idle'), startAgent(processes, 'idle')];
    expect(() => startAgent(processes, 'idle')).toThrow(
      expect.objectContaining({ code: 'RF_LIMIT_EXCEEDED' }),
    );
    first.kill();
    await first.ended;
    const third = startAgent(processes, 'idle');
    second.kill();
    third.kill();
    await Promise.all([second.ended, third.ended]);
    await processes.close();
    expect(childProcesses()).toEqual([]);
  });

  test('processes: one that can not be started after all takes no place, and is gone', async () => {
    const options = { starts: new Starts(2), sliceFuel: 1, policy: 'if-available' } as const;
    const processes = new Processes({ ...options, most: 1, entry, onWarning });
    await processes.prepare();
    const before = childProcesses();
    // A mount whose grant it does not have is a mistake of ours.
    const mounts = [{ index: 9, root: null }];
    expect(() => startAgent(processes, 'idle', { mounts })).toThrow(/came without its grant/);
    await vi.waitFor(() => expect(childProcesses()).not.toEqual(before), soon);
    expect((await startAgent(processes, 'honest').ended).reason).toBe('normal');
    await processes.close();
    expect(childProcesses()).toEqual([]);
  });

  test('threads: one more than may is refused, until one has ended', async () => {
    const threads = new OwnThreads(
      { sliceFuel: 1, blocks: blocksMemory, onWarning },
      new Starts(2),
      1,
    );
    const first = startAgent(threads, 'any', { isolation: 'thread' });
    expect(() => startAgent(threads, 'any', { isolation: 'thread' })).toThrow(
      expect.objectContaining({ code: 'RF_LIMIT_EXCEEDED' }),
    );
    first.kill();
    await first.ended;
    const again = await vi.waitFor(() => startAgent(threads, 'any', { isolation: 'thread' }), soon);
    again.kill();
    await again.ended;
    await threads.close();
  });
});
