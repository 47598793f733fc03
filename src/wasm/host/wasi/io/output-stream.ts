/** Output streams: bytes that leave an agent, no more at a time than was permitted before. */

import { err, ok, type Result } from '../../abi/binding.ts';
import type { HostAgent, OutputSink, StreamFailure, Subscribe } from '../../agent.ts';
import type { StreamError } from '../../generated/wasi-io-streams.ts';
import { Held } from '../held.ts';
import { IoError, streamFailure } from './error.ts';
import type { Readiness } from './pollable.ts';

declare module '../../abi/binding.ts' {
  interface HostResources {
    'wasi:io/streams/output-stream': OutputStream;
  }
}

/** The most bytes that `check-write` permits, whatever room the sink has. */
export const WRITE_BYTES_MAX = 64 * 1024;

/** Read, never written: sinks copy what they are given. */
const ZEROES = new Uint8Array(WRITE_BYTES_MAX);

const CLOSED = err({ tag: 'closed' } as const);

/**
 * A handle on a sink. Each handle has a permit and a flush of its own; several can stand for the same
 * sink.
 */
export class OutputStream extends Held implements Readiness {
  readonly #sink: OutputSink;
  /** What `check-write` has permitted and `write` has not used up yet. */
  #permit = 0;
  #flushing = false;
  #failed = false;

  constructor(agent: HostAgent, sink: OutputSink) {
    super(agent);
    this.#sink = sink;
  }

  get closed(): boolean {
    return this.#failed || this.#sink.closed;
  }

  /** Whether a flush was asked for that is not through. */
  get flushing(): boolean {
    this.#flushing &&= !this.#sink.flushed;
    return this.#flushing;
  }

  /** Bytes that can be written now. */
  get room(): number {
    return this.flushing ? 0 : Math.max(0, Math.min(this.#sink.room, WRITE_BYTES_MAX));
  }

  get ready(): boolean {
    return this.closed || this.#failure !== null || this.room > 0;
  }

  get onReady(): Subscribe {
    return this.#sink.onChange;
  }

  /** Why nothing can be written; null: it can. A failure is told once, then it is closed. */
  refusal(agent: HostAgent): Result<never, StreamError> | null {
    if (this.closed) {
      return CLOSED;
    }
    const failure = this.#failure;
    if (failure === null) {
      return null;
    }
    this.#failed = true;
    return err({ tag: 'last-operation-failed', val: streamFailure(agent, failure) });
  }

  override release(agent: HostAgent): void {
    super.release(agent);
    this.#sink.release?.();
  }

  checkWrite(agent: HostAgent): Result<bigint, StreamError> {
    const refused = this.refusal(agent);
    if (refused !== null) {
      return refused;
    }
    this.#permit = this.room;
    return ok(BigInt(this.#permit));
  }

  /** Writes within the permit; more than that ends the agent. */
  write(agent: HostAgent, bytes: Uint8Array): Result<undefined, StreamError> {
    const refused = this.#refuse(agent, BigInt(bytes.length));
    if (refused !== null) {
      return refused;
    }
    this.#permit -= bytes.length;
    this.#sink.write(bytes);
    return this.refusal(agent) ?? ok();
  }

  writeZeroes(agent: HostAgent, length: bigint): Result<undefined, StreamError> {
    // Looked at before a length beyond the permit is made a number.
    return this.#refuse(agent, length) ?? this.write(agent, ZEROES.subarray(0, Number(length)));
  }

  /** Writes what there is room for, permit or not; answers how many bytes that was. */
  writeSome(bytes: Uint8Array): number {
    const part = bytes.subarray(0, this.room);
    if (part.length > 0) {
      this.#sink.write(part);
    }
    return part.length;
  }

  /** Asks that all that was written be taken over; nothing can be written until it is. */
  flush(agent: HostAgent): Result<undefined, StreamError> {
    const refused = this.refusal(agent);
    if (refused !== null) {
      return refused;
    }
    this.#permit = 0;
    this.#flushing = true;
    return ok();
  }

  get #failure(): StreamFailure | null {
    return this.#failed ? null : (this.#sink.failure ?? null);
  }

  #refuse(agent: HostAgent, length: bigint): Result<never, StreamError> | null {
    const refused = this.refusal(agent);
    if (refused !== null) {
      return refused;
    }
    if (length > this.#permit) {
      return agent.trap(
        `a write of ${length} bytes, where check-write had permitted ${this.#permit}`,
      );
    }
    if (length > this.#sink.room) {
      // WASI closes a stream whose operation failed. Writing less would lose bytes unseen.
      this.#failed = true;
      const text =
        'another handle of this stream used up the room that was permitted: call check-write right before each write';
      return err({ tag: 'last-operation-failed', val: new IoError(agent, text) });
    }
    return null;
  }
}

/** So many zero bytes, at most {@link WRITE_BYTES_MAX}. */
export function zeroes(length: number): Uint8Array {
  return ZEROES.subarray(0, length);
}
