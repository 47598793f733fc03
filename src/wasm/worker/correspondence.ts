/** What arrives for one agent: its mailbox, and the requests under way that decide which replies do. */

import { Conversations } from '../../ipc/conversations.ts';
import { type HeldBytes, Mailbox, type PostOutcome } from '../../ipc/mailbox.ts';
import type { Mail, Signal } from '../../ipc/message.ts';

/** What became of what was posted; `unexpected`: a reply that nobody waits for. */
export type Posted = PostOutcome | 'unexpected';

/** A request that will have no reply: who asked, and under which id. */
export interface Unanswered {
  readonly asker: number;
  readonly correlation: number;
}

/** The mail of one agent. */
export class Correspondence {
  readonly mailbox: Mailbox;
  #conversations: Conversations | null = null;

  constructor(held: HeldBytes) {
    this.mailbox = new Mailbox(held);
  }

  /** Made when first used: most agents never ask. */
  get conversations(): Conversations {
    this.#conversations ??= new Conversations();
    return this.#conversations;
  }

  post(mail: Mail): Posted {
    if (mail.tag !== 'reply') {
      return this.mailbox.post(mail);
    }
    if (!this.conversations.expects(mail.correlation, mail.sender)) {
      return 'unexpected';
    }
    const posted = this.mailbox.post(mail);
    if (posted === 'delivered') {
      this.conversations.forget(mail.correlation);
    }
    return posted;
  }

  signal(signal: Signal): void {
    if (signal.tag === 'unanswered') {
      this.conversations.close(signal.correlation);
      this.mailbox.wake();
    } else {
      this.mailbox.signal(signal);
    }
  }

  /** Agents are gone: requests to them will have no reply. */
  lost(isAmong: (pid: number) => boolean): void {
    if (this.#conversations?.closeThoseTo(isAmong) === true) {
      this.mailbox.wake();
    }
  }

  /**
   * At its owner's end: the mail that is left, and who asked and waits in vain. Of requests that the kernel
   * has sent on it tells them itself.
   */
  close(): { readonly undelivered: Mail[]; readonly unanswered: Unanswered[] } {
    const undelivered = this.mailbox.close();
    const asked = undelivered.flatMap((mail) =>
      mail.tag === 'request'
        ? [{ pid: mail.sender, correlation: mail.correlation, routed: mail.routed }]
        : [],
    );
    const all = [...asked, ...(this.#conversations?.unanswered() ?? [])];
    return {
      undelivered,
      unanswered: all
        .filter(({ routed }) => routed !== true)
        .map(({ pid, correlation }) => ({ asker: pid, correlation })),
    };
  }
}
