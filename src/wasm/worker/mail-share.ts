/** The part of what the host holds for an agent that its mail may take: others write that. */

import type { HeldBytes } from '../../ipc/mailbox.ts';
import type { ControlBlock } from '../../resource/control-blocks.ts';

/**
 * Mail takes at most this part of an agent's `hostBytes`. Whoever may send to it could otherwise fill all
 * of it, and the agent would be ended at the next handle that it opens.
 */
export const MAIL_SHARE = 3 / 4;

/**
 * Accounts for mail within its share, and within what its owner may have held in all. How many messages
 * there are is told in the owner's control block: it is held for one at a time.
 */
export class MailShare implements HeldBytes {
  readonly #owner: HeldBytes;
  /** Bytes; 0 is unlimited. */
  readonly #max: number;
  readonly #block: Pick<ControlBlock, 'setMailboxMessages'>;
  #held = 0;
  #messages = 0;

  /** `hostBytes` is the owner's limit; 0 is unlimited. */
  constructor(
    owner: HeldBytes,
    hostBytes: number,
    block: Pick<ControlBlock, 'setMailboxMessages'>,
  ) {
    this.#owner = owner;
    this.#block = block;
    this.#max = Math.floor(hostBytes * MAIL_SHARE);
  }

  hold(bytes: number): boolean {
    if ((this.#max !== 0 && this.#held + bytes > this.#max) || !this.#owner.hold(bytes)) {
      return false;
    }
    this.#held += bytes;
    this.#count(1);
    return true;
  }

  couldHold(bytes: number): boolean {
    return (this.#max === 0 || bytes <= this.#max) && this.#owner.couldHold(bytes);
  }

  release(bytes: number): void {
    this.#held -= bytes;
    this.#owner.release(bytes);
    this.#count(-1);
  }

  #count(more: number): void {
    this.#messages += more;
    this.#block.setMailboxMessages(this.#messages);
  }
}
