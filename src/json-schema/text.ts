/** JSON text that others wrote: read within caps, written in one form, measured before it is written. */

/** Levels of lists and records in JSON that an agent passes: what schemas describe has a few. */
export const JSON_DEPTH_MAX = 64;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** Index of the quote that ends a text, which begins at `start`; the end of all where none does. */
function endOfText(text: string, start: number): number {
  let at = start;
  while (at < text.length) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) {
      return at;
    }
    at += code === BACKSLASH ? 2 : 1;
  }
  return at;
}

/** Whether JSON text has at most so many levels: looked at before anything is made of it. */
export function isWithinDepth(text: string, depthMax: number): boolean {
  let depth = 0;
  for (let at = 0; at < text.length; at += 1) {
    switch (text.charCodeAt(at)) {
      case QUOTE:
        at = endOfText(text, at + 1);
        break;
      case 0x5b:
      case 0x7b:
        depth += 1;
        if (depth > depthMax) {
          return false;
        }
        break;
      case 0x5d:
      case 0x7d:
        depth -= 1;
        break;
    }
  }
  return true;
}

/** JSON that was read, or why it was not. */
export type ReadJson =
  | { readonly tag: 'ok'; readonly val: unknown }
  | { readonly tag: 'err'; readonly why: 'not JSON' | 'too deep' };

/** Whether every number in a JSON value is one: 1e400 is read as infinite, and would be written as null. */
function isWritten(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) {
    return typeof value !== 'number' || Number.isFinite(value);
  }
  return Object.values(value).every(isWritten);
}

/** Reads JSON of at most {@link JSON_DEPTH_MAX} levels. What it answers is written again as it was meant. */
export function readJson(text: string): ReadJson {
  if (!isWithinDepth(text, JSON_DEPTH_MAX)) {
    return { tag: 'err', why: 'too deep' };
  }
  try {
    const val: unknown = JSON.parse(text);
    return isWritten(val) ? { tag: 'ok', val } : { tag: 'err', why: 'not JSON' };
  } catch {
    return { tag: 'err', why: 'not JSON' };
  }
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * JSON text of a JSON value in which the order of a record's fields makes no difference. Its depth must
 * have been checked.
 *
 * @example
 * ```ts
 * canonicalJson({ b: 1, a: [2] }); // '{"a":[2],"b":1}'
 * ```
 */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) {
    return `[${value.map(canonicalJson).join(',')}]`;
  }
  if (!isRecord(value)) {
    return JSON.stringify(value);
  }
  const fields = Object.keys(value)
    .sort()
    .map((name) => `${JSON.stringify(name)}:${canonicalJson(value[name])}`);
  return `{${fields.join(',')}}`;
}

/** Whether a value has a field called `__proto__` anywhere: whoever merges it changes what others inherit. */
export function hasPrototypeField(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) {
    return false;
  }
  // By the depth of JSON that was read: no deeper than the caps.
  return (
    Object.hasOwn(value, '__proto__') ||
    Object.values(value).some((each) => hasPrototypeField(each))
  );
}

/** Characters of a text that count as one value: looking at one takes a 16th of what a value takes. */
const CHARACTERS_A_VALUE = 16;

/** What is left of a number of values when those of a value are taken away; below 0: it has more. */
function valuesLeft(value: unknown, left: number): number {
  if (typeof value === 'string') {
    return left - 1 - value.length / CHARACTERS_A_VALUE;
  }
  if (typeof value !== 'object' || value === null) {
    return left - 1;
  }
  let after = left - 1;
  for (const name of Object.keys(value)) {
    after = valuesLeft((value as Record<string, unknown>)[name], after);
    after -= Array.isArray(value) ? 0 : name.length / CHARACTERS_A_VALUE;
    if (after < 0) {
      break;
    }
  }
  return after;
}

/**
 * Whether a JSON value is made of more values than may be, itself included and long texts counted as several.
 * Its depth must have been checked.
 */
export function hasMoreThan(value: unknown, valuesMax: number): boolean {
  return valuesLeft(value, valuesMax) < 0;
}

/** Levels of an answer that are looked into: what goes around in circles is found when it is written. */
const MEASURED_DEPTH_MAX = 1_000;

/** The characters that are left of a budget when a value is written; below 0: it is used up. */
function leftOf(value: unknown, budget: number, depth: number): number {
  if (typeof value === 'string') {
    return budget - value.length - 2;
  }
  if (typeof value !== 'object' || value === null || depth === MEASURED_DEPTH_MAX) {
    return budget - 1;
  }
  if (typeof (value as { toJSON?: unknown }).toJSON === 'function') {
    return budget - 1;
  }
  if (Array.isArray(value)) {
    // A list longer than what is left is never gone through.
    let left = budget - value.length - 1;
    for (let index = 0; index < value.length && left >= 0; index += 1) {
      // Each has been counted as one character already.
      left = leftOf(value[index], left + 1, depth + 1) - 1;
    }
    return left;
  }
  let left = budget - 1;
  for (const name of Object.keys(value)) {
    left = leftOf((value as Record<string, unknown>)[name], left - name.length - 3, depth + 1);
    if (left < 0) {
      break;
    }
  }
  return left;
}

/**
 * Whether the JSON text of a value would have more characters than may be: answered before the text is
 * made. What it says of a value that has methods `toJSON`, or undefined fields, is a guess: who writes the
 * text finds out.
 */
export function isLongerThan(value: unknown, charactersMax: number): boolean {
  return leftOf(value, charactersMax, 0) < 0;
}
