/**
 * Patterns for the paths of modules: `*` is any characters of one name, `?` one of them, and `**`, alone
 * between slashes, any directories, none included.
 *
 * They are matched by two nested loops that look back to the last wildcard only, in time that is at most
 * the product of the lengths: a module may have any name, and the regular expressions that libraries
 * make of a pattern with four stars take seconds for a name that was made for it.
 */

/** What a pattern may not say, so that nobody takes it for what other tools make of it. */
const RESERVED = /[[\]{}|\\]/;

/** A pattern that was understood. */
export interface PathPattern {
  /** Whether it begins at the root, and not at the policy file's directory. */
  readonly isAbsolute: boolean;
  /** How many `..` it begins with. */
  readonly up: number;
  /** The names, each as its characters. */
  readonly segments: readonly (readonly string[])[];
  /** Whether it has no wildcard, and so names one path. */
  readonly isExact: boolean;
}

type Fits<Part, Item> = (part: Part, item: Item) => boolean;

/**
 * Whether parts, some of which stand for any number of items, fit all items. When something does not
 * fit, the last such part takes one item more: what comes before it fits already, and best so.
 */
function fitsAll<Part, Item>(
  parts: readonly Part[],
  items: readonly Item[],
  isAny: (part: Part) => boolean,
  fits: Fits<Part, Item>,
): boolean {
  let part = 0;
  let item = 0;
  let lastAny = -1;
  let itemAtLastAny = 0;
  while (item < items.length) {
    if (part < parts.length && isAny(parts[part]!)) {
      lastAny = part;
      itemAtLastAny = item;
      part += 1;
    } else if (part < parts.length && fits(parts[part]!, items[item]!)) {
      part += 1;
      item += 1;
    } else if (lastAny === -1) {
      return false;
    } else {
      itemAtLastAny += 1;
      item = itemAtLastAny;
      part = lastAny + 1;
    }
  }
  return parts.slice(part).every(isAny);
}

const isGlobstar = (segment: readonly string[]): boolean =>
  segment.length === 2 && segment[0] === '*' && segment[1] === '*';

const fitsName: Fits<readonly string[], readonly string[]> = (segment, name) =>
  fitsAll(
    segment,
    name,
    (character) => character === '*',
    (character, other) => character === '?' || character === other,
  );

/** What a path is made of. */
function split(path: string): { isAbsolute: boolean; up: number; names: string[] } {
  const isAbsolute = path.startsWith('/');
  const names = (isAbsolute ? path.slice(1) : path).split('/');
  const up = isAbsolute ? 0 : names.findIndex((name) => name !== '..');
  return up === -1
    ? { isAbsolute, up: names.length, names: [] }
    : { isAbsolute, up, names: names.slice(up) };
}

/** Why a pattern can't be used; null: it can. */
export function whyNoPattern(text: string): string | null {
  const { names } = split(text.replace(/^\.\//, ''));
  if (RESERVED.test(text) || text.startsWith('!')) {
    return 'of [ ] { } | \\ and a leading ! no path can be made: write *, ** and ? only';
  }
  if (names.length === 0 || names.some((name) => name === '' || name === '.' || name === '..')) {
    return "write a path such as plugins/*.wasm, without '.', doubled slashes, or '..' inside";
  }
  return names.some((name) => name.includes('**') && name !== '**')
    ? "'**' stands alone between two slashes"
    : null;
}

/** Makes a pattern of a text for which {@link whyNoPattern} has answered null. */
export function pathPattern(text: string): PathPattern {
  const { isAbsolute, up, names } = split(text.replace(/^\.\//, ''));
  return {
    isAbsolute,
    up,
    segments: names.map((name) => Array.from(name)),
    isExact: !/[*?]/.test(text),
  };
}

/**
 * Whether a pattern fits a module.
 *
 * @param absolute its path, absolute and normal
 * @param relative the same, from the policy file's directory; `..` stand at its beginning only
 */
export function fitsPath(pattern: PathPattern, absolute: string, relative: string): boolean {
  const path = split(pattern.isAbsolute ? absolute : relative);
  return (
    path.isAbsolute === pattern.isAbsolute &&
    path.up === pattern.up &&
    fitsAll(
      pattern.segments,
      path.names.map((name) => Array.from(name)),
      isGlobstar,
      fitsName,
    )
  );
}
