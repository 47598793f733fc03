/** Which functions a module needs to have injected: each once, whoever asks for it. */

import type { MeterCaps } from './caps.ts';
import { refusedSize } from './refusals.ts';

/** What an injected function stands in for; the numbers are immediates of the instruction it replaces. */
export type Helper =
  | { readonly kind: 'memory.grow' }
  | { readonly kind: 'memory.fill' }
  | { readonly kind: 'memory.copy' }
  | { readonly kind: 'memory.init'; readonly segment: number }
  | { readonly kind: 'table.grow'; readonly table: number }
  | { readonly kind: 'table.fill'; readonly table: number }
  | { readonly kind: 'table.copy'; readonly destination: number; readonly source: number }
  | { readonly kind: 'table.init'; readonly segment: number; readonly table: number }
  /** Calls the imported function `target` and asks for the sign of fuel after it. */
  | { readonly kind: 'wrapper'; readonly target: number };

/** The helpers of one module, numbered in the order in which they were first needed. */
export class HelperSet {
  readonly list: Helper[] = [];
  readonly #numbers = new Map<string, number>();
  readonly #caps: MeterCaps;

  constructor(caps: MeterCaps) {
    this.#caps = caps;
  }

  /** The number of the helper; `offset` is where it is needed, for the refusal. */
  need(helper: Helper, offset: number): number {
    const key = Object.values(helper).join(' ');
    const known = this.#numbers.get(key);
    if (known !== undefined) return known;
    const number = this.list.length;
    if (number >= this.#caps.helpers) {
      throw refusedSize(
        'kinds of bulk operations and imported functions in tables',
        'helpers',
        number + 1,
        this.#caps.helpers,
        offset,
      );
    }
    this.list.push(helper);
    this.#numbers.set(key, number);
    return number;
  }

  /** The number of a helper that was needed before. */
  numberOf(helper: Helper): number {
    const number = this.#numbers.get(Object.values(helper).join(' '));
    if (number === undefined) throw new Error(`no helper ${helper.kind} was needed`);
    return number;
  }
}
