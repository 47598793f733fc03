/** A response as a guest builds it, and the one place where it can hand it over. */

import { err, ok, type Result } from '../../abi/binding.ts';
import type { HostAgent } from '../../agent.ts';
import type { ErrorCode } from '../../generated/wasi-http-types.ts';
import { Held } from '../held.ts';
import type { Fields } from './fields.ts';
import { BodySink, declaredLength, OutgoingBody } from './outgoing-body.ts';

declare module '../../abi/binding.ts' {
  interface HostResources {
    'wasi:http/types/outgoing-response': OutgoingResponse;
    'wasi:http/types/response-outparam': ResponseOutparam;
  }
}

/** Statuses of a final response, by RFC 9110, section 15; 1xx are none. */
const STATUS_MIN = 200;
const STATUS_MAX = 599;

/** A response; handles on its headers may outlive it, as they keep the headers accounted for. */
export class OutgoingResponse extends Held {
  readonly #headers: Fields;
  #status = 200;
  #body: BodySink | null = null;
  #sent = false;

  /** Takes the headers over: the handle that they were built with is gone. */
  constructor(agent: HostAgent, headers: Fields) {
    super(agent);
    this.#headers = headers;
  }

  get status(): number {
    return this.#status;
  }

  setStatus(status: number): Result<undefined, undefined> {
    if (status < STATUS_MIN || status > STATUS_MAX) {
      return err();
    }
    this.#status = status;
    return ok();
  }

  headers(agent: HostAgent): Fields {
    return this.#headers.asImmutable(agent);
  }

  /** The body: once. */
  body(agent: HostAgent): Result<OutgoingBody, undefined> {
    if (this.#body !== null) {
      return err();
    }
    this.#body = new BodySink('response', declaredLength(this.#headers));
    return ok(new OutgoingBody(agent, this.#body));
  }

  /** It goes out: its parts are the taker's. */
  send(agent: HostAgent): SentResponse {
    this.#sent = true;
    const sent = { status: this.#status, fields: this.#headers.toWire(), body: this.#body };
    this.release(agent);
    return sent;
  }

  override release(agent: HostAgent): void {
    if (!this.#sent) {
      this.#body?.close();
    }
    this.#headers.release(agent);
    super.release(agent);
  }
}

/** What goes out of a response. */
export interface SentResponse {
  readonly status: number;
  readonly fields: ReturnType<Fields['toWire']>;
  /** Null: it has none. */
  readonly body: BodySink | null;
}

/** Where a guest's response goes. */
export interface ResponseTaker {
  respond(response: SentResponse): void;
  refuse(error: ErrorCode): void;
}

/** Where the response to one request can be set, once. */
export class ResponseOutparam extends Held {
  readonly #taker: ResponseTaker;

  constructor(agent: HostAgent, taker: ResponseTaker) {
    super(agent);
    this.#taker = taker;
  }

  set(agent: HostAgent, response: Result<OutgoingResponse, ErrorCode>): void {
    this.release(agent);
    if (response.tag === 'ok') {
      this.#taker.respond(response.val.send(agent));
    } else {
      this.#taker.refuse(response.val);
    }
  }
}
