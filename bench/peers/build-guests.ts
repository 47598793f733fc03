/** Compiles the guests of `guests/` for each subject. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compileAssemblyScript } from '../../src/kit/assemblyscript/compile.ts';
import { componentFromCore } from '../../src/kit/build/make-component.ts';
import { readWitFolder } from '../../src/kit/wit/read-folder.ts';
import { resolveWorld } from '../../src/kit/wit/resolve-world.ts';
import { compileKernels } from '../metering/kernels.ts';
import { JOBS, type Job } from './job.ts';
import type { Guests } from './subject.ts';

const GUESTS = fileURLToPath(new URL('guests/', import.meta.url));

/** Compiles all into a folder. */
export async function buildPeerGuests(folder: string): Promise<Guests> {
  mkdirSync(folder, { recursive: true });
  const put = (name: string, bytes: Uint8Array): string => {
    const file = join(folder, name);
    writeFileSync(file, bytes);
    return file;
  };
  const core = (name: string, ...options: string[]) =>
    compileKernels(`../peers/guests/${name}.as.ts`, options);
  const commands = {} as Record<Job, string>;
  for (const job of JOBS) {
    commands[job] = put(`command-${job}.wasm`, await core(`command-${job}`));
  }
  return {
    plain: put('plain.wasm', await core('plain')),
    extism: put('extism.wasm', await core('extism')),
    reactor: put('reactor.wasm', await core('reactor', '--exportStart', '_initialize')),
    commands,
    component: put('component.wasm', await component(folder)),
  };
}

/** As `ringfence build` does it. */
async function component(folder: string): Promise<Uint8Array> {
  const world = await resolveWorld(readWitFolder(join(GUESTS, 'wit')), null);
  const { core } = await compileAssemblyScript({
    file: join(GUESTS, 'component.as.ts'),
    world,
    folder: join(folder, 'bindings'),
    base: GUESTS,
  });
  return componentFromCore(core, {
    world: world.worldName,
    witSource: world.witSource,
    stringEncoding: 'utf16',
    file: 'component.as.ts',
  });
}
