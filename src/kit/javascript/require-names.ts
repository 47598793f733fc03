/**
 * Refuses a world whose names an engine can't have. Both look for what a guest exports by the last word of an
 * interface's name, in camel case: of two alike they would call one for both.
 */

import { RingfenceError } from '../../errors.ts';
import type { ComponentType } from '../../wasm/component/types.ts';
import { camelCase, isReserved, pascalCase } from '../bindings/naming.ts';
import { Docs } from '../wit/docs.ts';
import { functionsOf, membersOf, type Place, placesOf, typesOf } from '../wit/places.ts';
import type { ResolvedWorld } from '../wit/resolve-world.ts';
import type { Engine } from './engines.ts';
import { exportedName } from './entry-text.ts';

/**
 * @throws RingfenceError `RF_MODULE_INVALID` which names what is wrong, and says what to do.
 */
export function requireNames(
  { world, worldName }: Pick<ResolvedWorld, 'world' | 'worldName'>,
  engine: Engine,
): void {
  if (engine === 'starlingmonkey') requireFunctionNames(world, worldName);
  const exported = firstAlike(exportsOf(world), exportedName);
  if (exported !== null) {
    throw invalid(
      `the world '${worldName}' exports '${exported.first}' and '${exported.second}', which a guest in JavaScript exports by one name, '${exported.written}': give one of them another name in the WIT, or export them from two components.`,
    );
  }
  for (const place of placesOf(world, new Docs())) requireDistinctIn(place, worldName);
}

/**
 * Componentize-js 0.22.0 mistakes the result of a function that is exported by such a name: what its caller reads
 * is other memory, and asks for gigabytes. In an interface they are functions like others, and so is `default`.
 */
function requireFunctionNames(
  { exports }: Pick<ComponentType, 'exports'>,
  worldName: string,
): void {
  for (const [name, { kind }] of exports) {
    if (kind !== 'func' || name === 'default' || !isReserved(exportedName(name))) continue;
    throw invalid(
      `the world '${worldName}' exports a function '${name}', a name that the engine starlingmonkey can't export: put it into an interface, give it another name, or take the engine quickjs.`,
    );
  }
}

const exportsOf = ({ exports }: Pick<ComponentType, 'exports'>): string[] =>
  [...exports].flatMap(([name, { kind }]) =>
    kind === 'func' || kind === 'instance' ? [name] : [],
  );

function requireDistinctIn({ name, instance }: Place, worldName: string): void {
  const where = name === '' ? `the world '${worldName}'` : `'${name}'`;
  const types = [...typesOf(instance)];
  requireDistinct(
    types.map(([each]) => each),
    pascalCase,
    where,
  );
  requireDistinct(
    functionsOf(instance).map(([each]) => each),
    camelCase,
    where,
  );
  for (const [typeName, type] of types) {
    const what = `'${typeName}' of ${where}`;
    if (type.kind === 'record') {
      const fields = type.fields.map((field) => field.name);
      requireDistinct(fields, camelCase, what);
    }
    if (type.kind === 'flags') requireDistinct(type.names, camelCase, what);
    if (type.kind !== 'resource') continue;
    for (const kind of ['method', 'static']) {
      const members = membersOf(instance, typeName).filter((member) => member.kind === kind);
      requireDistinct(
        members.map(({ own }) => own),
        camelCase,
        what,
      );
    }
  }
}

function requireDistinct(
  names: readonly string[],
  write: (name: string) => string,
  where: string,
): void {
  const alike = firstAlike(names, write);
  if (alike === null) return;
  throw invalid(
    `'${alike.first}' and '${alike.second}' of ${where} are both '${alike.written}' in JavaScript: give one of them another name in the WIT.`,
  );
}

/** The first two names that are written alike; null: there are none. */
function firstAlike(
  names: readonly string[],
  write: (name: string) => string,
): { readonly first: string; readonly second: string; readonly written: string } | null {
  const seen = new Map<string, string>();
  for (const second of names) {
    const written = write(second);
    const first = seen.get(written);
    if (first !== undefined) return { first, second, written };
    seen.set(written, second);
  }
  return null;
}

const invalid = (sentence: string) => new RingfenceError('RF_MODULE_INVALID', sentence);
