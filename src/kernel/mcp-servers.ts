/** The MCP servers of a kernel: their tools are registered beside the program's own, under the same grants and limits. */

import { setImmediate } from 'node:timers/promises';
import { RingfenceError } from '../errors.ts';
import { causesOf, ServerFailure } from '../mcp/connect/failure.ts';
import type { ListedTool } from '../mcp/connect/listed-tools.ts';
import type { ServerLink } from '../mcp/connect/server-link.ts';
import { ownVersion } from '../own-version.ts';
import { ToolError } from '../tools/outcome.ts';
import { TOOL_DEFAULTS, type ToolDescription, type ToolHandler } from '../tools/tool.ts';
import { type McpServerOptions, type ReadMcpServer, readMcpServer } from './mcp-server-options.ts';

/** Servers of a kernel. */
const SERVERS_MAX = 64;

/** The tools of a server, on offer. */
export interface McpServerOffer extends AsyncDisposable {
  readonly name: string;
  /** The names under which agents may call its tools. */
  readonly tools: readonly string[];
  /** Whether the server is connected now; one that has ended is started again when it is called. */
  readonly isUp: boolean;
  /** Offers them no longer, and ends the server. */
  close(): Promise<void>;
}

/** What the servers are kept with. */
export interface McpServersOptions {
  readonly tools: {
    register(description: ToolDescription, handler: ToolHandler): void;
    unregister(name: string): boolean;
  };
  readonly closing: AbortSignal;
  warn(text: string): void;
  /** So many tools of a server are offered, or none any more. Must not throw. */
  offered(server: string, tools: number): void;
  closed(server: string): void;
}

/** All servers of a kernel. */
export class McpServers {
  readonly #options: McpServersOptions;
  readonly #offers = new Map<string, McpServerOffer | null>();
  readonly #links = new Set<ServerLink>();

  constructor(options: McpServersOptions) {
    this.#options = options;
  }

  /** @throws {RingfenceError} see {@link Kernel.offerMcp} */
  async offer(options: McpServerOptions): Promise<McpServerOffer> {
    const server = readMcpServer(options);
    const { name } = server;
    this.#requireRoom(name);
    // The name is taken from now on.
    this.#offers.set(name, null);
    try {
      const offer = await this.#start(server);
      this.#offers.set(name, offer);
      return offer;
    } catch (error) {
      this.#offers.delete(name);
      throw error;
    }
  }

  /** Ends all servers. */
  async close(): Promise<void> {
    const links = [...this.#links];
    this.#links.clear();
    await Promise.all(links.map((link) => link.close()));
  }

  #requireRoom(name: string): void {
    if (this.#options.closing.aborted) {
      throw new RingfenceError('RF_CLOSED', 'Cannot offer an MCP server as the kernel is closed.');
    }
    if (this.#offers.has(name)) {
      throw new RingfenceError(
        'RF_USAGE',
        `Cannot offer the MCP server '${name}' as there is one of this name: choose another.`,
        { name },
      );
    }
    if (this.#offers.size >= SERVERS_MAX) {
      throw new RingfenceError(
        'RF_LIMIT_EXCEEDED',
        `Cannot offer the MCP server '${name}': a kernel has ${SERVERS_MAX} at most.`,
        { name, limit: SERVERS_MAX },
      );
    }
  }

  async #start(server: ReadMcpServer): Promise<McpServerOffer> {
    const { name, place, startMs, backoffMs } = server;
    const warn = (text: string): void => this.#options.warn(`the MCP server '${name}': ${text}`);
    // Only who offers one needs the SDK.
    const { ServerLink } = await import('../mcp/connect/server-link.ts');
    const link = new ServerLink({ place, startMs, backoffMs, version: await ownVersion(), warn });
    this.#links.add(link);
    try {
      const tools = await this.#register(server, link, await link.list(), warn);
      if (this.#options.closing.aborted) {
        throw new ServerFailure('unavailable', 'the kernel was closed');
      }
      this.#options.offered(name, tools.length);
      return this.#offerOf(name, link, tools);
    } catch (error) {
      this.#links.delete(link);
      await link.close();
      throw error instanceof ServerFailure
        ? new RingfenceError(
            'RF_UNAVAILABLE',
            `Cannot offer the tools of the MCP server '${name}': ${causesOf(error)}; look at its command or address.`,
            { name },
            { cause: error },
          )
        : error;
    }
  }

  #offerOf(name: string, link: ServerLink, tools: readonly string[]): McpServerOffer {
    const close = async (): Promise<void> => {
      for (const tool of tools) {
        this.#options.tools.unregister(tool);
      }
      if (this.#offers.delete(name)) {
        this.#options.closed(name);
      }
      this.#links.delete(link);
      await link.close();
    };
    return {
      name,
      tools,
      get isUp() {
        return link.isUp;
      },
      close,
      [Symbol.asyncDispose]: close,
    };
  }

  /** Registers what is offered of what the server has; answers the names. */
  async #register(
    server: ReadMcpServer,
    link: ServerLink,
    listed: readonly ListedTool[],
    warn: (text: string) => void,
  ): Promise<string[]> {
    const names: string[] = [];
    try {
      for (const tool of listed.filter((each) => server.offers(each.name))) {
        const name = `${server.name}.${tool.name}`;
        if (this.#registered(server, link, tool, name, warn)) {
          names.push(name);
        }
        // A schema takes milliseconds to compile: others have their turn.
        await setImmediate();
      }
    } catch (error) {
      for (const name of names) {
        this.#options.tools.unregister(name);
      }
      throw error;
    }
    return names;
  }

  #registered(
    server: ReadMcpServer,
    link: ServerLink,
    tool: ListedTool,
    name: string,
    warn: (text: string) => void,
  ): boolean {
    const limits = server.limitsOf(tool.name);
    const timeoutMs = limits.timeoutMs ?? TOOL_DEFAULTS.timeoutMs;
    const description: ToolDescription = {
      ...limits,
      name,
      description: tool.description,
      parameters: tool.inputSchema,
      // It is the server's: what it says besides is for others.
      strictSchema: false,
    };
    try {
      this.#options.tools.register(description, (args, { signal }) =>
        call(link, tool.name, args, { signal, timeoutMs }),
      );
      return true;
    } catch (error) {
      if (!(error instanceof RingfenceError)) {
        throw error;
      }
      warn(`its tool '${tool.name}' is not offered: ${error.message}`);
      return false;
    }
  }
}

async function call(
  link: ServerLink,
  name: string,
  args: unknown,
  calling: { readonly signal: AbortSignal; readonly timeoutMs: number },
): Promise<unknown> {
  try {
    return await link.call(name, args as object, calling);
  } catch (error) {
    throw error instanceof ServerFailure
      ? new ToolError(error.kind, `the tool's server: ${error.message}`)
      : error;
  }
}
