/** Offers modules as the tools of an MCP server: each call is a fresh agent, within its tool's grants and limits. */

import { RingfenceError } from '../errors.ts';
import type { ToolBox } from '../mcp/serve/offered-tool.ts';
import type { ServerParts } from '../mcp/serve/server.ts';
import { ownVersion } from '../own-version.ts';
import { usageError } from '../usage-error.ts';
import { type McpHttpOptions, type McpOptions, mcpSchema } from './mcp-options.ts';
import type { CallSettings, SpawnsAgents } from './module-call.ts';
import { PacedWarnings } from './paced-warnings.ts';

/** Calls that wait for their turn, and the bytes that are kept of them. */
const WAITING_MAX = 1_024;
const WAITING_BYTES_MAX = 64 * 1024 * 1024;
const CONCURRENCY_DEFAULT = 8;
const OUTPUT_BYTES_DEFAULT = 64 * 1024;

/** An MCP server that runs. */
export interface McpServing extends AsyncDisposable {
  /** Where it answers; null: on streams. */
  readonly url: string | null;
  /** Resolves when its client is gone, or it was closed. */
  readonly closed: Promise<void>;
  /** Ends it, and the agents of calls under way. The kernel stays open. */
  close(): Promise<void>;
}

/**
 * Offers modules as tools to clients of the Model Context Protocol (docs/mcp.md).
 *
 * @throws {RingfenceError} `RF_USAGE`, also for an address where it can't listen
 *
 * @example
 * ```ts
 * const module = await kernel.load('word-count.wasm');
 * await using server = await serveMcp(kernel, {
 *   tools: [{ module, description: 'Counts words.', limits: { fuel: 100_000_000 } }],
 *   http: { port: 8123 },
 * });
 * server.url; // 'http://127.0.0.1:8123/mcp'
 * ```
 */
export async function serveMcp(kernel: SpawnsAgents, options: McpOptions): Promise<McpServing> {
  const parsed = mcpSchema.safeParse(options);
  if (!parsed.success) {
    throw usageError('offer tools over MCP', parsed.error);
  }
  const { http, streams, onWarning } = options;
  const warnings = new PacedWarnings((text) => onWarning?.(text));
  // Only who serves needs the SDK.
  const [{ moduleToolsOf }, { callModule }, { CallTurns }] = await Promise.all([
    import('./module-tool.ts'),
    import('./module-call.ts'),
    import('../mcp/serve/call-turns.ts'),
  ]);
  const tools = moduleToolsOf(options.tools);
  const settings: CallSettings = {
    kernel,
    outputBytes: options.outputBytes ?? OUTPUT_BYTES_DEFAULT,
    warn: (text) => warnings.tell(text),
  };
  const box: ToolBox = {
    tools: [...tools.values()].map(({ offered }) => offered),
    call: (name, args, calling) => callModule(tools.get(name)!, args, calling, settings),
  };
  const parts: ServerParts = {
    box,
    turns: new CallTurns({
      running: options.concurrency ?? CONCURRENCY_DEFAULT,
      waiting: WAITING_MAX,
      waitingBytes: WAITING_BYTES_MAX,
    }),
    version: await ownVersion(),
    failed: (error) => warnings.tell(error instanceof Error ? error.message : String(error)),
  };
  const serving =
    http === undefined ? await onStreams(parts, streams) : await overHttp(parts, http);
  const close = async (): Promise<void> => {
    await serving.close();
    warnings.end();
  };
  return { ...serving, close, [Symbol.asyncDispose]: close };
}

async function onStreams(parts: ServerParts, streams: McpOptions['streams']) {
  const { serveStreams } = await import('../mcp/serve/streams.ts');
  const { input, output } = streams ?? { input: process.stdin, output: process.stdout };
  return { url: null, ...serveStreams(parts, { input, output }) };
}

async function overHttp(parts: ServerParts, options: McpHttpOptions) {
  const { LOOPBACK_HOSTS, serveHttp } = await import('../mcp/serve/http.ts');
  const { host = '127.0.0.1', port = 0, token = null, hosts = [], origins = [] } = options;
  const own = host.includes(':') ? `[${host}]` : host;
  if (token === null && !LOOPBACK_HOSTS.includes(own)) {
    throw new RingfenceError(
      'RF_USAGE',
      `Cannot listen on ${host} without a token as others can reach it: give a token, or listen on 127.0.0.1.`,
      { host },
    );
  }
  const names = [...LOOPBACK_HOSTS, own, ...hosts];
  return await serveHttp(parts, { host, port, token, origins, hosts: names });
}
