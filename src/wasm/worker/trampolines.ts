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
    out.section(id, content);
  });

/**
 * Makes the trampoline for a signature: imports `host.ask` (the host function, which answers an i32)
 * and `host.park`, exports `call`.
 */
export function makeTrampoline(params: readonly CoreType[]): WebAssembly.Module {
  const flat = params.map((type) => TYPE_BYTES[type]);
  const [parkType, askType, callType] = [0, 1, 2];
  const [ask, park, call] = [0, 1, 2];
  // (loop $again (if (call $ask …) (then (call $park) (br $again))))
  const loop = [
    ...[0x03, 0x40],
    ...params.flatMap((_, local) => [0x20, ...leb(local)]),
    ...[0x10, ask, 0x04, 0x40, 0x10, park, 0x0c, 1, 0x0b, 0x0b],
  ];
  const code = [0, ...loop, 0x0b];
  return new WebAssembly.Module(
    new Uint8Array([
      ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
      ...section(1, [
        [0x60, 0, 0],
        [0x60, ...leb(flat.length), ...flat, 1, 0x7f],
        [0x60, ...leb(flat.length), ...flat, 0],
      ]),
      ...section(2, [
        [...name('host'), ...name('ask'), 0, askType],
        [...name('host'), ...name('park'), 0, parkType],
      ]),
      ...section(3, [[callType]]),
      ...section(7, [[...name('call'), 0, call]]),
      ...section(10, [[...leb(code.length), ...code]]),
    ]),
  );
}
