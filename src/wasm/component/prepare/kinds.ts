/** Says by its first bytes what a file is, and what to do about one that is no WebAssembly. */

import { RingfenceError } from '../../../errors.ts';
import { fileKind } from '../reader.ts';

/** The kinds of file that can be prepared; `core-module` only when it is a wasip1 command. */
export type WasmKind = 'component' | 'core-module';

/** A file that can't be prepared: what it is, and what to do. */
interface Stranger {
  readonly kind: string;
  readonly sentence: string;
}

/** Bytes of the beginning that are looked at. */
const HEAD_BYTES = 4096;

const BUILD_ADVICE = 'give the .wasm component that your build makes';

/** Files that are known by bytes at a fixed place, the first match wins. */
const SIGNATURES: readonly (Stranger & { readonly at: number; readonly bytes: string })[] = [
  sign('elf', '7f454c46', 'is a native program (ELF)', 'compile it to WebAssembly'),
  sign('mach-o', 'feedface', 'is a native program (Mach-O)', 'compile it to WebAssembly'),
  sign('mach-o', 'feedfacf', 'is a native program (Mach-O)', 'compile it to WebAssembly'),
  sign('mach-o', 'cefaedfe', 'is a native program (Mach-O)', 'compile it to WebAssembly'),
  sign('mach-o', 'cffaedfe', 'is a native program (Mach-O)', 'compile it to WebAssembly'),
  sign(
    'mach-o',
    'cafebabe',
    'is a native program (universal Mach-O) or a Java class',
    'compile it to WebAssembly',
  ),
  sign('pe', '4d5a', 'is a Windows program (PE)', 'compile it to WebAssembly'),
  sign('archive', '213c617263683e0a', 'is an archive of object files', 'link it to a component'),
  sign('llvm', '4243c0de', 'is LLVM bitcode', 'compile and link it to a component'),
  sign('gzip', '1f8b', 'is compressed by gzip', 'unpack it first'),
  sign('zip', '504b0304', 'is a zip archive', 'unpack it first'),
  sign('zip', '504b0506', 'is an empty zip archive', BUILD_ADVICE),
  sign('zstd', '28b52ffd', 'is compressed by zstd', 'unpack it first'),
  sign('xz', 'fd377a585a00', 'is compressed by xz', 'unpack it first'),
  sign('bzip2', '425a68', 'is compressed by bzip2', 'unpack it first'),
  sign('tar', '7573746172', 'is a tar archive', 'unpack it first', 257),
  sign('pdf', '25504446', 'is a PDF document', BUILD_ADVICE),
  sign('png', '89504e47', 'is an image', BUILD_ADVICE),
  sign('jpeg', 'ffd8ff', 'is an image', BUILD_ADVICE),
  sign('sqlite', '53514c69746520666f726d6174', 'is an SQLite database', BUILD_ADVICE),
];

function sign(kind: string, bytes: string, what: string, advice: string, at = 0) {
  return { kind, bytes, at, sentence: `The file ${what}, not a WebAssembly component: ${advice}.` };
}

const WASM_MAGIC = '0061736d';

/**
 * Tells a component from a core module.
 *
 * @throws RingfenceError `RF_MODULE_INVALID`, with what the file is in `fields.kind`, for everything
 * that is neither.
 */
export function kindOf(bytes: Uint8Array): WasmKind {
  const kind = fileKind(bytes.subarray(0, 8));
  if (kind !== 'other') return kind;
  const stranger = strangerOf(bytes, hex(bytes.subarray(0, 8)));
  throw new RingfenceError('RF_MODULE_INVALID', stranger.sentence, {
    kind: stranger.kind,
    bytes: bytes.length,
  });
}

function strangerOf(bytes: Uint8Array, head: string): Stranger {
  if (bytes.length === 0) {
    return { kind: 'empty', sentence: `The file is empty: ${BUILD_ADVICE}.` };
  }
  // Shorter than the eight bytes that every module begins with, and the beginning of one.
  if (bytes.length < 8 && WASM_MAGIC.startsWith(head.slice(0, 8))) {
    return {
      kind: 'truncated',
      sentence: `The file ends after ${bytes.length} of a WebAssembly module's first 8 bytes: copy or build it again.`,
    };
  }
  if (head.startsWith(WASM_MAGIC)) return strangeVersion(head.slice(8));
  for (const signature of SIGNATURES) {
    const end = signature.at + signature.bytes.length / 2;
    if (hex(bytes.subarray(signature.at, end)) === signature.bytes) return signature;
  }
  return textOf(bytes.subarray(0, HEAD_BYTES)) ?? unknown();
}

function strangeVersion(version: string): Stranger {
  // The upper two bytes are the layer: 0 for core modules, 1 for components.
  const isComponent = version.slice(4) === '0100';
  return {
    kind: 'version',
    sentence: isComponent
      ? `The file is a component of a version that isn't known (bytes ${version}): build it with current tools, which write 0d000100.`
      : `The file is a WebAssembly module of a version that isn't known (bytes ${version}): build a component (0d000100), or a wasip1 command (01000000).`,
  };
}

function unknown(): Stranger {
  return {
    kind: 'unknown',
    sentence: `The file is no WebAssembly (it does not begin with \\0asm): ${BUILD_ADVICE}.`,
  };
}

/** What kind of text the file begins with, or null where it is no text. */
function textOf(head: Uint8Array): Stranger | null {
  const text = decodeText(head);
  if (text === null) return null;
  const start = text.trimStart().slice(0, 1024);
  if (/^(<!doctype\s+html|<html|<head|<body|<script)/i.test(start)) {
    return {
      kind: 'web-page',
      sentence:
        'The file is a web page, most likely the answer to a download that failed: fetch the .wasm file itself.',
    };
  }
  if (/^(;;|\(;|\(\s*(module|component)\b)/.test(start)) {
    return {
      kind: 'wat',
      sentence:
        'The file is WebAssembly in its text form: assemble it first (for instance by wasm-tools parse).',
    };
  }
  if (/^[[{]/.test(start) && looksLikeJson(start)) {
    return {
      kind: 'json',
      sentence: `The file is JSON, not a WebAssembly component: ${BUILD_ADVICE}.`,
    };
  }
  if (
    /^(\/\/|\/\*|#!|['"]use |import\b|export\b|const\b|let\b|var\b|function\b|async\b)/.test(start)
  ) {
    return {
      kind: 'source',
      sentence: `The file is source code or a script, not a WebAssembly component: ${BUILD_ADVICE}.`,
    };
  }
  return {
    kind: 'text',
    sentence: `The file is text, not a WebAssembly component: ${BUILD_ADVICE}.`,
  };
}

/** A JSON text begins with a bracket and then a value or its end; `{` alone begins many languages. */
function looksLikeJson(start: string): boolean {
  return /^\{\s*(["}]|$)/.test(start) || /^\[\s*(["\]{[]|-?\d|true|false|null|$)/.test(start);
}

/** The head as text, or null: UTF-8 or UTF-16 with a mark, without control characters. */
function decodeText(head: Uint8Array): string | null {
  const mark = hex(head.subarray(0, 2));
  const encoding = mark === 'fffe' ? 'utf-16le' : mark === 'feff' ? 'utf-16be' : 'utf-8';
  try {
    // `stream` lets a character that the cut divides pass.
    const text = new TextDecoder(encoding, { fatal: true }).decode(head, { stream: true });
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what tells text from bytes.
    return /[\u0000-\u0008\u000e-\u001a\u001c-\u001f]/.test(text) ? null : text;
  } catch {
    return null;
  }
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
}
