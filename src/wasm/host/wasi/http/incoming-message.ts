/** What a request that came in and a response that comes in have in common: fields, and one body. */

import type { Field } from '../../../../http/exchange.ts';
import { err, ok, type Result } from '../../abi/binding.ts';
import type { HostAgent } from '../../agent.ts';
import { Held } from '../held.ts';
import { Fields } from './fields.ts';
import { type BodySource, IncomingBody } from './incoming-body.ts';

/** A message; its body can be consumed once. */
export abstract class IncomingMessage extends Held {
  readonly #headers: Fields;
  readonly #source: BodySource;
  #consumed = false;

  constructor(agent: HostAgent, fields: readonly Field[], source: BodySource, keptBytes = 0) {
    super(agent, keptBytes);
    this.#headers = Fields.received(agent, fields);
    this.#source = source;
  }

  /** Nobody wants the body, or what is left of it. */
  protected abstract unwanted(): void;

  headers(agent: HostAgent): Fields {
    return this.#headers.asImmutable(agent);
  }

  consume(agent: HostAgent): Result<IncomingBody, undefined> {
    if (this.#consumed) {
      return err();
    }
    this.#consumed = true;
    return ok(new IncomingBody(agent, this.#source, () => this.unwanted()));
  }

  override release(agent: HostAgent): void {
    if (!this.#consumed) {
      this.unwanted();
    }
    this.#headers.release(agent);
    super.release(agent);
  }
}
