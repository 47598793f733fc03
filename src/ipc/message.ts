/** Messages between agents: their payloads, whom they go to, what can be delivered, and what a receiver can ask for. */

import type { ResourceKind } from '../resource/limit-marks.ts';

/** What is sent. */
export type Payload =
  | { readonly tag: 'text'; readonly val: string }
  | { readonly tag: 'json'; readonly val: string }
  | { readonly tag: 'binary'; readonly val: Uint8Array };

/** Whom a message goes to. */
export type Address =
  | { readonly tag: 'process'; readonly pid: number }
  /** Everybody whom the sender's scope reaches. */
  | { readonly tag: 'broadcast' }
  /** Whoever provides the service now; a method is for a request to it. */
  | { readonly tag: 'service'; readonly name: string; readonly method: string | null }
  /** The program that runs the kernel. */
  | { readonly tag: 'kernel' };

/** What a message is to who receives it. Correlation ids are those of who asked. */
export type Body =
  | { readonly tag: 'message' }
  | { readonly tag: 'request'; readonly correlation: number }
  /** `routed`: its request came over the kernel, which waits for the reply too. */
  | { readonly tag: 'reply'; readonly correlation: number; readonly routed?: boolean | undefined };

/** Why an agent ended, as others are told it. */
export type Ending =
  | { readonly tag: 'normal' }
  | { readonly tag: 'crash'; readonly val: string }
  | { readonly tag: 'killed' }
  | { readonly tag: 'timeout' };

/** What somebody has sent: it finds room in a mailbox, or it does not. */
export type Mail = { readonly sender: number; readonly payload: Payload } & (
  | { readonly tag: 'message' }
  | {
      readonly tag: 'request';
      readonly correlation: number;
      readonly method: string | null;
      /** It came over the kernel, and its reply goes there. */
      readonly routed?: boolean | undefined;
    }
  | { readonly tag: 'reply'; readonly correlation: number }
  | { readonly tag: 'topic'; readonly topic: string }
);

/** What the host tells: it always finds room, for what can cause it is bounded where it is asked for. */
export type Signal =
  /** A linked agent has ended, and the receiver traps exits. */
  | { readonly tag: 'exit'; readonly pid: number; readonly reason: Ending }
  /** A monitored agent has ended. */
  | {
      readonly tag: 'down';
      readonly monitor: number;
      readonly pid: number;
      readonly reason: Ending;
    }
  /** 80 % of a limit are used up, by the receiver or by a child of it. */
  | {
      readonly tag: 'warning';
      readonly pid: number;
      readonly kind: ResourceKind;
      readonly used: number;
      readonly limit: number;
    }
  /** A timer of the receiver's own; its payload is held for it from the start. */
  | { readonly tag: 'timer'; readonly timer: number; readonly payload: Payload }
  /** Who was asked has ended: there will be no reply. */
  | { readonly tag: 'unanswered'; readonly correlation: number }
  /** The kernel asks it to end; the text says why. */
  | { readonly tag: 'cancelled'; readonly message: string };

/** What arrives for an agent. */
export type Delivery = Mail | Signal;

const MAIL: ReadonlySet<Delivery['tag']> = new Set(['message', 'request', 'reply', 'topic']);

/** Whether somebody has sent it. */
export const isMail = (delivery: Delivery): delivery is Mail => MAIL.has(delivery.tag);

/** Which messages a receiver takes. */
export type MessageFilter =
  | { readonly tag: 'any' }
  | { readonly tag: 'sender'; readonly val: number }
  | { readonly tag: 'topic'; readonly val: string }
  /** The reply to a request of the receiver's. */
  | { readonly tag: 'correlation'; readonly val: number };

/** Messages that a mailbox takes (the reference's number). */
export const MAILBOX_MESSAGES_MAX = 1_024;

/** Warnings that nobody has read, of one receiver: an agent can have any number of children, one after another. */
export const WARNINGS_UNREAD_MAX = 256;

/**
 * What the host has told of others' ends, and nobody has received, of one receiver: it has room in a full
 * mailbox, so who has so much of it causes no more. Beside what it has caused already, that bounds it.
 */
export const SIGNALS_UNREAD_MAX = 1_024;

/** Bytes of one message (the reference's number). */
export const MESSAGE_BYTES_MAX = 16 * 1024 * 1024;

/** Characters of the name of a topic, a service or a method. */
export const NAME_CHARACTERS_MAX = 256;

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

/** What somebody's words become when they arrive. */
export function mailOf(body: Body, sender: number, method: string | null, payload: Payload): Mail {
  switch (body.tag) {
    case 'message':
      return { tag: 'message', sender, payload };
    case 'request':
      return { tag: 'request', sender, correlation: body.correlation, method, payload };
    case 'reply':
      return { tag: 'reply', sender, correlation: body.correlation, payload };
  }
}

export function matches(filter: MessageFilter, delivery: Delivery): boolean {
  switch (filter.tag) {
    case 'any':
      return true;
    case 'sender':
      return isMail(delivery) && delivery.sender === filter.val;
    case 'topic':
      return delivery.tag === 'topic' && delivery.topic === filter.val;
    case 'correlation':
      return delivery.tag === 'reply' && delivery.correlation === filter.val;
  }
}
