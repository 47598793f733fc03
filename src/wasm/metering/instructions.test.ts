import { print } from '@bytecodealliance/jco';
import { describe, expect, it } from 'vitest';
import { FeatureUse } from './features.ts';
import {
  IMMEDIATE,
  type Immediate,
  INSTRUCTIONS,
  type Instruction,
  OPCODE,
  readInstruction,
} from './instructions.ts';
import { ByteReader } from './reader.ts';
import { VALUE } from './value-types.ts';
import { ByteWriter } from './writer.ts';

const CONTROL = new Set<Immediate>([
  IMMEDIATE.block,
  IMMEDIATE.tryTable,
  IMMEDIATE.tag,
  IMMEDIATE.label,
  IMMEDIATE.labels,
  IMMEDIATE.call,
  IMMEDIATE.callIndirect,
  IMMEDIATE.callReference,
  IMMEDIATE.castLabel,
  IMMEDIATE.selectTypes,
]);
const CONTROL_CODES = new Set<number>([
  OPCODE.unreachable,
  OPCODE.else,
  OPCODE.throwRef,
  OPCODE.end,
  OPCODE.return,
  OPCODE.catchAll,
  OPCODE.select,
]);
/** Those that need no block, type or label around them. */
const PLAIN = INSTRUCTIONS.filter(
  ({ code, immediate }) => !CONTROL.has(immediate) && !CONTROL_CODES.has(code),
);

const IMMEDIATE_BYTES: Partial<Record<Immediate, readonly number[]>> = {
  [IMMEDIATE.local]: [0],
  [IMMEDIATE.global]: [0],
  [IMMEDIATE.function]: [0],
  [IMMEDIATE.memory]: [0],
  [IMMEDIATE.memoryCopy]: [0, 0],
  [IMMEDIATE.memoryInit]: [0, 0],
  [IMMEDIATE.table]: [0],
  [IMMEDIATE.tableCopy]: [0, 0],
  [IMMEDIATE.tableInit]: [0, 0],
  [IMMEDIATE.structType]: [1],
  [IMMEDIATE.field]: [1, 0],
  [IMMEDIATE.arrayType]: [2],
  [IMMEDIATE.arrayFixed]: [2, 0],
  [IMMEDIATE.arraySegment]: [2, 0],
  [IMMEDIATE.arrayCopy]: [2, 2],
  [IMMEDIATE.index]: [0],
  [IMMEDIATE.access]: [0, 0],
  [IMMEDIATE.accessLane]: [0, 0, 0],
  [IMMEDIATE.signed32]: [0],
  [IMMEDIATE.signed64]: [0],
  [IMMEDIATE.fixed4]: [0, 0, 0, 0],
  [IMMEDIATE.fixed8]: new Array<number>(8).fill(0),
  [IMMEDIATE.fixed16]: new Array<number>(16).fill(0),
  [IMMEDIATE.lane]: [0],
  [IMMEDIATE.heapType]: [VALUE.functionReference],
};

function encode({ code, immediate }: Instruction): number[] {
  const out = new ByteWriter();
  if (code > 0xff) {
    out.u8(code >> 16);
    out.u32(code & 0xffff);
  } else {
    out.u8(code);
  }
  return [...out.bytes, ...(IMMEDIATE_BYTES[immediate] ?? [])];
}

function section(id: number, ...items: number[][]): number[] {
  const content = new ByteWriter();
  content.u32(items.length);
  for (const item of items) content.raw(...item);
  const out = new ByteWriter();
  out.section(id, content.bytes);
  return [...out.bytes];
}

/** A module whose functions, all of one type, have these bodies; it has one of everything to refer to. */
function moduleOf(
  results: readonly number[],
  bodies: readonly number[][],
): Uint8Array<ArrayBuffer> {
  const code = bodies.map((body) => {
    const out = new ByteWriter();
    // One local of type i32.
    const bytes = [1, 1, VALUE.i32, ...body, OPCODE.end];
    out.u32(bytes.length);
    out.raw(...bytes);
    return [...out.bytes];
  });
  return Uint8Array.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [0x60, 0, results.length, ...results], [0x5f, 1, VALUE.i32, 1], [0x5e, 0x78, 1]),
    ...section(3, ...bodies.map(() => [0])),
    ...section(4, [VALUE.functionReference, 0, 1]),
    ...section(5, [0, 1]),
    ...section(6, [VALUE.i32, 1, OPCODE.i32Const, 0, OPCODE.end]),
    ...section(9, [3, 0, 1, 0], [1, 0, 1, 0]),
    ...[12, 1, 1],
    ...section(10, ...code),
    ...section(11, [1, 0]),
  ]);
}

const CONSTANTS: readonly (readonly [type: number, bytes: readonly number[]])[] = [
  [VALUE.i32, [OPCODE.i32Const, 0]],
  [VALUE.i64, [OPCODE.i64Const, 0]],
  [VALUE.f32, [OPCODE.f32Const, 0, 0, 0, 0]],
  [VALUE.f64, [OPCODE.f64Const, ...new Array<number>(8).fill(0)]],
  [VALUE.v128, [0xfd, 12, ...new Array<number>(16).fill(0)]],
  [VALUE.functionReference, [OPCODE.refNull, VALUE.functionReference]],
  [VALUE.externalReference, [OPCODE.refNull, VALUE.externalReference]],
  // `none` stands for every reference that is collected, `any` takes each.
  [0x6e, [OPCODE.refNull, 0x71]],
];

/** Every list of `count` operand constants. */
function operandLists(count: number): number[][] {
  let lists: number[][] = [[]];
  for (let index = 0; index < count; index++) {
    lists = lists.flatMap((list) => CONSTANTS.map(([, bytes]) => [...list, ...bytes]));
  }
  return lists;
}

/** The type of what the instruction leaves after exactly `pops` operands; null nothing; undefined: none fit. */
function resultOf(instruction: Instruction): number | null | undefined {
  for (const operands of operandLists(instruction.pops)) {
    const body = [...operands, ...encode(instruction)];
    if (WebAssembly.validate(moduleOf([], [body]))) return null;
    for (const [type] of CONSTANTS) {
      if (WebAssembly.validate(moduleOf([type], [body]))) return type;
    }
  }
  return undefined;
}

describe('the opcode table', () => {
  it('calls every instruction what the tools call it', async () => {
    const text = await print(moduleOf([], PLAIN.map(encode)));
    const names = [...text.matchAll(/\(local i32\)\s+(\S+)/g)].map(([, name]) => name);
    expect(names).toEqual(PLAIN.map(({ name }) => name));
  });

  it('has the stack effect that the engine has', { timeout: 120_000 }, () => {
    // What these do depends on types.
    const typed = new Set<Immediate>([
      IMMEDIATE.local,
      IMMEDIATE.global,
      IMMEDIATE.structType,
      IMMEDIATE.field,
      IMMEDIATE.arrayType,
      IMMEDIATE.arrayFixed,
      IMMEDIATE.arraySegment,
      IMMEDIATE.arrayCopy,
    ]);
    const wrong = PLAIN.filter(({ immediate }) => !typed.has(immediate)).flatMap((instruction) => {
      const result = resultOf(instruction);
      const pushes = result === null ? 0 : result === VALUE.v128 ? 2 : 1;
      return result !== undefined && pushes === instruction.pushes ? [] : [instruction.name];
    });
    expect(wrong).toEqual([]);
  });

  it('holds everything of WebAssembly 3.0, and both forms of exceptions', () => {
    expect(INSTRUCTIONS.filter(({ code }) => code < 0x100)).toHaveLength(199);
    expect(INSTRUCTIONS.filter(({ code }) => code >> 16 === 0xfb)).toHaveLength(31);
    expect(INSTRUCTIONS.filter(({ code }) => code >> 16 === 0xfc)).toHaveLength(18);
    expect(INSTRUCTIONS.filter(({ code }) => code >> 16 === 0xfd)).toHaveLength(256);
  });

  it('makes nothing that loops or calls free', () => {
    const free = INSTRUCTIONS.filter(({ cost }) => cost === 0).map(({ name }) => name);
    expect(free).toEqual('nop block loop else catch end delegate catch_all'.split(' '));
    expect(INSTRUCTIONS.every(({ cost }) => Number.isInteger(cost) && cost >= 0)).toBe(true);
  });

  it('refuses every code that it does not hold, by its offset', () => {
    const known = new Set(INSTRUCTIONS.map(({ code }) => code));
    const read = (...bytes: number[]) =>
      readInstruction(new ByteReader(Uint8Array.from(bytes), 0, bytes.length, use));
    const use = new FeatureUse({ gc: true, relaxedSimd: true });
    const refused = expect.objectContaining({
      code: 'RF_MODULE_REFUSED',
      fields: expect.objectContaining({ offset: 0 }),
    });
    for (let code = 0; code < 0x100; code++) {
      if (code >= 0xfb && code <= 0xfd) continue;
      if (known.has(code)) expect(read(code).code).toBe(code);
      else expect(() => read(code)).toThrow(refused);
    }
    for (const prefix of [0xfb, 0xfc, 0xfd]) {
      for (let number = 0; number < 0x200; number++) {
        const bytes =
          number < 0x80 ? [prefix, number] : [prefix, (number & 0x7f) | 0x80, number >> 7];
        const code = (prefix << 16) | number;
        if (known.has(code)) expect(read(...bytes).code).toBe(code);
        else expect(() => read(...bytes)).toThrow(refused);
      }
    }
  });
});
