/** Patterns of modules' paths. */

import { isAbsolute, posix, relative, resolve, sep } from 'node:path';
import picomatch from 'picomatch';

/** A pattern that was read. */
export interface PathPattern {
  /** It names one path: this goes before all that only fit. */
  readonly isExact: boolean;
  /** Whether it fits a module's path; a relative one is the program's. */
  matches(path: string): boolean;
}

/** Groups and their repetitions would make regular expressions of their own. */
const GROUP = /[()|]/;

/** What is wrong with a pattern; null: nothing. */
export function patternProblem(pattern: string): string | null {
  if (GROUP.test(pattern)) {
    return 'a pattern has no ( ) and |: write {a,b} for one of several, and ? for such a character in a name';
  }
  try {
    picomatch.makeRe(pattern, OPTIONS);
    return null;
  } catch {
    return 'it is no pattern: write one such as plugins/*.wasm';
  }
}

const OPTIONS: picomatch.PicomatchOptions = {
  // A pattern says what it fits, never what it doesn't.
  nonegate: true,
  noextglob: true,
  nocase: false,
  posixSlashes: true,
  // A pattern that can't be made is an error, not one that fits nothing.
  debug: true,
};

const withSlashes = (path: string): string => (sep === '/' ? path : path.replaceAll(sep, '/'));

/** Reads a pattern of paths that are relative to a directory; of whole ones, where it is absolute. */
export function pathPattern(pattern: string, directory: string): PathPattern {
  const pathOf = (path: string): string => {
    const whole = resolve(path);
    return withSlashes(isAbsolute(pattern) ? whole : relative(directory, whole));
  };
  if (!/[\\*?[\]{}!+@]/.test(pattern)) {
    const wanted = posix.normalize(pattern);
    return { isExact: true, matches: (path) => pathOf(path) === wanted };
  }
  const fits = picomatch(pattern, OPTIONS);
  return { isExact: false, matches: (path) => fits(pathOf(path)) };
}
