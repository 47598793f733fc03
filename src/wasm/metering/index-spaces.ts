/** Reads indices that instructions name things of their module by; what isn't there is refused. */

import type { Composite, DecodedModule, Field, FunctionType } from './module.ts';
import type { ByteReader } from './reader.ts';
import { invalid } from './refusals.ts';

/** Where an index is read, and of which module. */
export interface Place {
  readonly module: DecodedModule;
  readonly reader: ByteReader;
}

export function requireTag({ module, reader }: Place): FunctionType {
  const at = reader.position;
  const type = module.tags[reader.u32()];
  if (type === undefined) throw invalid('there is no such tag', at);
  return module.functionType(type);
}

export function requireTable({ module, reader }: Place): number {
  const at = reader.position;
  const index = reader.u32();
  if (index >= module.tables.length) throw invalid(`there is no table ${index}`, at);
  return index;
}

export function requireMemory({ module, reader }: Place): number {
  const at = reader.position;
  const index = reader.u32();
  if (index >= module.memories.length) throw invalid(`there is no memory ${index}`, at);
  return index;
}

export function requireSegment({ reader }: Place, count: number): number {
  const at = reader.position;
  const index = reader.u32();
  if (index >= count) throw invalid(`there is no segment ${index}`, at);
  return index;
}

export function requireStruct({ module, reader }: Place): Extract<Composite, { kind: 'struct' }> {
  const at = reader.position;
  const index = reader.u32();
  const found = module.composites.get(index);
  if (found?.kind !== 'struct') throw invalid(`there is no struct type ${index}`, at);
  return found;
}

export function requireArray({ module, reader }: Place): {
  readonly type: number;
  readonly element: Field;
} {
  const at = reader.position;
  const type = reader.u32();
  const found = module.composites.get(type);
  if (found?.kind !== 'array') throw invalid(`there is no array type ${type}`, at);
  return { type, element: found.element };
}
