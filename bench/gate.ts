/**
 * What the gate costs: its check alone, and host calls of a guest, allowed and denied, files included;
 * beside preview2-shim under jco's glue, and beside plain Node, in the same run.
 */

import {
  closeSync,
  fstatSync,
  mkdtempSync,
  openSync,
  readSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { GCProfiler } from 'node:v8';
import { transpile } from '@bytecodealliance/jco';
import { buildGuests } from '../scripts/build-guests.ts';
import type { IpcScope } from '../src/capability/grant.ts';
import { reachesPid } from '../src/capability/scope.ts';
import { openKernel } from '../src/index.ts';
import { hostFunction } from '../src/wasm/host/gate.ts';
import { FakeAgent } from '../test/support/fake-agent.ts';
import { median, type Part, type Row, time } from './measure.ts';

const CHECKS = 5_000_000;
const ROUNDS = 5;
const BYTES = 4096;

/** Calls of each host function in one run of the guest. */
const COUNTS = {
  clock: 100_000,
  denied: 50_000,
  stat: 5_000,
  open: 5_000,
  read: 5_000,
  write: 5_000,
};
type Name = keyof typeof COUNTS;

type Call = (call: { agent: FakeAgent }, pid: number) => number;

/** Nanoseconds of one call through the gate, and of its work without; and the collections meanwhile. */
function check(): { gated: number; plain: number; collections: number } {
  const run = (agent: { pid: number }, pid: number): number => agent.pid + pid;
  const gated = hostFunction<(pid: number) => number>({
    operation: 'ipc.send',
    capability: 'ipc',
    permits: (scope: IpcScope, agent, pid) => reachesPid(scope, pid, agent.parentPid),
    run,
  }) as unknown as Call;
  const agent = new FakeAgent({ grants: { ipc: { pids: [1, 2, 3] } } });
  const call = { agent };
  let sum = 0;
  const through = (): void => {
    for (let count = 0; count < CHECKS; count += 1) {
      sum += gated(call, (count & 1) + 1);
    }
  };
  const direct = (): void => {
    for (let count = 0; count < CHECKS; count += 1) {
      sum += run(agent, (count & 1) + 1);
    }
  };
  through();
  direct();
  const profiler = new GCProfiler();
  profiler.start();
  const gatedTimes = Array.from({ length: ROUNDS }, () => time(through));
  const collections = profiler.stop()?.statistics.length ?? 0;
  const plainTimes = Array.from({ length: ROUNDS }, () => time(direct));
  if (sum === 0) {
    throw new Error('nothing was called');
  }
  const nanoseconds = (times: number[]): number => (median(times) * 1e6) / CHECKS;
  return { gated: nanoseconds(gatedTimes), plain: nanoseconds(plainTimes), collections };
}

type Runner = (name: Name | 'nothing', count: number) => Promise<number>;

/** Under ringfence, with a directory that may be read and written, or one in memory. */
async function ringfenceRunner(
  file: string,
  directory: string | null,
): Promise<Runner & AsyncDisposable> {
  const kernel = await openKernel({ workers: 1 });
  const module = await kernel.load(file);
  const modes = ['read', 'write', 'create'] as const;
  const files =
    directory === null
      ? [{ memory: true as const, guest: '/', modes: [...modes] }]
      : [{ host: directory, guest: '/', modes: [...modes] }];
  const run = async (name: string, count: number): Promise<number> => {
    const started = performance.now();
    const agent = await kernel.spawn({
      module,
      arguments: ['host-calls', name, String(count)],
      grants: { files },
    });
    const { exit } = await agent.exited;
    if (exit.reason !== 'normal' && name !== 'read') {
      throw new Error(`${name} ended with ${exit.reason}: ${exit.message}`);
    }
    return performance.now() - started;
  };
  return Object.assign(run, { [Symbol.asyncDispose]: async () => void (await kernel.close()) });
}

/** The same component by jco's generated glue and preview2-shim. */
async function shimRunner(file: string, directory: string, scratch: string): Promise<Runner> {
  const { files } = await transpile(await readFile(file), {
    name: 'guest',
    instantiation: 'async',
  });
  await mkdir(scratch, { recursive: true });
  for (const [name, bytes] of Object.entries(files)) {
    await mkdir(join(scratch, name, '..'), { recursive: true });
    await writeFile(join(scratch, name), bytes);
  }
  const glue = (await import(pathToFileURL(join(scratch, 'guest.js')).href)) as {
    instantiate: (
      getCoreModule: (path: string) => Promise<WebAssembly.Module>,
      imports: unknown,
    ) => Promise<Record<string, { run(): void }>>;
  };
  const shim = (await import('@bytecodealliance/preview2-shim/instantiation')) as {
    WASIShim: new (options: object) => { getImportObject(): Record<string, unknown> };
  };
  const modules = new Map<string, Promise<WebAssembly.Module>>();
  const getCoreModule = (path: string): Promise<WebAssembly.Module> => {
    const known =
      modules.get(path) ??
      readFile(join(scratch, path)).then((bytes) => WebAssembly.compile(bytes));
    modules.set(path, known);
    return known;
  };
  return async (name, count) => {
    const args = ['host-calls', name, String(count)];
    const sandbox = { preopens: { '/': directory }, args, env: {}, enableNetwork: false };
    const started = performance.now();
    const imports = new shim.WASIShim({ sandbox }).getImportObject();
    const instance = await glue.instantiate(getCoreModule, imports);
    const [entry] = Object.entries(instance).filter(([key]) => key.startsWith('wasi:cli/run'));
    entry?.[1].run();
    return performance.now() - started;
  };
}

/** What plain Node takes for the same system calls. */
function nodeRunner(directory: string): (name: Name, count: number) => number {
  const path = join(directory, 'file');
  const buffer = Buffer.alloc(BYTES);
  const work: Partial<Record<Name, (fd: number) => void>> = {
    open: () => closeSync(openSync(path, 'r')),
    stat: (fd) => void fstatSync(fd),
    read: (fd) => void readSync(fd, buffer, 0, BYTES, 0),
    write: (fd) => void writeSync(fd, buffer, 0, BYTES, 0),
  };
  return (name, count) => {
    const fd = openSync(path, 'r+');
    try {
      return time(() => {
        for (let index = 0; index < count; index += 1) {
          work[name]?.(fd);
        }
      });
    } finally {
      closeSync(fd);
    }
  };
}

/** Nanoseconds a call, without what starting the guest takes. */
async function perCall(run: Runner, name: Name): Promise<number> {
  const count = COUNTS[name];
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const start = await run('nothing', 0);
    times.push(((await run(name, count)) - start) * 1e6);
  }
  return median(times) / count;
}

const shown = (nanoseconds: number): string =>
  nanoseconds < 1000 ? `${nanoseconds.toFixed(0)} ns` : `${(nanoseconds / 1000).toFixed(2)} µs`;

async function calls(directory: string): Promise<Row[]> {
  const { files } = await buildGuests({ only: ['host-calls'] });
  const file = files.get('host-calls')?.toString() ?? '';
  writeFileSync(join(directory, 'file'), new Uint8Array(BYTES));
  await using ours = await ringfenceRunner(file, directory);
  await using memory = await ringfenceRunner(file, null);
  const shim = await shimRunner(file, directory, join(directory, '.glue'));
  const node = nodeRunner(directory);
  const rows: Row[] = [];
  const add = (name: string, value: number, ratio: number | null, against: string): void => {
    rows.push({ part: 'gate', name, value: shown(value), ratio, against });
  };
  const clock = await perCall(ours, 'clock');
  add('host call that is allowed', clock, clock / (await perCall(shim, 'clock')), 'preview2-shim');
  const denied = await perCall(ours, 'denied');
  add('host call that is denied', denied, denied / clock, 'one that is allowed');
  for (const name of ['open', 'stat', 'read', 'write'] as const) {
    const here = await perCall(ours, name);
    const there = await perCall(shim, name);
    const native = (node(name, COUNTS[name]) * 1e6) / COUNTS[name];
    const label = name === 'read' || name === 'write' ? `${name} of 4 KiB` : name;
    add(`${label}, of the host`, here, here / there, `preview2-shim (${shown(there)})`);
    add('', here, here / native, `plain Node (${shown(native)})`);
    if (name === 'open' || name === 'write') {
      const inMemory = await perCall(memory, name);
      add(`${label}, in memory`, inMemory, inMemory / here, 'of the host');
    }
  }
  return rows;
}

export const gate: Part = {
  name: 'gate',
  what: 'host calls through the gate, and files',
  async run() {
    const { gated, plain, collections } = check();
    const directory = mkdtempSync(join(tmpdir(), 'ringfence-bench-'));
    try {
      return [
        {
          part: 'gate',
          name: 'the check of a hit',
          value: `${(gated - plain).toFixed(1)} ns, ${collections} collections in ${CHECKS * ROUNDS} calls`,
          ratio: (gated - plain) / 50,
          against: '50 ns',
        },
        ...(await calls(directory)),
      ];
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  },
};
