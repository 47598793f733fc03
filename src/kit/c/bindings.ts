/** The C bindings of a world, as files. */

import { snakeCase } from '../bindings/naming.ts';
import { GENERATED } from '../generated-text.ts';
import type { ResolvedWorld } from '../wit/resolve-world.ts';
import { generateC } from './generate.ts';

/** The files of a world's bindings. */
export interface CBindings {
  /** Texts by path below the folder of bindings: `agent.h`, `agent.c`. */
  readonly files: ReadonlyMap<string, string>;
  /** The file that is compiled beside the guest's own. */
  readonly source: string;
  /** The prototypes of the functions that the guest has to write, by their names. */
  readonly wanted: ReadonlyMap<string, string>;
}

/** Generates the bindings of a world. */
export function cBindings({
  world,
  docs,
  worldName,
}: Pick<ResolvedWorld, 'world' | 'docs' | 'worldName'>): CBindings {
  const { header, source, wanted } = generateC(world, worldName, docs);
  const name = snakeCase(worldName);
  return {
    files: new Map([
      [`${name}.h`, `${GENERATED}\n\n${header}`],
      [`${name}.c`, `${GENERATED}\n\n${source}`],
    ]),
    source: `${name}.c`,
    wanted,
  };
}
