/** The guest `host-calls` under ringfence, and under jco's glue with preview2-shim: calls of one host function. */

import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { transpile } from '@bytecodealliance/jco';
import { openKernel } from '../src/index.ts';
import { type Program, valuesInTurns } from './rounds.ts';

/** Milliseconds in which the guest starts, calls what the name says so many times, and ends. */
export type Runner = (name: string, count: number) => Promise<number>;

/** Under ringfence, with a directory that may be read and written, or one in memory. */
export async function ringfenceRunner(
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
  const run: Runner = async (name, count) => {
    const started = performance.now();
    const agent = await kernel.spawn({
      module,
      arguments: ['host-calls', name, String(count)],
      grants: { files },
    });
    const { exit } = await agent.exited;
    const ms = performance.now() - started;
    if (exit.reason !== 'normal' || exit.code !== 0) {
      throw new Error(`${name} ended with ${exit.reason} (${exit.code}): ${exit.message}`);
    }
    return ms;
  };
  return Object.assign(run, { [Symbol.asyncDispose]: async () => void (await kernel.close()) });
}

/** The same component by jco's generated glue and preview2-shim; `scratch` takes the glue. */
export async function shimRunner(
  file: string,
  directory: string,
  scratch: string,
): Promise<Runner> {
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
  // The shim has none: a function that answers at once is the best that it could have.
  const config = { 'wasi:config/store': { get: () => undefined, getAll: () => [] } };
  return async (name, count) => {
    const args = ['host-calls', name, String(count)];
    const sandbox = { preopens: { '/': directory }, args, env: {}, enableNetwork: false };
    const started = performance.now();
    const imports = { ...new shim.WASIShim({ sandbox }).getImportObject(), ...config };
    const instance = await glue.instantiate(getCoreModule, imports);
    const [entry] = Object.entries(instance).filter(([key]) => key.startsWith('wasi:cli/run'));
    if (entry === undefined) throw new Error('the glue exports no command');
    entry[1].run();
    return performance.now() - started;
  };
}

/** Nanoseconds of one call, of all runners in turns, each with so many calls in one run. */
export async function perCall(
  rounds: number,
  name: string,
  subjects: readonly (readonly [run: Runner, count: number])[],
): Promise<number[][]> {
  for (const [run, count] of subjects) await run(name, count);
  const starts = await valuesInTurns(
    rounds,
    subjects.map(
      ([run]): Program =>
        () =>
          run('nothing', 0),
    ),
  );
  const whole = await valuesInTurns(
    rounds,
    subjects.map(
      ([run, count]): Program =>
        () =>
          run(name, count),
    ),
  );
  // Less the least that a start took: the difference of two rounds could be less than nothing.
  return whole.map((times, index) =>
    times.map((ms) => ((ms - Math.min(...starts[index]!)) * 1e6) / subjects[index]![1]),
  );
}
