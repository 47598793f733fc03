/** The parts of lifting and lowering that need neither memory nor handles. */

import { AbiViolation } from './violation.ts';

const SCRATCH = new DataView(new ArrayBuffer(8));

/** Lifts a `char`: a Unicode scalar value, as a string of one or two units. */
export function liftChar(value: number): string {
  const scalar = value >>> 0;
  if (scalar >= 0x11_0000 || (scalar >= 0xd800 && scalar <= 0xdfff)) {
    throw new AbiViolation(`${scalar} is not a Unicode scalar value`);
  }
  return String.fromCodePoint(scalar);
}

/** Lowers a `char`. */
export function lowerChar(text: string): number {
  const scalar = text.codePointAt(0);
  if (scalar === undefined || (scalar >= 0xd800 && scalar <= 0xdfff)) {
    throw new TypeError(
      'A host function answered no Unicode scalar value where its type says char.',
    );
  }
  return scalar;
}

/** Refuses a discriminant that no case has. */
export function noSuchCase(type: string, discriminant: number): never {
  throw new AbiViolation(`${discriminant >>> 0} is not a case of ${type}`);
}

/** Refuses a host's value that is no case of its type. */
export function notACase(type: string): never {
  throw new TypeError(`A host function answered a value that is no case of ${type}.`);
}

/** The number of an enum's case. */
export function enumIndex(type: string, cases: ReadonlyMap<string, number>, value: string): number {
  const index = cases.get(value);
  return index === undefined ? notACase(type) : index;
}

/** The cases of an enum by name. */
export function enumIndexes(names: readonly string[]): ReadonlyMap<string, number> {
  return new Map(names.map((name, index) => [name, index]));
}

/** The f32 whose bits a joined i32 carries. */
export function f32FromBits(bits: number): number {
  SCRATCH.setInt32(0, bits, true);
  return SCRATCH.getFloat32(0, true);
}

/** The f64 whose bits a joined i64 carries. */
export function f64FromBits(bits: bigint): number {
  SCRATCH.setBigInt64(0, bits, true);
  return SCRATCH.getFloat64(0, true);
}

/** The i32 that a joined i64 carries. */
export function i32FromI64(value: bigint): number {
  return Number(BigInt.asIntN(32, value));
}
