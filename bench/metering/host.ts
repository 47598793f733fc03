/**
 * The bench's host of metered modules: what the rewriter injects, answered as a worker answers it. The
 * one place in bench/ that knows the injected interface.
 */

import { DEPTH_LIMIT_BYTES, FUEL_STRIDE } from '../../src/wasm/metering/costs.ts';

/** Units between two questions of the injected code: a worker grants no more at once. */
const SLICE_UNITS = FUEL_STRIDE;
/** Every so many grants, about a millisecond, it is somebody else's turn: the stack is suspended, the event loop served. */
const SLICES_PER_TURN = 8;
/** Without preemption a question is as seldom as an i32 allows. */
const LONG_SLICE_UNITS = 2 ** 30;

/** What `check` answers besides a grant. */
const SUSPEND_FIRST = 0;

/** How a metered module is run. */
export interface HostOptions {
  /**
   * Whether fuel is given in slices, some of them behind a suspension; exports must be called under
   * `WebAssembly.promising` then.
   */
  readonly preemption: boolean;
}

/** Counts the fuel of one instance and gives it more. */
export class MeteringHost {
  readonly #preemption: boolean;
  readonly #fuel = new WebAssembly.Global({ value: 'i32', mutable: true }, 0);
  readonly #depth = new WebAssembly.Global({ value: 'i32', mutable: true }, DEPTH_LIMIT_BYTES);
  #granted = 0;
  #slices = 0;

  constructor({ preemption }: HostOptions) {
    this.#preemption = preemption;
    this.#fuel.value = this.#grant();
  }

  /** What is imported from the injected module name. */
  imports(): Record<string, unknown> {
    return {
      fuel: this.#fuel,
      depth: this.#depth,
      check: (fuel: number) => this.#check(fuel),
      suspend: this.#preemption ? new WebAssembly.Suspending(() => this.#turn()) : () => {},
      grow: () => 1,
      ungrow: () => {},
      exhausted_depth: () => {},
    };
  }

  /** To be called before each call of an export. */
  beforeCall(): void {
    this.#depth.value = DEPTH_LIMIT_BYTES;
  }

  /** What all calls until now have used. */
  unitsUsed(): number {
    return this.#granted - this.#fuel.value;
  }

  #grant(): number {
    const units = this.#preemption ? SLICE_UNITS : LONG_SLICE_UNITS;
    this.#granted += units;
    return units;
  }

  /** The guest adds the grant to what it has in a register; the host adds it to the global. */
  #check(_fuel: number): number {
    if (this.#preemption) {
      this.#slices += 1;
      if (this.#slices % SLICES_PER_TURN === 0) {
        return SUSPEND_FIRST;
      }
    }
    const units = this.#grant();
    this.#fuel.value += units;
    return units;
  }

  #turn(): Promise<void> {
    return new Promise((resolve) => setImmediate(resolve));
  }
}
