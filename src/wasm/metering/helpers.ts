/** Which functions a module needs to have injected: each once, whoever asks for it. */

import type { MeterCaps } from './caps.ts';
import { NO_LEAF } from './leaves.ts';
import type { DecodedModule } from './module.ts';
import { refusedSize } from './refusals.ts';

/** What an injected function stands in for; the numbers are immediates of the instruction it replaces. */
export type Helper =
  | { readonly kind: 'memory.grow'; readonly memory: number }
  | { readonly kind: 'memory.fill'; readonly memory: number }
  | { readonly kind: 'memory.copy'; readonly destination: number; readonly source: number }
  | { readonly kind: 'memory.init'; readonly segment: number; readonly memory: number }
  | { readonly kind: 'table.grow'; readonly table: number }
  | { readonly kind: 'table.fill'; readonly table: number }
  | { readonly kind: 'table.copy'; readonly destination: number; readonly source: number }
  | { readonly kind: 'table.init'; readonly segment: number; readonly table: number }
  | { readonly kind: 'array.new'; readonly type: number }
  | { readonly kind: 'array.new_default'; readonly type: number }
  | { readonly kind: 'array.new_data'; readonly type: number; readonly segment: number }
  | { readonly kind: 'array.new_elem'; readonly type: number; readonly segment: number }
  | { readonly kind: 'array.fill'; readonly type: number }
  | { readonly kind: 'array.copy'; readonly destination: number; readonly source: number }
  | { readonly kind: 'array.init_data'; readonly type: number; readonly segment: number }
  | { readonly kind: 'array.init_elem'; readonly type: number; readonly segment: number }
  /** The function `target` of the module's own as others call it: fuel and depth are in the globals. */
  | { readonly kind: 'entry'; readonly target: number }
  /** A leaf or an imported function as what is called through tables: it takes and returns fuel. */
  | { readonly kind: 'reference'; readonly target: number };

/** The helpers of one module, numbered in the order in which they were first needed. */
export class HelperSet {
  readonly list: Helper[] = [];
  /** Functions that code refers to. */
  readonly declared = new Set<number>();
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
        'kinds of bulk operations, exported functions and imported ones in tables',
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

  /** What a function needs to become a reference: an imported one and a leaf take no fuel. */
  needReference(module: DecodedModule, leaves: Int8Array, target: number, offset: number): void {
    const own = target - module.imported.function;
    if (own < 0 || leaves[own] !== NO_LEAF) this.need({ kind: 'reference', target }, offset);
  }

  /** Notes that code refers to the function `target`, which a module must declare. */
  declare(target: number): void {
    this.declared.add(target);
  }

  /** The number of a helper that was needed before. */
  numberOf(helper: Helper): number {
    const number = this.#numbers.get(Object.values(helper).join(' '));
    if (number === undefined) throw new Error(`no helper ${helper.kind} was needed`);
    return number;
  }
}
