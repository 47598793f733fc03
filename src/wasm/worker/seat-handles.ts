/** The handles of whoever sits in a seat: what is bound to the seat keeps this, never an agent's own table. */

import type { Handles, HostResource } from '../host/abi/binding.ts';

export class SeatHandles implements Handles {
  #table: Handles | null = null;

  /** Null: nobody sits in the seat. */
  moveTo(table: Handles | null): void {
    this.#table = table;
  }

  get #current(): Handles {
    if (this.#table === null) throw new Error('a handle is used in a seat in which nobody sits');
    return this.#table;
  }

  add<Name extends string>(resource: Name, rep: HostResource<Name>): number {
    return this.#current.add(resource, rep);
  }

  own<Name extends string>(resource: Name, handle: number): HostResource<Name> {
    return this.#current.own(resource, handle);
  }

  borrow<Name extends string>(resource: Name, handle: number): HostResource<Name> {
    return this.#current.borrow(resource, handle);
  }

  lend<Name extends string>(resource: Name, handle: number): HostResource<Name> {
    return this.#current.lend(resource, handle);
  }

  endLending(): void {
    this.#current.endLending();
  }

  drop<Name extends string>(resource: Name, handle: number): HostResource<Name> {
    return this.#current.drop(resource, handle);
  }
}
