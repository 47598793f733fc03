/** One connection to a server, from its first word to its last: what it says is checked before anybody has it. */

import {
  Client,
  ProtocolError,
  ProtocolErrorCode,
  SdkError,
  SdkErrorCode,
  type Transport,
} from '@modelcontextprotocol/client';
import * as z from 'zod';
import { NO_ANSWER_CODE, TOO_LARGE_CODE } from './codes.ts';
import { ServerFailure } from './failure.ts';
import { TooLargeError, TooManyOpenError } from './http-transport.ts';
import { type ListedTool, listTools, pageSchema } from './listed-tools.ts';
import { UnreadError } from './process-transport.ts';

/** How a call is made. */
export interface Calling {
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
}

/** What a tool has answered, as agents get it. */
export type ServerAnswer = z.output<typeof answerSchema>;

const text = z.string();

/** Blocks of the protocol, with nothing in them that it does not know. */
const blockSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('text'), text }),
  z.object({ type: z.literal('image'), data: text, mimeType: text }),
  z.object({ type: z.literal('audio'), data: text, mimeType: text }),
  z.object({
    type: z.literal('resource_link'),
    uri: text,
    name: text,
    title: text.optional(),
    description: text.optional(),
    mimeType: text.optional(),
  }),
  z.object({
    type: z.literal('resource'),
    resource: z.object({
      uri: text,
      mimeType: text.optional(),
      text: text.optional(),
      blob: text.optional(),
    }),
  }),
]);

const answerSchema = z.object({
  content: z.array(blockSchema).default([]),
  structuredContent: z.unknown().optional(),
  isError: z.boolean().default(false),
});

const TOO_LARGE = 'its answer is too large: ask for less';
const NOT_AS_IT_SHOULD = 'it did not answer as it should';

/** How long an old server may say nothing to the question of a new one. */
const PROBE_MS_MAX = 5_000;

/** How a connection is made. */
export interface Opening {
  readonly startMs: number;
  readonly version: string;
  /** The server has said that its list of tools is another. */
  changed(): void;
}

/** A connection that was made. */
export class Connection {
  readonly #client: Client;
  readonly #closed = Promise.withResolvers<void>();

  private constructor(client: Client) {
    this.#client = client;
    client.onclose = () => this.#closed.resolve();
  }

  /**
   * Connects.
   *
   * @throws {ServerFailure} where that fails, or takes longer than `startMs`: the transport is closed then
   */
  static async open(
    transport: Transport,
    { startMs, version, changed }: Opening,
  ): Promise<Connection> {
    const client = new Client(
      { name: 'ringfence', version },
      {
        // What a server may ask of its client is nothing.
        capabilities: {},
        inputRequired: { autoFulfill: false },
        // In the newest revision a server tells who has asked for it, which this does.
        listChanged: { tools: { autoRefresh: false, debounceMs: 0, onChanged: changed } },
        versionNegotiation: {
          mode: 'auto',
          probe: { timeoutMs: Math.min(PROBE_MS_MAX, Math.ceil(startMs / 2)) },
        },
      },
    );
    const connection = new Connection(client);
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(
      () => late.reject(new ServerFailure('timeout', `it was not ready within ${startMs} ms`)),
      startMs,
    );
    try {
      await Promise.race([client.connect(transport, { timeout: startMs }), late.promise]);
      return connection;
    } catch (error) {
      await transport.close().catch(() => {});
      throw failureOf(error);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Resolves when the server is gone, or it was closed. */
  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  /** @throws {ServerFailure} */
  async list(timeoutMs: number, passed: (why: string) => void): Promise<ListedTool[]> {
    try {
      return await listTools(
        (cursor) =>
          this.#client.request(
            { method: 'tools/list', params: cursor === undefined ? {} : { cursor } },
            pageSchema,
            { timeout: timeoutMs },
          ),
        passed,
      );
    } catch (error) {
      throw failureOf(error);
    }
  }

  /** @throws {ServerFailure}, and the signal's reason once that is aborted */
  async call(name: string, args: object, { signal, timeoutMs }: Calling): Promise<ServerAnswer> {
    try {
      return await this.#client.request(
        { method: 'tools/call', params: { name, arguments: args } },
        answerSchema,
        { signal, timeout: timeoutMs },
      );
    } catch (error) {
      signal.throwIfAborted();
      throw failureOf(error);
    }
  }

  async close(): Promise<void> {
    await this.#client.close();
  }
}

/** What went wrong, in words that a caller may read. */
function failureOf(error: unknown): ServerFailure {
  if (error instanceof ServerFailure) {
    return error;
  }
  if (error instanceof ProtocolError) {
    return protocolFailureOf(error);
  }
  for (let each = error; each instanceof Error; each = each.cause) {
    if (each instanceof TooLargeError) {
      return new ServerFailure('limit-exceeded', TOO_LARGE, error);
    }
    if (each instanceof TooManyOpenError) {
      return new ServerFailure('limit-exceeded', `${each.message}: call again later`, error);
    }
    if (each instanceof UnreadError) {
      return new ServerFailure('limit-exceeded', 'it is too slow to be asked more', error);
    }
  }
  if (error instanceof SdkError && error.code === SdkErrorCode.RequestTimeout) {
    return new ServerFailure('timeout', 'it did not answer in time', error);
  }
  if (error instanceof SdkError && error.code === SdkErrorCode.ConnectionClosed) {
    return new ServerFailure('unavailable', 'it has ended: call again', error);
  }
  return new ServerFailure('unavailable', NOT_AS_IT_SHOULD, error);
}

/** A server's own words stay with the operator. */
function protocolFailureOf(error: ProtocolError): ServerFailure {
  switch (error.code) {
    case TOO_LARGE_CODE:
      return new ServerFailure('limit-exceeded', TOO_LARGE, error);
    case NO_ANSWER_CODE:
      return new ServerFailure('unavailable', NOT_AS_IT_SHOULD, error);
    case ProtocolErrorCode.InvalidParams:
      return new ServerFailure('invalid', 'it does not take these arguments', error);
    case ProtocolErrorCode.MethodNotFound:
      return new ServerFailure('not-found', 'it has no such tool any more', error);
    default:
      return new ServerFailure('unavailable', 'it answered with an error', error);
  }
}
