/** A response that comes in, and the future of one that is on its way. */

import type { FromNetwork } from '../../../../network/exchange.ts';
import { err, ok, type Result } from '../../abi/binding.ts';
import type { HostAgent, Subscribe } from '../../agent.ts';
import type { ErrorCode } from '../../generated/wasi-http-types.ts';
import { Held } from '../held.ts';
import type { Readiness } from '../io/pollable.ts';
import { IncomingMessage } from './incoming-message.ts';
import type { SentRequest } from './sent-request.ts';

declare module '../../abi/binding.ts' {
  interface HostResources {
    'wasi:http/types/incoming-response': IncomingResponse;
    'wasi:http/types/future-incoming-response': FutureIncomingResponse;
  }
}

/** A response; its body can be consumed once. Dropped without, or with its body, nobody wants the rest. */
export class IncomingResponse extends IncomingMessage {
  readonly status: number;
  readonly #sent: SentRequest;

  constructor(agent: HostAgent, sent: SentRequest, head: Extract<FromNetwork, { step: 'head' }>) {
    super(agent, head.fields, sent.source);
    this.status = head.status;
    this.#sent = sent;
  }

  protected override unwanted(): void {
    this.#sent.drop();
  }
}

/** The response to a request that was sent: it comes, or an error does. Dropped before, nobody wants it. */
export class FutureIncomingResponse extends Held implements Readiness {
  readonly #sent: SentRequest;
  #given = false;

  constructor(agent: HostAgent, sent: SentRequest) {
    super(agent);
    this.#sent = sent;
  }

  get ready(): boolean {
    return this.#sent.answer !== null;
  }

  get onReady(): Subscribe {
    return this.#sent.onAnswer;
  }

  /** Undefined: not yet. Once it has answered, it answers no more than that it has. */
  get(agent: HostAgent): Result<Result<IncomingResponse, ErrorCode>, undefined> | undefined {
    const { answer } = this.#sent;
    if (answer === null) {
      return undefined;
    }
    if (this.#given) {
      return err();
    }
    this.#given = true;
    return answer.step === 'failed'
      ? ok(err(answer.failure))
      : ok(ok(new IncomingResponse(agent, this.#sent, answer)));
  }

  override release(agent: HostAgent): void {
    if (!this.#given) {
      this.#sent.drop();
    }
    super.release(agent);
  }
}
