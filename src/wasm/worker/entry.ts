/** Reads what an agent's `run: func() -> result<_, string>` has returned. */

import { MemoryViews } from '../component/memory-views.ts';
import type { CanonicalAccess, GuestCall, StringEncoding } from '../host/abi/binding.ts';
import { GuestMemory } from '../host/abi/memory.ts';
import { loadString } from '../host/abi/strings.ts';
import { endGuest } from '../host/abi/violation.ts';

/** The canonical ABI's layout of `result<_, string>`: a discriminant, then pointer and length. */
const RESULT_BYTES = 12;
const RESULT_ALIGN = 4;
const MESSAGE_OFFSET = 4;

/** A message is cut here, for it goes into reports. */
const MESSAGE_CHARACTERS_MAX = 4096;

/** Reads the results of a seat's entry: one after another, of whoever sits in it. */
export class RunResult implements CanonicalAccess {
  readonly encoding: StringEncoding;
  readonly views = new MemoryViews();
  readonly #call: GuestCall;
  readonly #guest: GuestMemory;
  #memory: WebAssembly.Memory | null = null;

  constructor(call: GuestCall, encoding: StringEncoding) {
    this.#call = call;
    this.encoding = encoding;
    this.#guest = new GuestMemory(call, this);
  }

  /** Where results stand from now on. Null: nowhere, or nobody sits in the seat. */
  moveTo(memory: WebAssembly.Memory | null): void {
    this.#memory = memory;
    this.views.forget();
  }

  memory(): WebAssembly.Memory {
    return this.#memory ?? this.#call.trap('run returns a result and names no memory for it');
  }

  realloc(): () => never {
    return () => this.#call.trap('nothing is allocated for a result');
  }

  /** The error's message, or null where it returned ok. A result that breaks the ABI ends the agent. */
  lift(pointer: number): string | null {
    const guest = this.#guest;
    try {
      guest.open();
      const address = guest.place(pointer, RESULT_BYTES, RESULT_ALIGN);
      const failed = guest.view.getUint8(address);
      if (failed > 1) {
        return this.#call.trap(`run returned the discriminant ${failed} for a result`);
      }
      const message =
        failed === 0
          ? null
          : loadString(guest, address + MESSAGE_OFFSET).slice(0, MESSAGE_CHARACTERS_MAX);
      guest.settle();
      return message;
    } catch (error) {
      return endGuest(this.#call, error);
    }
  }
}
