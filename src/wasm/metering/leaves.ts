/** Leaves: functions so small, without calls and loops, that they are charged where they are called. */

import { COST_TABLE_ACCESS, LEAF_BODY_BYTES_MAX, LEAF_COST_MAX, LEAF_SLOTS_MAX } from './costs.ts';
import { skipImmediates } from './immediates.ts';
import { IMMEDIATE, OPCODE, readInstruction } from './instructions.ts';
import type { CodeBody, DecodedModule, FunctionType } from './module.ts';
import { ByteReader } from './reader.ts';
import { readValueType, slotsOf } from './value-types.ts';

/** What is no leaf. */
export const NO_LEAF = -1;

/** No leaves at all. */
export function noLeaves(module: DecodedModule): Int8Array {
  return new Int8Array(module.bodies.length).fill(NO_LEAF);
}

/** What one run of each function of the module's own costs where it is a leaf, else {@link NO_LEAF}. */
export function findLeaves(module: DecodedModule): Int8Array {
  const costs = new Int8Array(module.bodies.length);
  for (let index = 0; index < costs.length; index++) {
    const type = module.functionType(module.functions[module.imported.function + index]!);
    costs[index] = leafCost(module, module.bodies[index]!, type);
  }
  return costs;
}

function leafCost(module: DecodedModule, body: CodeBody, type: FunctionType): number {
  if (body.end - body.start > LEAF_BODY_BYTES_MAX) return NO_LEAF;
  const reader = new ByteReader(module.bytes, body.start, body.end, module.use);
  let slots = type.parameterSlots + type.resultSlots;
  for (let groups = reader.count(); groups > 0; groups--) {
    const count = reader.u32();
    slots += count * slotsOf(readValueType(reader));
  }
  if (slots > LEAF_SLOTS_MAX) return NO_LEAF;
  let cost = 0;
  while (!reader.atEnd) {
    const instruction = readInstruction(reader);
    if (!mayStandInLeaf(instruction.code, instruction.immediate, instruction.cost)) return NO_LEAF;
    cost += instruction.cost;
    skipImmediates(reader, instruction.immediate);
  }
  return cost <= LEAF_COST_MAX ? cost : NO_LEAF;
}

/** Nothing that calls, goes round, throws, grows, or takes longer than its cost says. */
function mayStandInLeaf(code: number, immediate: number, cost: number): boolean {
  switch (immediate) {
    case IMMEDIATE.block:
      return code === OPCODE.block || code === OPCODE.if;
    case IMMEDIATE.none:
      return code !== OPCODE.unreachable && code !== OPCODE.throwRef && code !== OPCODE.catchAll;
    case IMMEDIATE.label:
      return code === OPCODE.br || code === OPCODE.brIf;
    case IMMEDIATE.local:
    case IMMEDIATE.global:
    case IMMEDIATE.selectTypes:
      return true;
    case IMMEDIATE.memory:
      return code === OPCODE.memorySize;
    default:
      return immediate >= IMMEDIATE.access && cost < COST_TABLE_ACCESS;
  }
}
