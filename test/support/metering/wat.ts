/** WebAssembly text to bytes, with every proposal that the tools know. */

import { parse } from '@bytecodealliance/jco';

/** The module's bytes. */
export async function wat(text: string): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await parse(text));
}
