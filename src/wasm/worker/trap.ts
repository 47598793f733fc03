/**
 * The uncatchable end of a guest: a trap of WebAssembly's own.
 *
 * A thrown JavaScript error can be caught by a guest's `catch_all`; a trap can't, not even when it
 * passes through JavaScript on its way (facts: docs/architecture.md, "How an agent is ended").
 */

// (module (func (export "trap") unreachable))
const TRAP_MODULE = new Uint8Array([
  0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00, 0x01, 0x04, 0x01, 0x60, 0x00, 0x00, 0x03, 0x02,
  0x01, 0x00, 0x07, 0x08, 0x01, 0x04, 0x74, 0x72, 0x61, 0x70, 0x00, 0x00, 0x0a, 0x05, 0x01, 0x03,
  0x00, 0x00, 0x0b,
]);

/** Makes the function that traps. */
export function makeTrap(): () => never {
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(TRAP_MODULE));
  return exports.trap as () => never;
}
