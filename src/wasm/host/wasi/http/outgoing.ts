/** HTTP requests as a guest builds them: checked piece by piece, and sent by nobody yet. */

import { err, ok, type Result } from '../../abi/binding.ts';
import type { HostAgent, OutputSink, Unsubscribe } from '../../agent.ts';
import type { Method, Scheme } from '../../generated/wasi-http-types.ts';
import { Held } from '../held.ts';
import { OutputStream, WRITE_BYTES_MAX } from '../io/output-stream.ts';
import type { Fields } from './fields.ts';
import {
  AUTHORITY_LENGTH_MAX,
  isAuthority,
  isMethod,
  isPathWithQuery,
  isScheme,
  METHOD_LENGTH_MAX,
  PATH_LENGTH_MAX,
  SCHEME_LENGTH_MAX,
} from './syntax.ts';

declare module '../../abi/binding.ts' {
  interface HostResources {
    'wasi:http/types/outgoing-request': OutgoingRequest;
    'wasi:http/types/outgoing-body': OutgoingBody;
    'wasi:http/types/request-options': RequestOptions;
  }
}

/** What the texts of a request can take; taken at once, so that setting one never fails for it. */
const REQUEST_BYTES =
  METHOD_LENGTH_MAX + SCHEME_LENGTH_MAX + AUTHORITY_LENGTH_MAX + PATH_LENGTH_MAX;

/** `result` of WASI: it worked, or it did not. */
type Accepted = Result<undefined, undefined>;

/** The bytes of a body. Nobody takes them yet, so they are counted and not kept. */
class BodySink implements OutputSink {
  readonly room = WRITE_BYTES_MAX;
  readonly flushed = true;
  closed = false;
  written = 0;

  write(bytes: Uint8Array): void {
    this.written += bytes.length;
  }

  /** There is always room, so nobody waits. */
  onChange(): Unsubscribe {
    return () => {};
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

/** The body of a request: one stream, then its end. */
export class OutgoingBody extends Held {
  readonly #sink: BodySink;
  readonly #lengthDeclared: number | null;
  #stream: BodyStream | null = null;

  constructor(agent: HostAgent, sink: BodySink, lengthDeclared: number | null) {
    super(agent);
    this.#sink = sink;
    this.#lengthDeclared = lengthDeclared;
  }

  /** The stream to write the body to: once. */
  write(agent: HostAgent): Result<OutputStream, undefined> {
    if (this.#stream !== null) {
      return err();
    }
    this.#stream = new BodyStream(agent, this.#sink);
    return ok(this.#stream);
  }

  /** Ends the body. It must have as many bytes as its request declared. */
  finish(agent: HostAgent): Result<undefined, { tag: 'HTTP-request-body-size'; val: bigint }> {
    this.release(agent);
    const { written } = this.#sink;
    return this.#lengthDeclared === null || this.#lengthDeclared === written
      ? ok()
      : err({ tag: 'HTTP-request-body-size', val: BigInt(written) });
  }

  /** Ends the agent where the body's stream still exists, as WASI says. */
  override release(agent: HostAgent): void {
    if (this.#stream?.dropped === false) {
      agent.trap('an outgoing-body was dropped or finished before its output-stream was dropped');
    }
    this.#sink.closed = true;
    super.release(agent);
  }
}

/**
 * A request. WASI wants handles on its headers to be dropped before it is; here they may outlive it,
 * as they keep the headers accounted for.
 */
export class OutgoingRequest extends Held {
  readonly #headers: Fields;
  readonly #body = new BodySink();
  #bodyTaken = false;
  #method: Method = { tag: 'get' };
  #scheme: Scheme | undefined;
  #authority: string | undefined;
  #pathWithQuery: string | undefined;

  /** Takes the headers over: the handle that they were built with is gone. */
  constructor(agent: HostAgent, headers: Fields) {
    super(agent, REQUEST_BYTES);
    this.#headers = headers;
  }

  headers(agent: HostAgent): Fields {
    return this.#headers.asImmutable(agent);
  }

  /** The body: once. */
  body(agent: HostAgent): Result<OutgoingBody, undefined> {
    if (this.#bodyTaken) {
      return err();
    }
    this.#bodyTaken = true;
    return ok(new OutgoingBody(agent, this.#body, this.#lengthDeclared()));
  }

  get method(): Method {
    return this.#method;
  }
  setMethod(method: Method): Accepted {
    if (method.tag === 'other' && !isMethod(method.val)) {
      return err();
    }
    this.#method = method;
    return ok();
  }

  get scheme(): Scheme | undefined {
    return this.#scheme;
  }
  setScheme(scheme: Scheme | undefined): Accepted {
    if (scheme?.tag === 'other' && !isScheme(scheme.val)) {
      return err();
    }
    this.#scheme = scheme;
    return ok();
  }

  get authority(): string | undefined {
    return this.#authority;
  }
  setAuthority(authority: string | undefined): Accepted {
    if (authority !== undefined && !isAuthority(authority)) {
      return err();
    }
    this.#authority = authority;
    return ok();
  }

  get pathWithQuery(): string | undefined {
    return this.#pathWithQuery;
  }
  setPathWithQuery(path: string | undefined): Accepted {
    if (path !== undefined && !isPathWithQuery(path)) {
      return err();
    }
    this.#pathWithQuery = path;
    return ok();
  }

  override release(agent: HostAgent): void {
    this.#body.closed = true;
    this.#headers.release(agent);
    super.release(agent);
  }

  #lengthDeclared(): number | null {
    const [first] = this.#headers.get('content-length');
    const text = first === undefined ? '' : new TextDecoder('latin1').decode(first);
    return /^[0-9]{1,15}$/.test(text) ? Number(text) : null;
  }
}

/** Timeouts of a request, in nanoseconds; kept for the day when requests are sent. */
export class RequestOptions extends Held {
  connectTimeout: bigint | undefined;
  firstByteTimeout: bigint | undefined;
  betweenBytesTimeout: bigint | undefined;
}
