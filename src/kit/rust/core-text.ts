/** What calls in both directions have in common: signatures, tuples in memory, core values as 64 bits. */

import type { FunctionType, ValueType } from '../../wasm/component/types.ts';
import {
  alignOf,
  alignTo,
  type CoreSignature,
  type CoreType,
  offsetsOf,
  signatureOf,
} from '../bindings/layout.ts';

/** The core function of a function. */
export function coreSignature(type: FunctionType): CoreSignature {
  return signatureOf(
    type.params.map((each) => each.type),
    type.result,
  );
}

/** The alignment of values that travel as one tuple. */
export function tupleAlign(types: readonly ValueType[]): number {
  return Math.max(1, ...types.map(alignOf));
}

/** The bytes of values that travel as one tuple. */
export function tupleSize(types: readonly ValueType[]): number {
  return alignTo(offsetsOf(types).end, tupleAlign(types));
}

/** A core value out of the 64 bits that it travels in. */
export function fromSlot(core: CoreType, slot: string): string {
  const written = {
    i32: `${slot} as i32`,
    i64: `${slot} as i64`,
    f32: `f32::from_bits(${slot} as u32)`,
    f64: `f64::from_bits(${slot})`,
  };
  return written[core];
}

/** The 64 bits of a core value. */
export function toSlot(core: CoreType, value: string): string {
  const written = {
    i32: `${value} as u32 as u64`,
    i64: `${value} as u64`,
    f32: `${value}.to_bits() as u64`,
    f64: `${value}.to_bits()`,
  };
  return written[core];
}
