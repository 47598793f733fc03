/**
 * Which of the threads that agents share are busy, for who would stay awake where a core is free. A hint: who
 * reads it too late only sleeps, or stays awake, for a moment.
 */

/** A thread's place among those that say when they are busy. */
export interface BusyPlace {
  readonly memory: SharedArrayBuffer;
  readonly cores: number;
  readonly place: number;
}

/** The flags of all threads, in memory that they share. */
export class BusyThreads {
  readonly #memory: SharedArrayBuffer;
  readonly #flags: Int32Array;
  /** That this process may use. */
  readonly #cores: number;

  private constructor(memory: SharedArrayBuffer, cores: number) {
    this.#memory = memory;
    this.#flags = new Int32Array(memory);
    this.#cores = cores;
  }

  /** Flags of so many threads, none of which is busy. */
  static of(threads: number, cores: number): BusyThreads {
    return new BusyThreads(new SharedArrayBuffer(threads * Int32Array.BYTES_PER_ELEMENT), cores);
  }

  /** The same flags, as the thread in one of the places sees them. */
  static at({ memory, cores }: BusyPlace): BusyThreads {
    return new BusyThreads(memory, cores);
  }

  /** What a thread is given to find them. */
  placeOf(place: number): BusyPlace {
    return { memory: this.#memory, cores: this.#cores, place };
  }

  /** What a thread says of itself, or of another who has seen that end. */
  set(place: number, isBusy: boolean): void {
    Atomics.store(this.#flags, place, isBusy ? 1 : 0);
  }

  /**
   * Whether a core is left for a thread that has nothing to do: the one in `place`, or the program's own where
   * that is null. The program's own counts as busy for all others: what they say is for it. It waits for one of
   * them itself, which needs a core to begin: who stays awake on the only one takes it from whom it waits for.
   */
  isCoreFree(place: number | null): boolean {
    let busy = 0;
    for (let other = 0; other < this.#flags.length && busy < this.#cores; other += 1) {
      if (other !== place) busy += Atomics.load(this.#flags, other);
    }
    const others = place === null ? Math.max(1, busy) : 1 + busy;
    return others + 1 <= this.#cores;
  }
}
