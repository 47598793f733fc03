/** Compiles a guest written in JavaScript or TypeScript: its bundle, and the engine that runs it, in one component. */

import { join } from 'node:path';
import { writeAtomically } from '../build/write-atomically.ts';
import type { ResolvedWorld } from '../wit/resolve-world.ts';
import { bundleGuest } from './bundle.ts';
import { declarationsOf } from './declarations.ts';
import type { EngineInput } from './engine-input.ts';
import { engineWorld } from './engine-world.ts';
import type { Engine } from './engines.ts';
import { placeInMap, withLineTable } from './line-table.ts';
import { componentizeWithQuickJs } from './quickjs.ts';
import { requireNames } from './require-names.ts';
import { componentizeWithStarlingMonkey } from './starlingmonkey.ts';

const COMPONENTIZERS: Readonly<Record<Engine, (input: EngineInput) => Promise<Uint8Array>>> = {
  quickjs: componentizeWithQuickJs,
  starlingmonkey: componentizeWithStarlingMonkey,
};

/** The guest to compile. */
export interface JavaScriptGuest {
  /** The project's folder: names of files are told from it. */
  readonly base: string;
  /** The guest's own file, from there. */
  readonly entry: string;
  /** The world that it is made for. */
  readonly resolved: ResolvedWorld;
  readonly engine: Engine;
  /** Where the types of the world go. */
  readonly folder: string;
}

/**
 * Compiles the guest and answers its component, the same wherever `base` is.
 *
 * @throws RingfenceError `RF_MODULE_INVALID` with what is wrong, its file and line; `RF_COMPILER_MISSING` where a
 * package is missing that it is built with.
 */
export async function compileJavaScript(guest: JavaScriptGuest): Promise<Uint8Array> {
  const { base, entry, resolved, engine } = guest;
  requireNames(resolved, engine);
  for (const [path, text] of declarationsOf(resolved, engine)) {
    writeAtomically(join(guest.folder, path), text);
  }
  const world = engineWorld(resolved, engine);
  const { code, map, nameOf } = await bundleGuest({
    file: join(base, entry),
    base,
    world,
    worldName: resolved.worldName,
    engine,
  });
  return COMPONENTIZERS[engine]({
    code: withLineTable(code, map, nameOf),
    witSource: world.witSource,
    world: world.name,
    usesHttp: [...world.imports.keys(), ...world.exports.keys()].some((name) =>
      name.startsWith('wasi:http/'),
    ),
    base,
    file: entry,
    placeOf: (line) => placeInMap(map, nameOf, line),
  });
}
