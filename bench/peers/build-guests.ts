/** Compiles the guests of `guests/` for each subject. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compileAssemblyScript } from '../../src/kit/assemblyscript/compile.ts';
import { componentFromCore } from '../../src/kit/build/make-component.ts';
import { readWitFolder } from '../../src/kit/wit/read-folder.ts';
import { resolveWorld } from '../../src/kit/wit/resolve-world.ts';
import { compileKernels, KERNELS } from '../metering/kernels.ts';
import { publish } from '../publish.ts';
import { bitsOf } from './job.ts';
import type { Guests, Program } from './subject.ts';

const GUESTS = fileURLToPath(new URL('guests/', import.meta.url));

/** Compiles all into a folder. */
export async function buildPeerGuests(folder: string): Promise<Guests> {
  mkdirSync(folder, { recursive: true });
  const put = (name: string, bytes: Uint8Array): string => {
    const file = join(folder, name);
    writeFileSync(file, bytes);
    return file;
  };
  // As the component is compiled: they are to differ in nothing but who runs them.
  const core = (name: string, ...options: string[]) =>
    compileKernels(`../peers/guests/${name}.as.ts`, ['--shrinkLevel', '1', ...options]);
  const plain = await core('plain');
  publish(folder);
  return {
    published: join(folder, 'dist', 'index.js'),
    programs: programsOf(plain),
    plain: put('plain.wasm', plain),
    extism: put('extism.wasm', await core('extism')),
    reactor: put('reactor.wasm', await core('reactor', '--exportStart', '_initialize')),
    command: put('command.wasm', await core('command')),
    component: put('component.wasm', await component('component', folder)),
    talker: put('talker.wasm', await component('talker', folder)),
  };
}

/** The programs and what they answer: what plain V8 says. */
function programsOf(plain: Uint8Array<ArrayBuffer>): Program[] {
  const imports = { env: { now: () => 0n } };
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(plain), imports);
  const run = exports.program as (index: number, argument: number) => number;
  return Object.entries(KERNELS).map(([name, argument], index) => ({
    name,
    index,
    argument,
    bits: bitsOf(run(index, argument)),
  }));
}

/** As `ringfence build` does it. */
async function component(name: string, folder: string): Promise<Uint8Array> {
  const world = await resolveWorld(readWitFolder(join(GUESTS, 'wit')), null);
  const { core } = await compileAssemblyScript({
    file: join(GUESTS, `${name}.as.ts`),
    world,
    folder: join(folder, name),
    base: GUESTS,
  });
  return componentFromCore(core, {
    world: world.worldName,
    witSource: world.witSource,
    stringEncoding: 'utf16',
    file: `${name}.as.ts`,
  });
}
