/**
 * The bench's host of metered modules: what the rewriter injects, answered as a worker answers it. The
 * one place in bench/ that knows the injected interface.
 */

/** Units between two questions of the injected code. */
const SLICE_UNITS = 262_144n;
/** Every so many slices it is somebody else's turn: the stack is suspended, the event loop served. */
const SLICES_PER_TURN = 16;
/** More than any program here uses. */
const ENDLESS_UNITS = 2n ** 62n;

const CHECK = { goOn: 0, suspend: 1, stop: 2 } as const;

/** How a metered module is run. */
export interface HostOptions {
  /**
   * Whether fuel is given in slices, some of them behind a suspension; exports must be called under
   * `WebAssembly.promising` then. Otherwise there is one budget, and its end is a trap.
   */
  readonly preemption: boolean;
}

/** Counts the fuel of one instance and gives it more. */
export class MeteringHost {
  readonly #preemption: boolean;
  readonly #fuel = new WebAssembly.Global({ value: 'i64', mutable: true }, 0n);
  readonly #depth = new WebAssembly.Global({ value: 'i32', mutable: true }, 0);
  #granted = 0n;
  #slices = 0;

  constructor({ preemption }: HostOptions) {
    this.#preemption = preemption;
    this.#grant(preemption ? SLICE_UNITS : ENDLESS_UNITS);
  }

  /** What is imported from the injected module name. */
  imports(): Record<string, unknown> {
    return {
      fuel: this.#fuel,
      depth: this.#depth,
      check: () => this.#check(),
      suspend: this.#preemption ? new WebAssembly.Suspending(() => this.#turn()) : () => {},
      grow: () => 1,
      ungrow: () => {},
      exhausted_depth: () => {},
    };
  }

  /** To be called before each call of an export. */
  beforeCall(): void {
    this.#depth.value = 0;
  }

  /** What all calls until now have used. */
  unitsUsed(): number {
    return Number(this.#granted - this.#fuel.value);
  }

  #grant(units: bigint): void {
    this.#granted += units;
    this.#fuel.value += units;
  }

  #check(): number {
    if (!this.#preemption) {
      return CHECK.stop;
    }
    this.#slices += 1;
    if (this.#slices % SLICES_PER_TURN === 0) {
      return CHECK.suspend;
    }
    this.#grant(SLICE_UNITS);
    return CHECK.goOn;
  }

  #turn(): Promise<void> {
    this.#grant(SLICE_UNITS);
    return new Promise((resolve) => setImmediate(resolve));
  }
}
