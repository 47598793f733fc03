/** The seats of a worker that nobody sits in: which module's, and how many are kept. */

import type { MemoryPool } from './memory-pool.ts';
import { Seat, type SeatImage } from './seat.ts';

/** Above so many bytes of memories a fresh instance costs no more than putting the bytes back. */
export const IMAGE_BYTES_MAX = 2 * 1024 * 1024;
/** Seats that a worker keeps, and the bytes of their memories. */
export const KEPT_SEATS_MAX = 128;
const KEPT_BYTES_MAX = 64 * 1024 * 1024;

/** All seats that a worker keeps; those that were left longest ago go first. */
export class KeptSeats {
  readonly #kept = new Map<Seat, ModuleSeats>();
  readonly #most: number;
  #bytes = 0;

  /** @param most Seats that are kept at once; 0: none, each agent has a fresh one. @default 128 */
  constructor(most: number = KEPT_SEATS_MAX) {
    this.#most = most;
  }

  get size(): number {
    return this.#kept.size;
  }

  add(seat: Seat, of: ModuleSeats, bytes: number): void {
    this.#kept.set(seat, of);
    this.#bytes += bytes;
    for (const [oldest, owner] of this.#kept) {
      if (this.#kept.size <= this.#most && this.#bytes <= KEPT_BYTES_MAX) return;
      owner.forget(oldest);
    }
  }

  remove(seat: Seat, bytes: number): void {
    if (this.#kept.delete(seat)) this.#bytes -= bytes;
  }
}

/** The seats of one module in one worker. */
export class ModuleSeats {
  readonly #kept: KeptSeats;
  readonly #memories: MemoryPool;
  readonly #idle: Seat[] = [];
  /** Undefined: no agent of the module has been started yet. */
  #image: SeatImage | null | undefined;

  /**
   * `restorable`: all that can change in the module's instances can be put back; `memories`: where those
   * of seats go that are not kept.
   */
  constructor(kept: KeptSeats, restorable: boolean, memories: MemoryPool) {
    this.#kept = kept;
    this.#memories = memories;
    if (!restorable) this.#image = null;
  }

  /** What the seats are restored from; null: each agent has a fresh one. */
  get image(): SeatImage | null | undefined {
    return this.#image;
  }

  /** The first agent's seat has been started: what it is like now holds for all. */
  noteImage(capture: () => SeatImage | null): void {
    if (this.#image === undefined) this.#image = capture();
  }

  /** A seat that was left, or a new one without instances. */
  take(): Seat {
    const seat = this.#idle.pop();
    if (seat === undefined) return new Seat();
    this.#kept.remove(seat, this.#image?.bytes ?? 0);
    return seat;
  }

  /** The agent that sat in it has returned from its entry, and nothing of it is under way. */
  giveBack(seat: Seat): void {
    if (!this.#image || !seat.fits(this.#image)) {
      this.drop(seat);
      return;
    }
    this.#idle.push(seat);
    this.#kept.add(seat, this, this.#image.bytes);
  }

  /** Nobody sits in it any more, and nobody will; none of its code runs. */
  drop(seat: Seat): void {
    seat.dissolve(this.#memories);
  }

  forget(seat: Seat): void {
    this.#kept.remove(seat, this.#image?.bytes ?? 0);
    const index = this.#idle.indexOf(seat);
    if (index >= 0) this.#idle.splice(index, 1);
    this.drop(seat);
  }
}
