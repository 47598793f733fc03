/** The modules of test scripts as bytes. */

import { wat } from '../metering/wat.ts';
import type { ModuleSource } from './commands.ts';

/** A folded `try`: the exceptions' old form, which the first assembler takes only unfolded. */
const FOLDED_TRY = /\(try\s/;

/** The first assembler takes some characters for an attack unless they are escaped. */
function escaped(text: string): string {
  return text.replace(
    /\P{ASCII}/gu,
    (character) => `\\u{${character.codePointAt(0)!.toString(16)}}`,
  );
}

async function oldExceptions(text: string): Promise<Uint8Array<ArrayBuffer>> {
  // Loaded only where it is needed: it takes a third of a second.
  const { default: binaryen } = await import('binaryen');
  const { ExceptionHandling, TailCall, ReferenceTypes, Multivalue } = binaryen.Features;
  const module = binaryen.parseText(text);
  try {
    module.setFeatures(ExceptionHandling | TailCall | ReferenceTypes | Multivalue);
    return new Uint8Array(module.emitBinary());
  } finally {
    module.dispose();
  }
}

/** The module's bytes; null: its text can't be read. Whether it is valid isn't looked at. */
export async function assemble(source: ModuleSource): Promise<Uint8Array<ArrayBuffer> | null> {
  if (source.kind === 'unreadable') return null;
  if (source.kind === 'binary') return new Uint8Array(source.bytes);
  try {
    return await wat(source.text);
  } catch {
    return null;
  }
}

/** The same for a module that the script says is right: tries harder. */
export async function assembleRight(source: ModuleSource): Promise<Uint8Array<ArrayBuffer> | null> {
  const bytes = await assemble(source);
  if (bytes !== null || source.kind !== 'text') return bytes;
  if (FOLDED_TRY.test(source.text)) return oldExceptions(source.text);
  return assemble({ kind: 'text', text: escaped(source.text) });
}
