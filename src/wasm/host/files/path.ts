/** A guest's path, taken apart. */

import { PATH_BYTES_MAX, SEGMENT_BYTES_MAX } from './caps.ts';
import { fail } from './failure.ts';

/** The steps of a relative path. */
export interface ParsedPath {
  /** Without empty ones and without `.`; the first step is the last element. */
  readonly steps: string[];
  /** It ends with a slash or a dot: what it leads to must be a directory. */
  readonly directory: boolean;
  /** How it ended, where that was no name: the operations differ in what they say to it. */
  readonly last: 'name' | 'dot' | 'dot-dot';
}

/** Bytes in UTF-8; counts no further than needed where there are clearly too many. */
function byteLength(text: string): number {
  return Buffer.byteLength(text, 'utf8');
}

/**
 * Takes a path apart. What it refuses fails with WASI's codes: absolute ones (`not-permitted`), NUL
 * (`invalid`), lone surrogates (`illegal-byte-sequence`), empty ones (`no-entry`), too long ones.
 */
export function parsePath(path: unknown): ParsedPath {
  if (typeof path !== 'string') {
    return fail('invalid');
  }
  if (path === '') {
    return fail('no-entry');
  }
  // A character takes at least a byte: a long text is refused before it is looked through.
  if (path.length > PATH_BYTES_MAX) {
    return fail('name-too-long');
  }
  if (!path.isWellFormed()) {
    return fail('illegal-byte-sequence');
  }
  if (path.includes('\0')) {
    return fail('invalid');
  }
  if (path.startsWith('/')) {
    return fail('not-permitted');
  }
  if (byteLength(path) > PATH_BYTES_MAX) {
    return fail('name-too-long');
  }
  const segments = path.split('/');
  const ending = segments.findLast((segment) => segment !== '');
  const steps: string[] = [];
  for (let index = segments.length - 1; index >= 0; index -= 1) {
    const segment = segments[index] as string;
    if (segment !== '' && segment !== '.') {
      if (segment.length * 3 > SEGMENT_BYTES_MAX && byteLength(segment) > SEGMENT_BYTES_MAX) {
        return fail('name-too-long');
      }
      steps.push(segment);
    }
  }
  const last = ending === '.' ? 'dot' : ending === '..' ? 'dot-dot' : 'name';
  return { steps, directory: path.endsWith('/') || last !== 'name', last };
}
