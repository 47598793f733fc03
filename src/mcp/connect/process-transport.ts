/** The SDK's transport to a server that is a process: messages in, messages out, within bounds. */

import { setTimeout as delay, setImmediate } from 'node:timers/promises';
import type { JSONRPCMessage, Transport } from '@modelcontextprotocol/client';
import { parseJSONRPCMessage } from '@modelcontextprotocol/client';
import { NO_ANSWER_CODE, TOO_LARGE_CODE } from './codes.ts';
import { FloodGauge } from './flood.ts';
import { type Incoming, IncomingLines } from './incoming.ts';
import { type ProcessCommand, ServerProcess } from './server-process.ts';

/** Bytes that a server may leave unread: what would be more is not sent. */
const UNREAD_BYTES_MAX = 8 * 1024 * 1024;
/** How long it may read nothing of what it was sent. */
const STALL_MS = 30_000;

/** How long its end may come after that of its output. */
const EXIT_MS = 1_000;

/** The server has not read what it was sent before. */
export class UnreadError extends Error {
  constructor() {
    super('it does not read what it is sent');
    this.name = 'UnreadError';
  }
}

/** One process, for as long as it lives. */
export class ProcessTransport implements Transport {
  onclose?: () => void;
  onerror?: (error: Error) => void;
  onmessage?: (message: JSONRPCMessage) => void;
  readonly #process: ServerProcess;
  readonly #gauge = new FloodGauge(() => performance.now());
  /** Requests that are not answered yet. */
  readonly #asked = new Set<string | number>();
  readonly #stallMs: number;
  /** Messages that wait to be read, and until when one has to be. */
  #unread = 0;
  #stall: NodeJS.Timeout | null = null;
  #isClosed = false;
  #failure: string | null = null;

  constructor(command: ProcessCommand, { stallMs = STALL_MS } = {}) {
    this.#stallMs = stallMs;
    this.#process = new ServerProcess(command);
    void this.#process.exited.then(() => this.#closed());
  }

  /** Why it was given up, or how it has ended. */
  get how(): string {
    return this.#failure ?? this.#process.how;
  }

  async start(): Promise<void> {
    await this.#process.started();
    void this.#read();
  }

  async send(message: JSONRPCMessage): Promise<void> {
    if (this.#isClosed) {
      throw new Error('the server has ended');
    }
    const { input } = this.#process;
    if (input.writableLength > UNREAD_BYTES_MAX) {
      throw new UnreadError();
    }
    if ('method' in message && 'id' in message) {
      this.#asked.add(message.id);
    }
    this.#unread += 1;
    input.write(`${JSON.stringify(message)}\n`, () => {
      this.#unread -= 1;
      this.#watchReading();
    });
    if (this.#stall === null) {
      this.#watchReading();
    }
  }

  /** From now on it has so long to read something more. */
  #watchReading(): void {
    clearTimeout(this.#stall ?? undefined);
    this.#stall = null;
    if (this.#unread > 0 && !this.#isClosed) {
      const why = 'it does not read what it is sent';
      this.#stall = setTimeout(() => this.#giveUp(why), this.#stallMs).unref();
    }
  }

  async close(): Promise<void> {
    this.#closed();
    await this.#process.end();
  }

  #closed(): void {
    if (!this.#isClosed) {
      this.#isClosed = true;
      this.#watchReading();
      this.onclose?.();
    }
  }

  #giveUp(why: string): void {
    if (!this.#isClosed) {
      this.#failure = why;
    }
    void this.close();
  }

  async #read(): Promise<void> {
    const lines = new IncomingLines();
    try {
      for await (const chunk of this.#process.output) {
        for (const line of lines.push(chunk)) {
          if (this.#isClosed) {
            return;
          }
          this.#take(line);
        }
        // Others have their turn, however much it writes.
        await setImmediate();
      }
      // Mostly because it has ended, which says more.
      await Promise.race([this.#process.exited, delay(EXIT_MS, undefined, { ref: false })]);
      this.#giveUp('it closed its output');
    } catch {
      // It was destroyed with its process.
    }
  }

  #take(line: Incoming): void {
    if (line.tag === 'message') {
      try {
        this.#deliver(parseJSONRPCMessage(line.val));
      } catch {
        this.#unusable('id' in line.val ? line.val.id : null, NO_ANSWER_CODE);
      }
    } else if (line.tag === 'too-large' && line.id === null) {
      this.#giveUp('it wrote a line that is too long');
    } else {
      this.#unusable(line.id, line.tag === 'too-large' ? TOO_LARGE_CODE : NO_ANSWER_CODE);
    }
  }

  /** A line that can't be taken: if it is somebody's answer, that has failed. */
  #unusable(id: unknown, code: number): void {
    if (typeof id === 'number' && this.#asked.has(id)) {
      this.#deliver({ jsonrpc: '2.0', id, error: { code, message: 'unusable' } });
    } else {
      this.#unasked();
    }
  }

  #deliver(message: JSONRPCMessage): void {
    const isAnswer = !('method' in message) && this.#asked.delete(message.id ?? '');
    if (isAnswer || this.#unasked()) {
      this.onmessage?.(message);
    }
  }

  /** Counts what nobody has asked for. False: that was too much. */
  #unasked(): boolean {
    if (this.#gauge.count()) {
      return true;
    }
    this.#giveUp('it writes more than anybody has asked for');
    return false;
  }
}
