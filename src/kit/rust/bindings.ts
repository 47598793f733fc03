/** The Rust bindings of a world, as a file. */

import { readFileSync } from 'node:fs';
import { snakeCase } from '../bindings/naming.ts';
import { GENERATED } from '../generated-text.ts';
import type { ResolvedWorld } from '../wit/resolve-world.ts';
import { generateRust } from './generate.ts';
import { indent } from './module-text.ts';

/** What compilers and linters have to say of generated code is of no use to who uses it. */
const ALLOWED =
  '#![allow(clashing_extern_declarations, clippy::all, dead_code, unreachable_code, unused_imports, unused_macros, unused_mut, unused_variables)]';

/**
 * The bindings of a world, by path below their folder: `agent.rs`, which a guest has as a module.
 */
export function rustBindings({
  world,
  docs,
  worldName,
}: Pick<ResolvedWorld, 'world' | 'docs' | 'worldName'>): ReadonlyMap<string, string> {
  const runtime = readFileSync(new URL('runtime/values.rs', import.meta.url), 'utf8');
  const text = [
    GENERATED,
    ALLOWED,
    `#[doc(hidden)]\npub mod _rt {\n${indent(runtime)}}`,
    generateRust(world, docs),
  ];
  return new Map([[`${snakeCase(worldName)}.rs`, `${text.join('\n\n')}\n`]]);
}
