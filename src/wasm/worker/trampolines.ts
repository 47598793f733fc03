/**
 * The trampolines of blocking host functions.
 *
 * A guest never calls a suspending import directly: where suspending isn't allowed such a call throws
 * an error that the guest can catch. It calls a small function of ours instead, which asks the host
 * function synchronously (1: it has to wait), then parks the agent and asks again. So a host function
 * that can answer at once never suspends, and one that is called where it may not is ended by a trap.
 */

import type { CoreType } from '../host/abi/binding.ts';
import { ByteWriter } from '../metering/writer.ts';

const TYPE_BYTES: Readonly<Record<CoreType, number>> = {
  i32: 0x7f,
  i64: 0x7e,
  f32: 0x7d,
  f64: 0x7c,
};

/** The bytes that `write` writes. */
function encode(write: (out: ByteWriter) => void): number[] {
  const out = new ByteWriter();
  write(out);
  return [...out.bytes];
}

const leb = (value: number): number[] => encode((out) => out.u32(value));
const name = (text: string): number[] => encode((out) => out.name(text));

const section = (id: number, items: number[][]): number[] =>
  encode((out) => {
    const content = new ByteWriter();
    content.u32(items.length);
    content.raw(...items.flat());
    out.section(id, content.bytes);
  });

/** The import and the export of a trampoline, by its place. */
export const askImport = (place: number): string => `ask:${place}`;
export const callExport = (place: number): string => `call:${place}`;

/**
 * Makes the trampolines for some signatures, in one module, for an instance costs more than all that is
 * in it. It imports `host.park`, and for each place `host.ask:0` and so on (the host function, which
 * answers an i32); it exports `call:0` and so on.
 */
export function makeTrampolines(signatures: readonly (readonly CoreType[])[]): WebAssembly.Module {
  const types = signatures.map((params) => {
    const flat = params.map((type) => TYPE_BYTES[type]);
    return [...leb(flat.length), ...flat];
  });
  // Of types, the park's is the first, then each place has two; of functions, all that is imported.
  const askType = (place: number): number => 1 + 2 * place;
  const callType = (place: number): number => 2 + 2 * place;
  const park = 0;
  const ask = (place: number): number => 1 + place;
  const call = (place: number): number => 1 + signatures.length + place;
  const bodies = signatures.map((params, place) => {
    // (loop $again (if (call $ask …) (then (call $park) (br $again))))
    const code = [
      ...[0, 0x03, 0x40],
      ...params.flatMap((_, local) => [0x20, ...leb(local)]),
      ...[0x10, ...leb(ask(place)), 0x04, 0x40, 0x10, park, 0x0c, 1, 0x0b, 0x0b, 0x0b],
    ];
    return [...leb(code.length), ...code];
  });
  const imported = (field: string, type: number): number[] => [
    ...name('host'),
    ...name(field),
    0,
    ...leb(type),
  ];
  return new WebAssembly.Module(
    new Uint8Array([
      ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
      ...section(1, [
        [0x60, 0, 0],
        ...types.flatMap((params) => [
          [0x60, ...params, 1, 0x7f],
          [0x60, ...params, 0],
        ]),
      ]),
      ...section(2, [
        imported('park', 0),
        ...signatures.map((_, place) => imported(askImport(place), askType(place))),
      ]),
      ...section(
        3,
        signatures.map((_, place) => leb(callType(place))),
      ),
      ...section(
        7,
        signatures.map((_, place) => [...name(callExport(place)), 0, ...leb(call(place))]),
      ),
      ...section(10, bodies),
    ]),
  );
}
