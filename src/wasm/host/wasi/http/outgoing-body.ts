/** The body of a request or a response that goes out: one stream, within a window, then its end. */

import { BODY_WINDOW_BYTES, type Field } from '../../../../http/exchange.ts';
import { err, ok, type Result } from '../../abi/binding.ts';
import type { HostAgent, OutputSink, StreamFailure } from '../../agent.ts';
import type { ErrorCode } from '../../generated/wasi-http-types.ts';
import { Held } from '../held.ts';
import { OutputStream } from '../io/output-stream.ts';
import type { Fields } from './fields.ts';
import { Waiters } from './waiters.ts';

declare module '../../abi/binding.ts' {
  interface HostResources {
    'wasi:http/types/outgoing-body': OutgoingBody;
  }
}

/** Where a body goes, once its request or response is on its way. */
export interface BodyTarget {
  bytes(bytes: Uint8Array): void;
  end(trailers: readonly Field[]): void;
  /** It will not be whole. */
  broken(): void;
}

/** How a body has ended: with these trailers, or not as a whole. */
type BodyEnd = readonly Field[] | 'broken';

/** Whose body it is: errors of its size are called after that. */
export type BodyOf = 'request' | 'response';

/**
 * The bytes of a body. As long as nobody takes them, as many are kept as the window has room for.
 * No more are taken than its head has declared.
 */
export class BodySink implements OutputSink {
  readonly #of: BodyOf;
  readonly #declared: number | null;
  readonly #waiters = new Waiters();
  readonly onChange = this.#waiters.subscribe;
  #pending: Uint8Array[] = [];
  #target: BodyTarget | null = null;
  #end: BodyEnd | null = null;
  #underWay = 0;
  #written = 0;
  #closed = false;
  #failure: StreamFailure | null = null;

  constructor(of: BodyOf, declared: number | null) {
    this.#of = of;
    this.#declared = declared;
  }

  get room(): number {
    return BODY_WINDOW_BYTES - this.#underWay;
  }
  /** What was handed on is flushed, as long as whoever takes it keeps up. */
  get flushed(): boolean {
    return this.#underWay <= BODY_WINDOW_BYTES / 2;
  }
  /** Not before its failure was told: whoever was told closes the stream. */
  get closed(): boolean {
    return this.#closed && this.#failure === null;
  }
  get failure(): StreamFailure | null {
    return this.#failure;
  }
  /** What is wrong with its size now that it is to end; null: nothing. */
  get sizeError(): ErrorCode | null {
    return this.#declared === null || this.#declared === this.#written
      ? null
      : this.#error(this.#written);
  }

  write(bytes: Uint8Array): void {
    if (this.#closed || this.#failure !== null || bytes.length === 0) {
      return;
    }
    this.#written += bytes.length;
    if (this.#declared !== null && this.#written > this.#declared) {
      this.#failure = { httpFailed: this.#error(this.#written) };
      this.finish('broken');
      return;
    }
    this.#underWay += bytes.length;
    if (this.#pending.length === 0 && this.#target !== null) {
      queueMicrotask(() => this.flush());
    }
    this.#pending.push(bytes.slice());
  }

  #error(size: number): ErrorCode {
    const val = BigInt(size);
    return this.#of === 'request'
      ? { tag: 'HTTP-request-body-size', val }
      : { tag: 'HTTP-response-body-size', val };
  }

  /** Somebody takes it from now on. */
  attach(target: BodyTarget): void {
    this.#target = target;
    this.flush();
    this.#tellEnd();
  }

  /** Hands on what was written since the last time: what a guest writes in one go is one piece. */
  flush(): void {
    if (this.#target === null || this.#pending.length === 0) {
      return;
    }
    const pieces = this.#pending;
    this.#pending = [];
    if (!this.#closed || this.#end !== null) {
      this.#target.bytes(pieces.length === 1 ? (pieces[0] as Uint8Array) : Buffer.concat(pieces));
    }
  }

  /** Nothing more is written. */
  finish(end: BodyEnd): void {
    if (this.#end === null && !this.#closed) {
      this.#end = end;
      this.#closed = true;
      this.flush();
      this.#tellEnd();
    }
  }

  #tellEnd(): void {
    if (this.#target === null || this.#end === null) {
      return;
    }
    if (this.#end === 'broken') {
      this.#target.broken();
    } else {
      this.#target.end(this.#end);
    }
  }

  /** So many bytes were taken over. */
  taken(bytes: number): void {
    this.#underWay = Math.max(0, this.#underWay - bytes);
    this.#waiters.notify();
  }

  /** Nobody takes it any more: what is written from now on is refused. */
  close(): void {
    this.#closed = true;
    this.#pending = [];
    this.#underWay = 0;
    this.#target = null;
    this.#waiters.notify();
  }
}

/** The stream of a body, which must be dropped before the body is. */
class BodyStream extends OutputStream {
  dropped = false;

  override release(agent: HostAgent): void {
    super.release(agent);
    this.dropped = true;
  }
}

/** The body of a request or a response: one stream, then its end. */
export class OutgoingBody extends Held {
  readonly #sink: BodySink;
  #stream: BodyStream | null = null;

  constructor(agent: HostAgent, sink: BodySink) {
    super(agent, BODY_WINDOW_BYTES);
    this.#sink = sink;
  }

  /** The stream to write the body to: once. */
  write(agent: HostAgent): Result<OutputStream, undefined> {
    if (this.#stream !== null) {
      return err();
    }
    this.#stream = new BodyStream(agent, this.#sink);
    return ok(this.#stream);
  }

  /** Ends the body. It must have as many bytes as its head declared. */
  finish(agent: HostAgent, trailers: Fields | undefined): Result<undefined, ErrorCode> {
    const { sizeError } = this.#sink;
    const wire = trailers?.toWire() ?? [];
    trailers?.release(agent);
    this.#requireStreamDropped(agent);
    this.#sink.finish(sizeError === null ? wire : 'broken');
    this.release(agent);
    return sizeError === null ? ok() : err(sizeError);
  }

  /** Dropped without `finish` it is not whole. */
  override release(agent: HostAgent): void {
    this.#requireStreamDropped(agent);
    this.#sink.finish('broken');
    super.release(agent);
  }

  /** Ends the agent where the body's stream still exists, as WASI says. */
  #requireStreamDropped(agent: HostAgent): void {
    if (this.#stream?.dropped === false) {
      agent.trap('an outgoing-body was dropped or finished before its output-stream was dropped');
    }
  }
}

/** The length that fields declare for the body behind them; null: none that can be understood. */
export function declaredLength(fields: Fields): number | null {
  const [first] = fields.get('content-length');
  const text = first === undefined ? '' : new TextDecoder('latin1').decode(first);
  return /^[0-9]{1,15}$/.test(text) ? Number(text) : null;
}
