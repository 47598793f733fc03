/**
 * The same component by jco's generated glue, with its optimized bindings, and its shim of WASI, closed as far
 * as it can be: https://bytecodealliance.github.io/jco/transpiling.html and the README of preview2-shim.
 */

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { transpile } from '@bytecodealliance/jco';
import { NO_FENCES, type SubjectModule } from '../subject.ts';

interface Glue {
  instantiate(
    getCoreModule: (path: string) => WebAssembly.Module,
    imports: unknown,
  ): Promise<Record<string, { run(): void }>>;
}
interface Shim {
  readonly WASIShim: new (options: object) => { getImportObject(): Record<string, unknown> };
}

export const subject: SubjectModule = {
  fences: {
    ...NO_FENCES,
    capabilities: true,
    caveat: 'its shim gives everything unless it is told not to',
  },
  packageName: '@bytecodealliance/jco',
  kept: 500,
  lives: 1_000,
  async open({ component }) {
    const folder = join(dirname(component), 'jco');
    const { files } = await transpile(readFileSync(component), {
      name: 'guest',
      instantiation: 'async',
      importBindings: 'hybrid',
    });
    for (const [name, bytes] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), bytes);
    }
    const glue = (await import(pathToFileURL(join(folder, 'guest.js')).href)) as Glue;
    const shim = (await import('@bytecodealliance/preview2-shim/instantiation')) as Shim;
    const modules = new Map<string, WebAssembly.Module>();
    const getCoreModule = (path: string): WebAssembly.Module => {
      const known =
        modules.get(path) ??
        new WebAssembly.Module(new Uint8Array(readFileSync(join(folder, path))));
      modules.set(path, known);
      return known;
    };
    // The shim knows WASI only; the guest never calls this in the jobs that it does here.
    const ipc = { receive: () => undefined };
    const make = (...args: readonly string[]) => {
      const sandbox = { preopens: {}, args: ['bench', ...args], env: {}, enableNetwork: false };
      const imports = new shim.WASIShim({ sandbox }).getImportObject();
      return glue.instantiate(getCoreModule, { ...imports, 'ringfence:agent/ipc': ipc });
    };
    const runOf = (instance: Record<string, { run(): void }>) =>
      Object.entries(instance).find(([name]) => name.startsWith('wasi:cli/run'))![1];
    return {
      // The guest compares the hash itself, and `run` throws where it fails.
      async run(job) {
        runOf(await make(job)).run();
      },
      async program({ index, argument, bits }) {
        runOf(await make('program', String(index), String(argument), bits)).run();
      },
      async keep() {
        const instances = [await make('nothing')];
        return () => void instances.pop();
      },
    };
  },
};
