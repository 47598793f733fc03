/** A message as the program writes it: read and bounded at the edge, and its own from then on. */

import * as z from 'zod';
import { RingfenceError } from '../errors.ts';
import { usageError } from '../usage-error.ts';
import { MESSAGE_BYTES_MAX, type Payload, payloadBytes } from './message.ts';

const payloadSchema = z.union([
  z.strictObject({ tag: z.enum(['text', 'json']), val: z.string() }),
  z.strictObject({ tag: z.literal('binary'), val: z.instanceof(Uint8Array) }),
]);

/** What can be sent: a string is a text, bytes are binary. */
export type MessageInput = string | Uint8Array | Payload;

/**
 * Reads a message. Bytes are copied: what is done to the caller's own does not change what was sent.
 *
 * @throws {RingfenceError} `RF_USAGE`, `RF_LIMIT_EXCEEDED` for more than 16 MiB
 */
export function readMessage(message: MessageInput): Payload {
  const payload: Payload =
    typeof message === 'string'
      ? { tag: 'text', val: message }
      : message instanceof Uint8Array
        ? { tag: 'binary', val: message }
        : message;
  const parsed = payloadSchema.safeParse(payload);
  if (!parsed.success) {
    throw usageError('send the message', parsed.error);
  }
  const read = parsed.data;
  const bytes = payloadBytes(read);
  if (bytes > MESSAGE_BYTES_MAX) {
    throw new RingfenceError(
      'RF_LIMIT_EXCEEDED',
      `Cannot send a message of ${bytes} bytes: ${MESSAGE_BYTES_MAX} is the most; send it in parts.`,
      { size: bytes, limit: MESSAGE_BYTES_MAX },
    );
  }
  // Not by its own `slice`: a Buffer's copies nothing.
  return read.tag === 'binary' ? { tag: 'binary', val: new Uint8Array(read.val) } : read;
}
