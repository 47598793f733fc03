/** A request that came in, as the agent that handles it sees it. */

import type { RequestHead } from '../../../../http/exchange.ts';
import { err, ok, type Result } from '../../abi/binding.ts';
import type { HostAgent } from '../../agent.ts';
import type { Method, Scheme } from '../../generated/wasi-http-types.ts';
import { Held } from '../held.ts';
import { Fields } from './fields.ts';
import { type BodySource, IncomingBody } from './incoming-body.ts';

declare module '../../abi/binding.ts' {
  interface HostResources {
    'wasi:http/types/incoming-request': IncomingRequest;
  }
}

const METHODS = {
  GET: 'get',
  HEAD: 'head',
  POST: 'post',
  PUT: 'put',
  DELETE: 'delete',
  CONNECT: 'connect',
  OPTIONS: 'options',
  TRACE: 'trace',
  PATCH: 'patch',
} as const;

function methodOf(name: string): Method {
  return Object.hasOwn(METHODS, name)
    ? { tag: METHODS[name as keyof typeof METHODS] }
    : { tag: 'other', val: name };
}

/** A request; its body can be consumed once. */
export class IncomingRequest extends Held {
  readonly method: Method;
  readonly scheme: Scheme;
  readonly authority: string | undefined;
  readonly pathWithQuery: string;
  readonly #headers: Fields;
  readonly #source: BodySource;
  #consumed = false;

  constructor(agent: HostAgent, head: RequestHead, source: BodySource) {
    super(agent, head.method.length + (head.authority?.length ?? 0) + head.pathWithQuery.length);
    this.method = methodOf(head.method);
    this.scheme = { tag: head.scheme === 'https' ? 'HTTPS' : 'HTTP' };
    this.authority = head.authority ?? undefined;
    this.pathWithQuery = head.pathWithQuery;
    this.#headers = Fields.received(agent, head.fields);
    this.#source = source;
  }

  headers(agent: HostAgent): Fields {
    return this.#headers.asImmutable(agent);
  }

  consume(agent: HostAgent): Result<IncomingBody, undefined> {
    if (this.#consumed) {
      return err();
    }
    this.#consumed = true;
    // Its client goes on waiting for the response.
    return ok(new IncomingBody(agent, this.#source, () => {}));
  }

  override release(agent: HostAgent): void {
    this.#headers.release(agent);
    super.release(agent);
  }
}
