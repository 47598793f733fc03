/**
 * HTTP on behalf of an agent, for the tool of the catalogue: by the client that its own requests have, under the
 * grants of the network that it holds while the request is under way.
 */

import { CAPABILITY_NAME, type Grant } from '../capability/grant.ts';
import type { HeldGrant } from '../capability/held.ts';
import type { Connections } from '../network/connections.ts';
import type { NetworkFailure } from '../network/exchange.ts';
import { ECHO } from '../network/failure.ts';
import type { HttpClient, HttpResponse } from '../network/http-client.ts';
import type { NetworkSettings } from '../network/settings.ts';
import type { Pid } from '../process/state.ts';
import { requestRoomOf } from '../resource/quota-accounts.ts';
import type { Process } from '../supervisor/process.ts';
import type { HttpAnswer, HttpAsk } from '../tools/catalogue/reach.ts';
import { ToolError } from '../tools/outcome.ts';

const OPERATION = 'http.fetch';
/** What a response that was cut for a secret in it is counted under, as where the agent sends by itself. */
const ECHO_OPERATION = 'http.secret-echo';

const TIMEOUTS: ReadonlySet<string> = new Set<NetworkFailure['tag']>([
  'DNS-timeout',
  'connection-timeout',
  'connection-read-timeout',
  'HTTP-response-timeout',
]);
const DENIALS: ReadonlySet<string> = new Set<NetworkFailure['tag']>([
  'HTTP-request-denied',
  'destination-IP-prohibited',
]);

function failure({ tag }: NetworkFailure): ToolError {
  const kind = DENIALS.has(tag) ? 'denied' : TIMEOUTS.has(tag) ? 'timeout' : 'unavailable';
  return new ToolError(kind, `the network says ${tag}`);
}

/** A request that is under way. */
interface UnderWay {
  /** The grant that it went out by; null: it has not yet. */
  grantId: number | null;
  readonly stop: AbortController;
}

/** The client of a kernel's program, made when the first agent needs it: its library takes a while to load. */
export class ProgramHttp {
  readonly #settings: NetworkSettings;
  /** Of agents that have not exited. */
  readonly #connections = new Map<Pid, Promise<Connections>>();
  #client: Promise<HttpClient> | null = null;
  readonly #underWay = new Set<UnderWay>();

  constructor(settings: NetworkSettings) {
    this.#settings = settings;
  }

  client(): Promise<HttpClient> {
    this.#client ??= import('../network/http-client.ts').then(
      (module) => new module.HttpClient(this.#settings),
    );
    return this.#client;
  }

  /** A request begins; it is to be told when it is {@link ended}. */
  begun(): UnderWay {
    const one: UnderWay = { grantId: null, stop: new AbortController() };
    this.#underWay.add(one);
    return one;
  }

  ended(one: UnderWay): void {
    this.#underWay.delete(one);
  }

  /** Grants are gone: what went out by one of them is given up. */
  revoked(grants: readonly Pick<Grant, 'id'>[]): void {
    const gone = new Set<number | null>(grants.map(({ id }) => id));
    for (const { grantId, stop } of this.#underWay) {
      if (gone.has(grantId)) {
        stop.abort();
      }
    }
  }

  /** The connections of an agent that has not exited: they are kept from call to call. */
  connections(pid: Pid): Promise<Connections> {
    let made = this.#connections.get(pid);
    if (made === undefined) {
      made = this.client().then((client) => client.connections());
      // Who sends by them is told.
      made.catch(() => {});
      this.#connections.set(pid, made);
    }
    return made;
  }

  /** The agent has exited: so have its connections. */
  exited(pid: Pid): void {
    this.#connections.get(pid)?.then(
      (made) => made.destroy(),
      () => {},
    );
    this.#connections.delete(pid);
  }
}

/** Grants as the client asks for them: those in force at the moment. */
function accessOf(process: Process, grantsOf: () => readonly Grant[]) {
  return {
    grants: (): readonly HeldGrant<'network'>[] =>
      grantsOf().flatMap((grant) =>
        grant.kind === 'network'
          ? [
              {
                id: grant.id,
                kind: 'network' as const,
                index: process.grantIndexes.get(grant.id) ?? 0,
                scope: grant.scope as HeldGrant<'network'>['scope'],
                expiresAtMs: grant.expiresAtMs ?? Number.POSITIVE_INFINITY,
              },
            ]
          : [],
      ),
  };
}

/** Sends a request of an agent's, and reads the response up to a bound. @throws {ToolError} */
export async function fetchFor(
  process: Process,
  grantsOf: () => readonly Grant[],
  http: ProgramHttp,
  ask: HttpAsk,
  signal: AbortSignal,
): Promise<HttpAnswer> {
  const access = accessOf(process, grantsOf);
  const deny = (): void => process.deny(CAPABILITY_NAME.network, OPERATION);
  const failed = (why: NetworkFailure): ToolError => {
    if (why === ECHO) {
      process.deny(CAPABILITY_NAME.network, ECHO_OPERATION);
    }
    return failure(why);
  };
  if (access.grants().length === 0) {
    deny();
    throw new ToolError('denied', 'http.fetch needs can_network: grant network (--allow-net)');
  }
  const { block } = process;
  if (block === null) {
    throw new ToolError('unavailable', 'the agent has ended');
  }
  const connections = http.connections(process.pid);
  const client = await http.client();
  const room = requestRoomOf(block.held);
  // After its end the block may be another agent's.
  const isThere = (): boolean => process.block === block;
  const underWay = http.begun();
  const gone = (): ToolError => {
    deny();
    return new ToolError('denied', 'the grant that the request went out by is gone');
  };
  try {
    const { url, method, fields, body, redirect } = ask;
    process.block?.addNetwork(1, body?.length ?? 0, 0);
    const outcome = await client.send({
      head: {
        method,
        scheme: url.protocol === 'https:' ? 'https' : 'http',
        authority: url.host,
        pathWithQuery: `${url.pathname}${url.search}`,
        fields,
        hasBody: body !== null,
        connectTimeoutMs: null,
        firstByteTimeoutMs: null,
        betweenBytesTimeoutMs: null,
      },
      body,
      redirect,
      access,
      traceparent: process.traceparent,
      connections,
      room: {
        take: () => isThere() && room.take(),
        give: () => {
          if (isThere()) {
            room.give();
          }
        },
      },
      signal: AbortSignal.any([signal, underWay.stop.signal]),
      granted: ({ id }) => {
        underWay.grantId = id;
      },
    });
    if ('failure' in outcome) {
      if (underWay.stop.signal.aborted) {
        throw gone();
      }
      if (outcome.denied) {
        deny();
      }
      throw failed(outcome.failure);
    }
    const isInForce = (): boolean =>
      access.grants().some(({ id }) => id === outcome.response.grant.id);
    return await read(outcome.response, ask.bytesMax, {
      isInForce,
      gone,
      failed,
      came: (bytes) => process.block?.addNetwork(0, 0, bytes),
    });
  } finally {
    http.ended(underWay);
  }
}

/** What reading a response asks and tells. */
interface Reading {
  isInForce(): boolean;
  gone(): ToolError;
  failed(why: NetworkFailure): ToolError;
  /** Bytes have come, whatever becomes of them. */
  came(bytes: number): void;
}

async function read(
  response: HttpResponse,
  bytesMax: number,
  { isInForce, gone, failed, came }: Reading,
): Promise<HttpAnswer> {
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  for (;;) {
    const piece = await response.next();
    if (!isInForce()) {
      response.cancel();
      throw gone();
    }
    if ('failure' in piece) {
      throw failed(piece.failure);
    }
    const { status, fields, url } = response;
    const answer = (truncated: boolean): HttpAnswer => ({
      status,
      url,
      fields,
      body: Buffer.concat(pieces),
      truncated,
    });
    if ('trailers' in piece) {
      return answer(false);
    }
    came(piece.bytes.length);
    const room = bytesMax - bytes;
    pieces.push(piece.bytes.slice(0, room));
    bytes += piece.bytes.length;
    if (bytes > bytesMax) {
      response.cancel();
      return answer(true);
    }
  }
}
