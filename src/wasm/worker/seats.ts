/** The seats of a worker that nobody sits in: which module's, and how many are kept. */

import type { MemoryPool } from './memory-pool.ts';
import { Seat, type SeatImage } from './seat.ts';

/** Above so many bytes of memories a fresh instance costs no more than putting the bytes back. */
export const IMAGE_BYTES_MAX = 2 * 1024 * 1024;
/** Seats that a worker keeps, and the bytes of their memories. */
const KEPT_SEATS_MAX = 128;
const KEPT_BYTES_MAX = 64 * 1024 * 1024;

/** Where seats of one module lie until they are taken again. */
interface Shelf {
  /** One that was left too long ago. */
  forget(seat: Seat): void;
}

/** All seats of one kind that a worker keeps; those that were left longest ago go first. */
export class KeptSeats {
  readonly #kept = new Map<Seat, Shelf>();
  readonly #most: number;
  #bytes = 0;

  /** @param most Seats that are kept at once; 0: none. @default 128 */
  constructor(most: number = KEPT_SEATS_MAX) {
    this.#most = most;
  }

  get size(): number {
    return this.#kept.size;
  }

  add(seat: Seat, of: Shelf, bytes: number): void {
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

/** What the seats of all modules of a worker share. */
export interface SeatStore {
  /** Seats whose instances are put back for the next agent. */
  readonly furnished: KeptSeats;
  /** Seats without instances: the next agent has new ones. */
  readonly bare: KeptSeats;
  /** Where the memories of instances come from that are made anew, and where they go. */
  readonly memories: MemoryPool;
}

/** The seats of one module in one worker. */
export class ModuleSeats {
  readonly #store: SeatStore;
  readonly #furnished: Seat[] = [];
  readonly #bare: Seat[] = [];
  /** Undefined: no agent of the module has been started yet. */
  #image: SeatImage | null | undefined;

  /** `restorable`: all that can change in the module's instances can be put back. */
  constructor(store: SeatStore, restorable: boolean) {
    this.#store = store;
    if (!restorable) this.#image = null;
  }

  /** What the seats are restored from; null: each agent has fresh instances. */
  get image(): SeatImage | null | undefined {
    return this.#image;
  }

  /** The first agent's seat has been started: what it is like now holds for all. */
  noteImage(capture: () => SeatImage | null): void {
    if (this.#image === undefined) this.#image = capture();
  }

  /** A seat that was left, with instances where there is one. */
  take(): Seat {
    const { furnished, bare } = this.#store;
    const ready = this.#furnished.pop();
    if (ready !== undefined) {
      furnished.remove(ready, this.#image?.bytes ?? 0);
      return ready;
    }
    const seat = this.#bare.pop();
    if (seat === undefined) return new Seat();
    bare.remove(seat, 0);
    return seat;
  }

  /** The agent that sat in it has returned from its entry, and nothing of it is under way. */
  giveBack(seat: Seat): void {
    if (!this.#image || !seat.fits(this.#image)) {
      this.drop(seat);
      return;
    }
    this.#furnished.push(seat);
    this.#store.furnished.add(seat, this.#furnishedShelf, this.#image.bytes);
  }

  /** Nobody will use its instances any more, and none of their code runs. */
  drop(seat: Seat): void {
    seat.strip(this.#store.memories);
    this.#bare.push(seat);
    this.#store.bare.add(seat, this.#bareShelf, 0);
  }

  readonly #furnishedShelf: Shelf = {
    forget: (seat) => {
      this.#store.furnished.remove(seat, this.#image?.bytes ?? 0);
      remove(this.#furnished, seat);
      this.drop(seat);
    },
  };

  readonly #bareShelf: Shelf = {
    forget: (seat) => {
      this.#store.bare.remove(seat, 0);
      remove(this.#bare, seat);
    },
  };
}

function remove(seats: Seat[], seat: Seat): void {
  const index = seats.indexOf(seat);
  if (index >= 0) seats.splice(index, 1);
}
