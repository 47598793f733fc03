/** One request that an agent handles, from what the program says of it to what the agent answers. */

import type { FromExchange, RequestHead, ToExchange } from '../../../../http/exchange.ts';
import type { HostAgent } from '../../agent.ts';
import type { ErrorCode } from '../../generated/wasi-http-types.ts';
import { BodySource } from './incoming-body.ts';
import { IncomingRequest } from './incoming-request.ts';
import type { BodySink, BodyTarget } from './outgoing-body.ts';
import { ResponseOutparam, type ResponseTaker, type SentResponse } from './outgoing-response.ts';

/** An exchange, on the agent's side. */
export class ServedExchange implements ResponseTaker, BodyTarget {
  readonly id: number;
  /** Whether the agent ends with it. */
  readonly isLast: boolean;
  readonly #head: RequestHead;
  readonly #post: (say: FromExchange) => void;
  readonly #source: BodySource;
  #response: BodySink | null = null;
  #over = false;

  constructor(
    { id, head, isLast }: Extract<ToExchange, { step: 'request' }>,
    post: (say: FromExchange) => void,
  ) {
    this.id = id;
    this.isLast = isLast;
    this.#head = head;
    this.#post = post;
    this.#source = new BodySource(() => this.#say({ step: 'pull', id }));
    if (!head.hasBody) {
      this.#source.ended({ trailers: [] });
    }
  }

  /** What the agent's handler is given. */
  request(agent: HostAgent): IncomingRequest {
    return new IncomingRequest(agent, this.#head, this.#source);
  }

  outparam(agent: HostAgent): ResponseOutparam {
    return new ResponseOutparam(agent, this);
  }

  #say(say: FromExchange): void {
    if (!this.#over) {
      this.#post(say);
    }
  }

  // ── what the guest answers ──────────────────────────────────────────────────────────────────────

  respond({ status, fields, body }: SentResponse): void {
    if (this.#over) {
      body?.close();
      return;
    }
    this.#say({ step: 'head', id: this.id, status, fields });
    if (body === null) {
      this.end([]);
    } else {
      this.#response = body;
      body.attach(this);
    }
  }

  refuse({ tag }: ErrorCode): void {
    this.#say({ step: 'refused', id: this.id, error: tag });
  }

  bytes(bytes: Uint8Array): void {
    this.#say({ step: 'bytes', id: this.id, bytes });
  }

  end(trailers: Parameters<BodyTarget['end']>[0]): void {
    this.#say({ step: 'end', id: this.id, trailers });
  }

  broken(): void {
    this.#say({ step: 'broken', id: this.id });
  }

  // ── what the program says ───────────────────────────────────────────────────────────────────────

  take(say: Exclude<ToExchange, { step: 'request' | 'last' }>): void {
    switch (say.step) {
      case 'bytes':
        this.#source.arrived(say.bytes);
        return;
      case 'end':
        this.#source.ended({ trailers: say.trailers });
        return;
      case 'broken':
        this.#source.ended({ failed: { tag: 'connection-terminated' } });
        return;
      case 'taken':
        this.#response?.taken(say.bytes);
        return;
      case 'gone':
        this.close();
        return;
    }
  }

  /** The handler has returned: what is not said yet never will be. That it has is told in any case. */
  returned(): void {
    this.#response?.flush();
    this.#post({ step: 'done', id: this.id });
    this.close();
  }

  /** Nothing is said of it any more; what the guest still holds of it leads nowhere. */
  close(): void {
    this.#over = true;
    this.#response?.close();
    this.#source.ended({ failed: { tag: 'connection-terminated' } });
  }
}
