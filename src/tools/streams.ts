/** The streams that agents have open, and how an agent asks for the next items of one. */

import * as z from 'zod';
import { TIMER_MS_MAX } from '../timer.ts';
import type { Ending } from './ending.ts';
import { failure, type ToolOutcome } from './outcome.ts';
import { ToolStream } from './stream.ts';
import { STREAM_FIELD } from './tool.ts';

/** Streams that an agent may have open. */
export const STREAMS_PER_AGENT_MAX = 16;

const continuationSchema = z.strictObject({
  [STREAM_FIELD]: z.string().max(32),
  /** Milliseconds that it waits for an item. */
  waitMs: z.number().int().nonnegative().max(TIMER_MS_MAX).optional(),
  close: z.literal(true).optional(),
});

/** Whether arguments are no call, but ask for the next items of one. */
export function isContinuation(args: unknown): boolean {
  return typeof args === 'object' && args !== null && Object.hasOwn(args, STREAM_FIELD);
}

interface Open {
  readonly pid: number;
  readonly tool: string;
  readonly stream: ToolStream;
}

/** What a stream is opened with. */
export interface Opening {
  readonly pid: number;
  readonly tool: string;
  readonly ending: Ending;
  readonly itemBytesMax: number;
  readonly timeoutMs: number;
  isWaitedFor(): boolean;
  onFailure(error: unknown): void;
  onGone(): void;
}

/** The open streams of a kernel. */
export class Streams {
  readonly #open = new Map<string, Open>();
  readonly #byAgent = new Map<number, number>();
  #last = 0;

  /** How many are open. */
  get size(): number {
    return this.#open.size;
  }

  /** Whether an agent may have another. */
  hasRoom(pid: number): boolean {
    return (this.#byAgent.get(pid) ?? 0) < STREAMS_PER_AGENT_MAX;
  }

  open(iterable: AsyncIterable<unknown>, { pid, tool, onGone, ...options }: Opening): ToolStream {
    this.#last += 1;
    const id = String(this.#last);
    this.#byAgent.set(pid, (this.#byAgent.get(pid) ?? 0) + 1);
    let isGone = false;
    const stream = new ToolStream(iterable, {
      ...options,
      id,
      onGone: () => {
        isGone = true;
        this.#open.delete(id);
        const left = (this.#byAgent.get(pid) ?? 1) - 1;
        if (left === 0) {
          this.#byAgent.delete(pid);
        } else {
          this.#byAgent.set(pid, left);
        }
        onGone();
      },
    });
    // It may have been given up before it was there.
    if (!isGone) {
      this.#open.set(id, { pid, tool, stream });
    }
    return stream;
  }

  /** Answers what an agent asks of a stream: its own, of the tool that it calls. */
  async continue(
    tool: string,
    args: unknown,
    { pid, signal }: { pid: number; signal: AbortSignal },
  ): Promise<ToolOutcome> {
    const parsed = continuationSchema.safeParse(args);
    if (!parsed.success) {
      return failure(
        'invalid',
        `beside '${STREAM_FIELD}' and its text there is only 'waitMs', a number, and 'close', true`,
      );
    }
    const open = this.#open.get(parsed.data[STREAM_FIELD]);
    if (open?.pid !== pid || open.tool !== tool) {
      return failure('not-found', 'no stream of the tool has this name, or it has ended');
    }
    if (parsed.data.close === true) {
      return open.stream.close();
    }
    return open.stream.isAwaited
      ? failure('invalid', 'the next items of the stream are being waited for already')
      : open.stream.next(parsed.data.waitMs ?? null, signal);
  }
}
