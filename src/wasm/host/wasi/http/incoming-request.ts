/** A request that came in, as the agent that handles it sees it. */

import type { RequestHead } from '../../../../http/exchange.ts';
import type { HostAgent } from '../../agent.ts';
import type { Method, Scheme } from '../../generated/wasi-http-types.ts';
import type { BodySource } from './incoming-body.ts';
import { IncomingMessage } from './incoming-message.ts';

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
export class IncomingRequest extends IncomingMessage {
  readonly method: Method;
  readonly scheme: Scheme;
  readonly authority: string | undefined;
  readonly pathWithQuery: string;

  constructor(agent: HostAgent, head: RequestHead, source: BodySource) {
    const { method, authority, pathWithQuery, fields } = head;
    super(agent, fields, source, method.length + (authority?.length ?? 0) + pathWithQuery.length);
    this.method = methodOf(method);
    this.scheme = { tag: head.scheme === 'https' ? 'HTTPS' : 'HTTP' };
    this.authority = authority ?? undefined;
    this.pathWithQuery = pathWithQuery;
  }

  /** Its client goes on waiting for the response. */
  protected override unwanted(): void {}
}
