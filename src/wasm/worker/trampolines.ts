/**
 * The trampolines of blocking host functions.
 *
 * A guest never calls a suspending import directly: where suspending isn't allowed such a call throws
 * an error that the guest can catch. It calls a small function of ours instead, which asks the host
 * function synchronously (1: it has to wait), then parks the agent and asks again. So a host function
 * that can answer at once never suspends, and one that is called where it may not is ended by a trap.
 */

/** Flat types of the core ABI. */
export type CoreValueType = 'i32' | 'i64' | 'f32' | 'f64';

const TYPE_BYTES: Readonly<Record<CoreValueType, number>> = {
  i32: 0x7f,
  i64: 0x7e,
  f32: 0x7d,
  f64: 0x7c,
};

function leb(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  do {
    const low = rest & 0x7f;
    rest >>>= 7;
    bytes.push(rest === 0 ? low : low | 0x80);
  } while (rest !== 0);
  return bytes;
}

const section = (id: number, items: number[][]): number[] => {
  const body = [...leb(items.length), ...items.flat()];
  return [id, ...leb(body.length), ...body];
};
const name = (text: string): number[] => {
  const bytes = [...new TextEncoder().encode(text)];
  return [...leb(bytes.length), ...bytes];
};

/**
 * Makes the trampoline for a signature: imports `host.ask` (the host function, which answers an i32)
 * and `host.park`, exports `call`.
 */
export function makeTrampoline(params: readonly CoreValueType[]): WebAssembly.Module {
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
