/** The body of a request or a response that comes in: its stream, then its trailers. */

import { BODY_WINDOW_BYTES, type Field } from '../../../../http/exchange.ts';
import { err, ok, type Result } from '../../abi/binding.ts';
import type { HostAgent, InputSource, StreamFailure, Subscribe } from '../../agent.ts';
import type { ErrorCode } from '../../generated/wasi-http-types.ts';
import { Held } from '../held.ts';
import { InputStream } from '../io/input-stream.ts';
import type { Readiness } from '../io/pollable.ts';
import { Fields } from './fields.ts';
import { Waiters } from './waiters.ts';

declare module '../../abi/binding.ts' {
  interface HostResources {
    'wasi:http/types/incoming-body': IncomingBody;
    'wasi:http/types/future-trailers': FutureTrailers;
  }
}

/** How a body has ended. */
type BodyEnd = { readonly trailers: readonly Field[] } | { readonly failed: ErrorCode };

/** A body as it arrives, one piece at a time, when it is asked for. */
export class BodySource implements InputSource {
  readonly #pull: () => void;
  readonly #waiters = new Waiters();
  #chunk: Uint8Array | null = null;
  #end: BodyEnd | null = null;
  #asked = false;
  /** Nobody reads it: what arrives is dropped, so that its end arrives. */
  #discards = false;
  #told = false;

  /** `pull` asks for the next piece: of at most {@link BODY_WINDOW_BYTES}. */
  constructor(pull: () => void) {
    this.#pull = pull;
  }

  get ready(): boolean {
    return this.#chunk !== null || this.#end !== null;
  }

  /** How it has ended; null: it has not, or not all of it was read. */
  get end(): BodyEnd | null {
    return this.#chunk === null ? this.#end : null;
  }

  read(max: number): Uint8Array | 'empty' | 'closed' | StreamFailure {
    const chunk = this.#chunk;
    if (chunk === null) {
      return this.#readEnd();
    }
    const part = chunk.subarray(0, max);
    this.#chunk = part.length < chunk.length ? chunk.subarray(part.length) : null;
    return part;
  }

  #readEnd(): 'empty' | 'closed' | StreamFailure {
    if (this.#end === null) {
      this.#ask();
      return 'empty';
    }
    if ('trailers' in this.#end || this.#told) {
      return 'closed';
    }
    this.#told = true;
    return { httpFailed: this.#end.failed };
  }

  readonly onReady: Subscribe = (wake) => {
    this.#ask();
    return this.#waiters.subscribe(wake);
  };

  /** Nobody will read the rest. */
  discard(): void {
    this.#discards = true;
    this.#chunk = null;
    this.#ask();
  }

  arrived(bytes: Uint8Array): void {
    this.#asked = false;
    if (this.#end !== null) {
      return;
    }
    if (this.#discards || bytes.length === 0) {
      this.#ask();
      return;
    }
    this.#chunk = bytes;
    this.#waiters.notify();
  }

  ended(end: BodyEnd): void {
    if (this.#end === null) {
      this.#end = end;
      this.#waiters.notify();
    }
  }

  #ask(): void {
    if (!this.#asked && !this.ready) {
      this.#asked = true;
      this.#pull();
    }
  }
}

/** The stream of a body, which must be dropped before the body is. */
class BodyInput extends InputStream {
  dropped = false;

  override release(agent: HostAgent): void {
    super.release(agent);
    this.dropped = true;
  }
}

/** A body that the guest consumes: one stream, then the trailers. */
export class IncomingBody extends Held {
  readonly #source: BodySource;
  readonly #dropped: () => void;
  #stream: BodyInput | null = null;
  #finished = false;

  /** `dropped`: nobody wants the rest, nor the trailers. */
  constructor(agent: HostAgent, source: BodySource, dropped: () => void) {
    super(agent, BODY_WINDOW_BYTES);
    this.#source = source;
    this.#dropped = dropped;
  }

  /** The stream to read the body from: once. */
  stream(agent: HostAgent): Result<InputStream, undefined> {
    if (this.#stream !== null) {
      return err();
    }
    this.#stream = new BodyInput(agent, this.#source);
    return ok(this.#stream);
  }

  /** Ends the reading: what is left of the body is dropped, its trailers are waited for. */
  finish(agent: HostAgent): FutureTrailers {
    this.#finished = true;
    this.release(agent);
    this.#source.discard();
    return new FutureTrailers(agent, this.#source, this.#dropped);
  }

  /** Ends the agent where the body's stream still exists, as WASI says. */
  override release(agent: HostAgent): void {
    if (this.#stream?.dropped === false) {
      agent.trap('an incoming-body was dropped or finished before its input-stream was dropped');
    }
    if (!this.#finished) {
      this.#dropped();
    }
    super.release(agent);
  }
}

/** The trailers of a body, once it has ended. */
class FutureTrailers extends Held implements Readiness {
  readonly #source: BodySource;
  readonly #dropped: () => void;
  #given = false;

  constructor(agent: HostAgent, source: BodySource, dropped: () => void) {
    super(agent);
    this.#source = source;
    this.#dropped = dropped;
  }

  override release(agent: HostAgent): void {
    this.#dropped();
    super.release(agent);
  }

  get ready(): boolean {
    return this.#source.end !== null;
  }

  get onReady(): Subscribe {
    return this.#source.onReady;
  }

  /** Undefined: not yet. Once it has answered, it answers no more than that it has. */
  get(agent: HostAgent): Result<Result<Fields | undefined, ErrorCode>, undefined> | undefined {
    const { end } = this.#source;
    if (end === null) {
      return undefined;
    }
    if (this.#given) {
      return err();
    }
    this.#given = true;
    if ('failed' in end) {
      return ok(err(end.failed));
    }
    return ok(ok(end.trailers.length === 0 ? undefined : Fields.received(agent, end.trailers)));
  }
}
