/** Options whose value is a number between two: counts, sizes, durations. */

import { RingfenceError } from '../index.ts';
import { usage } from './option.ts';
import { quoted } from './printable.ts';

/** Reads the value of `flag` by `parse`; `unit` stands behind the bounds in the error, as in `1 ms`. */
export const between =
  (flag: string, parse: (text: string) => number, min: number, max: number, unit = '') =>
  (text: string): number => {
    let value: number;
    try {
      value = parse(text);
    } catch (error) {
      const reason = error instanceof RingfenceError ? error.message : String(error);
      throw usage(`Cannot use ${flag}: ${reason.replace(/^Cannot /, 'cannot ')}`);
    }
    if (value < min || value > max) {
      throw usage(`Cannot use ${flag} ${quoted(text)}: write ${min}${unit} to ${max}${unit}.`);
    }
    return value;
  };
