/** An end of a pipe that is written. */

import * as z from 'zod';
import { RingfenceError } from '../errors.ts';
import { TIMER_MS_MAX } from '../timer.ts';
import { usageError } from '../usage-error.ts';
import type { Payload } from './message.ts';
import { type MessageInput, readMessage } from './payload.ts';

/** What a writer sees of its pipe. */
export interface WritablePipe {
  readonly name: string;
  readonly isGone: boolean;
  /** Puts a message in; false: there is no room, or others wait for it already. */
  put(payload: Payload): boolean;
  /** Waits for room; null: as many as there is capacity for wait already. */
  wait(payload: Payload): { readonly taken: Promise<boolean>; giveUp(): void } | null;
  leaveWriter(writer: PipeWriter): void;
}

const sendSchema = z.strictObject({ waitMs: z.int().min(0).max(TIMER_MS_MAX).optional() });

/** Writes messages into a pipe. */
export class PipeWriter implements Disposable {
  readonly #pipe: WritablePipe;
  #closed = false;

  /** Made by {@link Kernel.writePipe}. */
  constructor(pipe: WritablePipe) {
    this.#pipe = pipe;
  }

  /**
   * Puts a message in: resolves when it is in the pipe, whether somebody reads it or not. Where there is no
   * room, it waits as long as `waitMs` says, not at all without it; those that wait come in their order.
   *
   * @throws {RingfenceError} `RF_PIPE_FULL`, `RF_CLOSED` when the pipe is gone or this was closed,
   * `RF_LIMIT_EXCEEDED` for more than 16 MiB, `RF_USAGE`
   */
  async send(message: MessageInput, options: { readonly waitMs?: number } = {}): Promise<void> {
    const payload = readMessage(message);
    const parsed = sendSchema.safeParse(options);
    if (!parsed.success) {
      throw usageError('send the message', parsed.error);
    }
    const { waitMs = 0 } = parsed.data;
    this.#requireOpen();
    if (this.#pipe.put(payload)) {
      return;
    }
    const waiting = waitMs === 0 ? null : this.#pipe.wait(payload);
    if (waiting !== null) {
      const timer = setTimeout(() => waiting.giveUp(), waitMs);
      const isTaken = await waiting.taken;
      clearTimeout(timer);
      if (isTaken) {
        return;
      }
      this.#requireOpen();
    }
    const { name } = this.#pipe;
    throw new RingfenceError(
      'RF_PIPE_FULL',
      `Cannot send into the pipe '${name}' as it is full: wait for its reader, or open it with a larger capacity.`,
      { name },
    );
  }

  #requireOpen(): void {
    const { name, isGone } = this.#pipe;
    if (isGone || this.#closed) {
      const why = isGone ? 'it is gone' : 'this end of it was closed';
      throw new RingfenceError('RF_CLOSED', `Cannot send into the pipe '${name}' as ${why}.`, {
        name,
      });
    }
  }

  /** It writes no more; what it has written stays. */
  close(): void {
    this.#closed = true;
    this.#pipe.leaveWriter(this);
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
