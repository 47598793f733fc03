/** Values of a test script as text: equal text is equal bits, or the same kind of reference. */

import type { Expected } from './commands.ts';
import type { Constants } from './constants.ts';

/** `f32:0000c07f`: the type and the bytes, the lowest first. */
export function showBits(type: string, bytes: Buffer): string {
  return `${type}:${bytes.toString('hex')}`;
}

const NANS: Readonly<Record<string, { canonical: bigint; sign: bigint }>> = {
  f32: { canonical: 0x7fc0_0000n, sign: 0x8000_0000n },
  f64: { canonical: 0x7ff8_0000_0000_0000n, sign: 0x8000_0000_0000_0000n },
};

function bitsOf(bytes: Buffer): bigint {
  return bytes.length === 4 ? BigInt(bytes.readUInt32LE()) : bytes.readBigUInt64LE();
}

/** A canonical NaN has no bits but the highest of its fraction; an arithmetic one has that at least. */
function isNan(type: string, which: string, bytes: Buffer): boolean {
  const { canonical, sign } = NANS[type]!;
  const bits = bitsOf(bytes) & ~sign;
  return which === 'canonical' ? bits === canonical : (bits & canonical) === canonical;
}

function matchesReference(of: string, value: string | null, shown: string): boolean {
  if (of === 'null') return shown === 'null';
  if (value !== null) return shown === `extern ${value}`;
  if (shown === 'null' || of === 'any' || of === 'extern') return shown !== 'null';
  if (of === 'eq') return /^(i31|struct|array)/.test(shown);
  return shown.startsWith(of);
}

function matchesBytes(expected: Expected, bytes: Buffer, constants: Constants): boolean {
  if (expected.kind === 'constant') return constants.get(expected.text)!.equals(bytes);
  return expected.kind === 'nan' && isNan(expected.type, expected.which, bytes);
}

/** Whether a value is what the script says. */
export function matches(expected: Expected, shown: string, constants: Constants): boolean {
  if (expected.kind === 'either') {
    return expected.choices.some((choice) => matches(choice, shown, constants));
  }
  if (expected.kind === 'reference') return matchesReference(expected.of, expected.value, shown);
  const [type, hex] = shown.split(':');
  if (hex === undefined) return false;
  const bytes = Buffer.from(hex, 'hex');
  if (expected.kind !== 'lanes') {
    return type === expected.type && matchesBytes(expected, bytes, constants);
  }
  const size = bytes.length / expected.lanes.length;
  return expected.lanes.every((lane, place) =>
    matchesBytes(lane, bytes.subarray(place * size, (place + 1) * size), constants),
  );
}

/** Whether a script leaves open which bits a value has. */
export function isOpen(expected: Expected | undefined): boolean {
  return expected?.kind === 'nan' || expected?.kind === 'lanes' || expected?.kind === 'either';
}
