/**
 * The answer of a tool that comes item by item: read ahead a little, handed on in batches when the agent
 * asks, ended with the agent.
 */

import { answerJson } from './answer.ts';
import { type Ending, endedOutcome } from './ending.ts';
import { failure, saidOf, type ToolOutcome } from './outcome.ts';
import { STREAM_FIELD } from './tool.ts';

/** Items that are read ahead of the agent, and characters of them: then the tool waits. */
const READ_AHEAD_ITEMS_MAX = 64;
const READ_AHEAD_CHARACTERS_MAX = 256 * 1024;

/** How long a stream is kept that its agent asks nothing of: it takes a turn of its tool. */
export const IDLE_MS_MAX = 5 * 60 * 1_000;
/** How long it may keep its turn from those who wait for one, however much its agent asks. */
const KEPT_MS_MAX = IDLE_MS_MAX;

/** What a stream is made with. */
export interface StreamOptions {
  readonly id: string;
  /** Bytes of one item. */
  readonly itemBytesMax: number;
  readonly timeoutMs: number;
  readonly ending: Ending;
  /** Whether another call waits for its turn. */
  isWaitedFor(): boolean;
  /** Is told what the tool threw that is not for the agent. */
  onFailure(error: unknown): void;
  /** It has ended, and all of it was handed on; called once. */
  onGone(): void;
}

/** A stream of one agent. */
export class ToolStream {
  readonly #options: StreamOptions;
  readonly #iterator: AsyncIterator<unknown>;
  /** Items as JSON. */
  #items: string[] = [];
  #characters = 0;
  #end: 'done' | ToolOutcome | null = null;
  #isGone = false;
  readonly #openedAtMs = performance.now();
  /** Set while the agent asks nothing of it. */
  #idle: NodeJS.Timeout | undefined;
  /** The tool waits for room. */
  #goOn: (() => void) | null = null;
  /** The agent waits for items. */
  #wake: (() => void) | null = null;

  constructor(iterable: AsyncIterable<unknown>, options: StreamOptions) {
    this.#options = options;
    this.#iterator = iterable[Symbol.asyncIterator]();
    options.ending.ended((reason) => this.#finish(endedOutcome(reason)));
    void this.#read();
  }

  /** Whether an agent waits for its next items: one can. */
  get isAwaited(): boolean {
    return this.#wake !== null;
  }

  /**
   * The next items: those that are there, or the first that comes. Where none comes within `waitMs` there
   * are none; where none comes in the tool's time the stream is ended.
   */
  async next(waitMs: number | null, signal: AbortSignal): Promise<ToolOutcome> {
    clearTimeout(this.#idle);
    if (this.#mustYield()) {
      this.#options.ending.end('yielded');
      return endedOutcome('yielded');
    }
    if (this.#items.length === 0 && this.#end === null) {
      await this.#wait(waitMs, signal);
    }
    const items = this.#items;
    this.#items = [];
    this.#characters = 0;
    this.#goOn?.();
    // Items that came before it failed are handed on; that it did is said when it is asked for more.
    if (this.#end === null || (this.#end !== 'done' && items.length > 0)) {
      this.#idle = setTimeout(() => this.#forgotten(), IDLE_MS_MAX).unref();
      const id = JSON.stringify(this.#options.id);
      return { tag: 'ok', val: `{"${STREAM_FIELD}":${id},"items":[${items.join(',')}]}` };
    }
    this.#gone();
    return this.#end === 'done'
      ? { tag: 'ok', val: `{"items":[${items.join(',')}],"done":true}` }
      : this.#end;
  }

  #mustYield(): boolean {
    const keptMs = performance.now() - this.#openedAtMs;
    return this.#end === null && keptMs > KEPT_MS_MAX && this.#options.isWaitedFor();
  }

  /** The agent has asked nothing for long. */
  #forgotten(): void {
    if (this.#end === null) {
      this.#options.ending.end('closed');
    } else {
      this.#gone();
    }
  }

  /** The agent wants no more. */
  close(): ToolOutcome {
    this.#options.ending.end('closed');
    return { tag: 'ok', val: '{"items":[],"done":true}' };
  }

  #wait(waitMs: number | null, signal: AbortSignal): Promise<void> {
    const { ending, timeoutMs } = this.#options;
    return new Promise((resolve) => {
      let timer: NodeJS.Timeout | undefined;
      const wake = (): void => {
        this.#wake = null;
        clearTimeout(timer);
        ending.untimed();
        signal.removeEventListener('abort', wake);
        resolve();
      };
      this.#wake = wake;
      signal.addEventListener('abort', wake, { once: true });
      if (waitMs !== null && waitMs < timeoutMs) {
        timer = setTimeout(wake, waitMs);
      } else {
        ending.within(timeoutMs);
      }
    });
  }

  async #read(): Promise<void> {
    try {
      while (this.#end === null) {
        const { done, value } = await this.#iterator.next();
        if (done === true) {
          this.#finish('done');
          return;
        }
        if (this.#end !== null) {
          return;
        }
        const json = answerJson(value, this.#options.itemBytesMax);
        this.#items.push(json);
        this.#characters += json.length;
        this.#wake?.();
        await this.#room();
      }
    } catch (error) {
      const said = saidOf(error);
      if (said === null && this.#end === null) {
        this.#options.onFailure(error);
      }
      this.#finish(said ?? failure('unavailable', 'the tool failed: the host knows why'));
      this.#return();
    }
  }

  async #room(): Promise<void> {
    while (
      this.#end === null &&
      (this.#items.length >= READ_AHEAD_ITEMS_MAX || this.#characters >= READ_AHEAD_CHARACTERS_MAX)
    ) {
      await new Promise<void>((resolve) => {
        this.#goOn = resolve;
      });
      this.#goOn = null;
    }
  }

  #finish(end: 'done' | ToolOutcome): void {
    if (this.#end !== null) {
      return;
    }
    this.#end = end;
    const wasGivenUp = this.#options.ending.reason !== null;
    this.#options.ending.settle();
    this.#goOn?.();
    this.#wake?.();
    if (wasGivenUp) {
      this.#items = [];
      this.#return();
      this.#gone();
    }
  }

  /** Lets the tool clean up, as the end of a `for await` does. */
  #return(): void {
    void (async () => this.#iterator.return?.())().catch(() => {});
  }

  #gone(): void {
    if (!this.#isGone) {
      clearTimeout(this.#idle);
      this.#isGone = true;
      this.#options.onGone();
    }
  }
}
