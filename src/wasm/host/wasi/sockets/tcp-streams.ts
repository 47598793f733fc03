/** Connections as streams. They pass the gate as streams; whether their grant is in force is looked at where they are performed. */

import { READ_AHEAD_BYTES } from '../../../../network/sockets/caps.ts';
import type { HostAgent, InputSource, OutputSink, StreamFailure, Subscribe } from '../../agent.ts';
import { WRITE_BYTES_MAX } from '../io/output-stream.ts';
import { type Asked, AT_ONCE, answerOf, type SharedSocket, whenAnswered } from './ask.ts';

const NO_BYTES = new Uint8Array(0);

/** What comes over a connection. */
export class TcpSource implements InputSource {
  readonly #agent: HostAgent;
  readonly #shared: SharedSocket;
  #asked: Asked<'read'> | null = null;
  /** What has come, and was not asked for yet. */
  #ahead: Uint8Array = NO_BYTES;
  #closed = false;
  #released = false;

  constructor(agent: HostAgent, shared: SharedSocket) {
    this.#agent = agent;
    this.#shared = shared.share();
  }

  get ready(): boolean {
    if (!this.#closed && this.#ahead.length === 0) {
      this.#asked ??= this.#ask(READ_AHEAD_BYTES);
    }
    return this.#asked === null || answerOf(this.#asked) !== null;
  }

  readonly onReady: Subscribe = (wake) =>
    this.ready || this.#asked === null ? AT_ONCE(wake) : whenAnswered(this.#asked)(wake);

  read(max: number): Uint8Array | 'empty' | 'closed' | StreamFailure {
    if (this.#closed) {
      return 'closed';
    }
    if (max === 0) {
      return NO_BYTES;
    }
    if (this.#ahead.length === 0) {
      this.#asked ??= this.#ask(max);
      const answer = answerOf(this.#asked);
      if (answer === null) {
        return 'empty';
      }
      this.#asked = null;
      if (answer.tag === 'err') {
        this.#closed = true;
        return { socketFailed: answer.val };
      }
      this.#ahead = answer.val;
      if (this.#ahead.length === 0) {
        this.#closed = true;
        return 'closed';
      }
    }
    const bytes = this.#ahead.subarray(0, max);
    this.#ahead = this.#ahead.subarray(bytes.length);
    return bytes;
  }

  /** Nothing is received any more: what has come is thrown away. */
  shutdown(): void {
    this.#closed = true;
    this.#ahead = NO_BYTES;
    this.#asked = null;
  }

  release(): void {
    if (!this.#released) {
      this.#released = true;
      this.shutdown();
      this.#shared.release(this.#agent);
    }
  }

  #ask(length: number): Asked<'read'> {
    return this.#agent.sockets.perform<'read'>({
      op: 'read',
      handle: this.#shared.handle,
      length,
    });
  }
}

/** What goes over a connection: as much at a time as its peer takes, and one write ahead. */
export class TcpSink implements OutputSink {
  readonly #agent: HostAgent;
  readonly #shared: SharedSocket;
  #writing: Asked<'write'> | null = null;
  #flushing: Asked<'flush'> | null = null;
  /** Something was written of which it is not known that the system has taken it. */
  #unflushed = false;
  #failure: StreamFailure | null = null;
  #closed = false;
  #released = false;

  constructor(agent: HostAgent, shared: SharedSocket) {
    this.#agent = agent;
    this.#shared = shared.share();
  }

  get closed(): boolean {
    return this.#closed;
  }

  get failure(): StreamFailure | null {
    this.#look();
    return this.#failure;
  }

  get room(): number {
    this.#look();
    return this.#writing === null ? WRITE_BYTES_MAX : 0;
  }

  get flushed(): boolean {
    this.#look();
    if (!this.#unflushed || this.#writing !== null || this.#failure !== null) {
      return this.#writing === null;
    }
    this.#flushing ??= this.#agent.sockets.perform<'flush'>({
      op: 'flush',
      handle: this.#shared.handle,
    });
    this.#look();
    return !this.#unflushed;
  }

  readonly onChange: Subscribe = (wake) => {
    const asked = this.#writing ?? this.#flushing;
    return asked === null ? AT_ONCE(wake) : whenAnswered<'write' | 'flush'>(asked)(wake);
  };

  write(bytes: Uint8Array): void {
    if (this.#failure === null && bytes.length > 0) {
      const { handle } = this.#shared;
      this.#unflushed = true;
      this.#writing = this.#agent.sockets.perform<'write'>({ op: 'write', handle, bytes });
      this.#look();
    }
  }

  /** Nothing is sent any more; what was written is. */
  shutdown(): void {
    this.#closed = true;
  }

  release(): void {
    if (!this.#released) {
      this.#released = true;
      this.#closed = true;
      this.#shared.release(this.#agent);
    }
  }

  #look(): void {
    const written = this.#writing === null ? null : answerOf(this.#writing);
    if (written !== null) {
      this.#writing = null;
      this.#noteFailure(written);
    }
    const flushed = this.#flushing === null ? null : answerOf(this.#flushing);
    if (flushed !== null) {
      this.#flushing = null;
      this.#unflushed = false;
      this.#noteFailure(flushed);
    }
  }

  #noteFailure(answer: NonNullable<ReturnType<typeof answerOf<'write' | 'flush'>>>): void {
    if (answer.tag === 'err') {
      this.#failure ??= { socketFailed: answer.val };
    }
  }
}
