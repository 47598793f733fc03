/** The AssemblyScript bindings of a world, as files: what is generated and the runtime beside it. */

import { readFileSync } from 'node:fs';
import type { World } from '../../wasm/component/reader.ts';
import { GENERATED } from '../generated-text.ts';
import { generateModules } from './generate.ts';
import { libraryModules } from './library.ts';
import { sdkModules } from './sdk.ts';

/** The files of a world's bindings. */
export interface AssemblyScriptBindings {
  /** Texts by path below the folder of bindings: `wasi/io/streams.ts`. `entry.ts` is compiled. */
  readonly files: ReadonlyMap<string, string>;
  /**
   * What the exports of the compiled module have to be renamed to, as AssemblyScript can't export a name
   * such as `wasi:cli/run@0.2.12#run`.
   */
  readonly exportNames: ReadonlyMap<string, string>;
}

/** A world, and what its WIT says in doc comments, by the keys of `Docs`. */
export interface DocumentedWorld {
  readonly world: World;
  readonly docs: ReadonlyMap<string, string>;
}

/** TypeScript is to know the types, for an editor: what is right AssemblyScript says its compiler. */
const HEAD = `${GENERATED}\n// @ts-nocheck`;

/**
 * Generates the bindings of a world.
 *
 * `console`, `trace`, `abort` and failed assertions go to `ringfence:agent/log` where the world imports it, else
 * to WASI's output streams where it imports these, else nowhere.
 *
 * @param guestModule - The guest's own file, without its extension, seen from the folder of bindings.
 */
export function assemblyScriptBindings(
  { world, docs }: DocumentedWorld,
  guestModule: string,
): AssemblyScriptBindings {
  const { modules, exportNames } = generateModules(world, guestModule, docs);
  const texts = new Map(modules);
  texts.set('wit/values', runtime('values.as'));
  texts.set('wit/resources', runtime('resources.as'));
  const paths = new Set(modules.keys());
  for (const [path, text] of [...libraryModules(paths), ...sdkModules(paths)])
    texts.set(path, text);
  return {
    files: new Map([...texts].map(([path, text]) => [`${path}.ts`, `${HEAD}\n\n${text}`])),
    exportNames,
  };
}

function runtime(file: string): string {
  return readFileSync(new URL(`runtime/${file}`, import.meta.url), 'utf8');
}
