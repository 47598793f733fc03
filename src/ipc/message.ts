/** Messages between agents: their payloads, what can be delivered, and what a receiver can ask for. */

/** What is sent. */
export type Payload =
  | { readonly tag: 'text'; readonly val: string }
  | { readonly tag: 'json'; readonly val: string }
  | { readonly tag: 'binary'; readonly val: Uint8Array };

/** What arrives in a mailbox. More cases come with requests, topics, links and timers. */
export type Delivery = {
  /** `cancelled`: the kernel asks it to end; the payload says why. */
  readonly tag: 'message' | 'cancelled';
  readonly sender: number;
  readonly payload: Payload;
};

/** Which messages a receiver takes. */
export type MessageFilter =
  | { readonly tag: 'any' }
  | { readonly tag: 'sender'; readonly val: number }
  | { readonly tag: 'topic'; readonly val: string }
  | { readonly tag: 'correlation'; readonly val: bigint };

/** Messages that a mailbox takes (the reference's number). */
export const MAILBOX_MESSAGES_MAX = 1_024;

/** Bytes of one message (the reference's number). */
export const MESSAGE_BYTES_MAX = 16 * 1024 * 1024;

/** Bytes of a payload's content, as {@link MESSAGE_BYTES_MAX} counts them. */
export function payloadBytes(payload: Payload): number {
  return payload.tag === 'binary' ? payload.val.byteLength : Buffer.byteLength(payload.val);
}

/** What a message costs the host beside its body: objects, a place in the queue. */
const MESSAGE_OVERHEAD_BYTES = 256;

/** Bytes that the host holds for a payload in a mailbox. */
export function heldBytes(payload: Payload): number {
  const body = payload.tag === 'binary' ? payload.val.byteLength : payload.val.length * 2;
  return MESSAGE_OVERHEAD_BYTES + body;
}

export function matches(filter: MessageFilter, delivery: Delivery): boolean {
  switch (filter.tag) {
    case 'any':
      return true;
    case 'sender':
      return delivery.sender === filter.val;
    case 'topic':
    case 'correlation':
      return false;
  }
}
