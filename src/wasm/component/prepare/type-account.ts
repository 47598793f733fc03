/**
 * Counts the types of WebAssembly that this process was given to compile. V8 makes each distinct one
 * canonical, keeps it for as long as the process lives, whatever module is dropped, and aborts the
 * process at some 2,000,000 of them: a program that loads modules of many strangers has to stop before.
 * Long types take as much memory as several, and count as so many (`typeWeight` of the rewriter).
 */

import { createHash } from 'node:crypto';
import { RingfenceError } from '../../../errors.ts';

/** Half of where V8 14 aborts: Node's own modules, and what a program compiles itself, have the rest. */
export const PROCESS_TYPES_MAX = 1_000_000;

/** What a module has at least: so that what is remembered is bounded by what is counted. */
const MODULE_TYPES_MIN = 1;

/** Metering can as good as double the types of a module. */
const COMPONENT_TYPES_MAX = PROCESS_TYPES_MAX / 2;

/**
 * Refuses a component whose core modules have too many types together for any process, before the one
 * that prepares it has V8 look at them.
 *
 * @throws RingfenceError `RF_MODULE_REFUSED`
 */
export function requireFewTypes(types: number, typesMax = COMPONENT_TYPES_MAX): void {
  if (types > typesMax) throw tooManyTypes(types, typesMax);
}

function tooManyTypes(types: number, most: number): RingfenceError {
  return new RingfenceError(
    'RF_MODULE_REFUSED',
    `The component has ${types} types in all its core modules, more than the ${most} that ringfence compiles: build it as one module, or with fewer.`,
    { cap: 'processTypes', found: types, most },
  );
}

/** The types of all modules that were counted; the same bytes count once. */
export class TypeAccount {
  readonly #typesMax: number;
  readonly #counted = new Set<string>();
  #types = 0;

  constructor(typesMax = PROCESS_TYPES_MAX) {
    this.#typesMax = typesMax;
  }

  /**
   * Counts modules, each with how many types it has, or none of them.
   *
   * @throws RingfenceError `RF_LIMIT_EXCEEDED` where all together would be too many, `RF_MODULE_REFUSED`
   * where these are by themselves.
   */
  take(modules: readonly (readonly [bytes: Uint8Array, types: number])[]): void {
    const unknown = new Map<string, number>();
    for (const [bytes, types] of modules) {
      const hash = createHash('sha256').update(bytes).digest('base64');
      if (!this.#counted.has(hash)) unknown.set(hash, Math.max(types, MODULE_TYPES_MIN));
    }
    let more = 0;
    for (const types of unknown.values()) more += types;
    if (more > this.#typesMax) throw tooManyTypes(more, this.#typesMax);
    if (this.#types + more > this.#typesMax) throw this.#tooMany(more);
    this.#types += more;
    for (const hash of unknown.keys()) this.#counted.add(hash);
  }

  #tooMany(more: number): RingfenceError {
    const limit = this.#typesMax;
    return new RingfenceError(
      'RF_LIMIT_EXCEEDED',
      `Cannot load the module as its ${more} types and the ${this.#types} that were compiled in this process, which V8 never frees, are more than ${limit}: load it in a new process.`,
      { limit: 'processTypes', types: more, compiled: this.#types, most: limit },
    );
  }
}
