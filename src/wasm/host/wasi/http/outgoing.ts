/** HTTP requests as a guest builds them, checked piece by piece. */

import { isMethod, METHOD_LENGTH_MAX } from '../../../../http/syntax.ts';
import type { SendHead } from '../../../../network/exchange.ts';
import { TIMER_MS_MAX } from '../../../../timer.ts';
import { err, ok, type Result } from '../../abi/binding.ts';
import type { HostAgent } from '../../agent.ts';
import type { Method, Scheme } from '../../generated/wasi-http-types.ts';
import { Held } from '../held.ts';
import type { Fields } from './fields.ts';
import { FutureIncomingResponse } from './incoming-response.ts';
import { BodySink, declaredLength, OutgoingBody } from './outgoing-body.ts';
import { SentRequest } from './sent-request.ts';
import {
  AUTHORITY_LENGTH_MAX,
  isAuthority,
  isPathWithQuery,
  isScheme,
  PATH_LENGTH_MAX,
  SCHEME_LENGTH_MAX,
} from './syntax.ts';
import type { RequestLine } from './target.ts';

declare module '../../abi/binding.ts' {
  interface HostResources {
    'wasi:http/types/outgoing-request': OutgoingRequest;
    'wasi:http/types/request-options': RequestOptions;
  }
}

/** What the texts of a request can take; taken at once, so that setting one never fails for it. */
const REQUEST_BYTES =
  METHOD_LENGTH_MAX + SCHEME_LENGTH_MAX + AUTHORITY_LENGTH_MAX + PATH_LENGTH_MAX;

/** `result` of WASI: it worked, or it did not. */
type Accepted = Result<undefined, undefined>;

/**
 * A request. WASI wants handles on its headers to be dropped before it is; here they may outlive it,
 * as they keep the headers accounted for.
 */
export class OutgoingRequest extends Held {
  readonly #headers: Fields;
  #body: BodySink | null = null;
  #sent = false;
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
    if (this.#body !== null) {
      return err();
    }
    this.#body = new BodySink('request', declaredLength(this.#headers));
    return ok(new OutgoingBody(agent, this.#body));
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

  /** It goes out by `line`, which says what it is for. It and its options are gone. */
  send(
    agent: HostAgent,
    line: RequestLine,
    options: RequestOptions | undefined,
  ): FutureIncomingResponse {
    const head: SendHead = {
      ...line,
      fields: this.#headers.toWire(),
      hasBody: this.#body !== null,
      connectTimeoutMs: milliseconds(options?.connectTimeout),
      firstByteTimeoutMs: milliseconds(options?.firstByteTimeout),
      betweenBytesTimeoutMs: milliseconds(options?.betweenBytesTimeout),
    };
    this.#sent = true;
    this.release(agent);
    options?.release(agent);
    return new FutureIncomingResponse(agent, new SentRequest(agent, head, this.#body));
  }

  /** Who drops it, or is not let send it, writes its body to nobody. */
  override release(agent: HostAgent): void {
    if (!this.#sent) {
      this.#body?.close();
    }
    this.#headers.release(agent);
    super.release(agent);
  }
}

/** Timeouts of a request, in nanoseconds. */
export class RequestOptions extends Held {
  connectTimeout: bigint | undefined;
  firstByteTimeout: bigint | undefined;
  betweenBytesTimeout: bigint | undefined;
}

const NANOSECONDS = 1_000_000n;

/** A duration of WASI's in whole milliseconds, at least one; null: none was said. */
function milliseconds(duration: bigint | undefined): number | null {
  if (duration === undefined) {
    return null;
  }
  const whole = (duration + NANOSECONDS - 1n) / NANOSECONDS;
  return Math.min(TIMER_MS_MAX, Number(whole || 1n));
}
