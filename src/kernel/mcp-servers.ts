/** The MCP servers of a kernel: their tools are registered beside the program's own, under the same grants and limits. */

import { RingfenceError } from '../errors.ts';
import { causesOf, ServerFailure } from '../mcp/connect/failure.ts';
import type { ServerLink } from '../mcp/connect/server-link.ts';
import { ownVersion } from '../own-version.ts';
import {
  type McpServerOptions,
  type ReadMcpServer,
  readMcpServer,
  type SecretValues,
} from './mcp-server-options.ts';
import { type RegistersTools, ServerTools } from './mcp-server-tools.ts';
import { ToldSecrets } from './mcp-told-secrets.ts';
import { PacedWork } from './paced-work.ts';

/** Servers of a kernel. */
const SERVERS_MAX = 64;
/** The least between two looks at a server's list, however often it says that it has changed. */
const LIST_EVERY_MS = 5_000;

/** The tools of a server, on offer. */
export interface McpServerOffer extends AsyncDisposable {
  readonly name: string;
  /** The names under which agents may call its tools: as many as it lists at the moment. */
  readonly tools: readonly string[];
  /** Whether the server is connected now; one that has ended is started again when it is called. */
  readonly isUp: boolean;
  /** Offers them no longer, and ends the server. */
  close(): Promise<void>;
}

/** What the servers are kept with. */
export interface McpServersOptions {
  readonly tools: RegistersTools;
  readonly secrets: SecretValues;
  readonly closing: AbortSignal;
  warn(text: string): void;
  /** So many tools of a server are offered, at first or since its list has changed, or none any more. Must not throw. */
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
    const server = readMcpServer(options, this.#options.secrets);
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
    const { closing, offered } = this.#options;
    const told = new ToldSecrets(server.secrets);
    const warn = (text: string): void =>
      this.#options.warn(`the MCP server '${name}': ${told.without(text)}`);
    // Only who offers one needs the SDK.
    const { ServerLink } = await import('../mcp/connect/server-link.ts');
    const changes = new PacedWork({
      everyMs: LIST_EVERY_MS,
      now: () => performance.now(),
      work: () => this.#takeChange(name, link, tools, warn),
    });
    const changed = (): void => changes.ask();
    const version = await ownVersion();
    const link = new ServerLink({ place, startMs, backoffMs, version, warn, changed });
    const tools = new ServerTools({ server, link, registry: this.#options.tools, told, warn });
    this.#links.add(link);
    const close = async (): Promise<void> => {
      changes.close();
      tools.close();
      this.#links.delete(link);
      await link.close();
    };
    try {
      await tools.take(await link.list(warn), warn);
      if (closing.aborted) {
        throw new ServerFailure('unavailable', 'the kernel was closed');
      }
    } catch (error) {
      await close();
      throw error instanceof ServerFailure ? notOffered(name, error, told) : error;
    }
    offered(name, tools.names.length);
    changes.start();
    return this.#offerOf(name, link, tools, close);
  }

  #offerOf(
    name: string,
    link: ServerLink,
    tools: ServerTools,
    end: () => Promise<void>,
  ): McpServerOffer {
    const close = async (): Promise<void> => {
      if (this.#offers.delete(name)) {
        this.#options.closed(name);
      }
      await end();
    };
    return {
      name,
      get tools() {
        return tools.names;
      },
      get isUp() {
        return link.isUp;
      },
      close,
      [Symbol.asyncDispose]: close,
    };
  }

  /** Looks at the list of a server that has said that it is another, or was started again. */
  async #takeChange(
    name: string,
    link: ServerLink,
    tools: ServerTools,
    warn: (text: string) => void,
  ): Promise<void> {
    // It is not started for that: it may have ended in the meantime.
    if (!link.isUp) {
      return;
    }
    const passed: string[] = [];
    const pass = (why: string): void => void passed.push(why);
    try {
      if (await tools.take(await link.list(pass), pass)) {
        this.#options.offered(name, tools.names.length);
        warn(`its list of tools has changed: it has ${tools.names.length} now`);
      }
    } catch (error) {
      warn(`its changed list of tools can't be taken up: ${causesOf(error)}`);
    }
    // A server can change its list again and again: one line each time.
    if (passed.length > 0) {
      warn(`${passed[0]}${passed.length === 1 ? '' : `; so are ${passed.length - 1} others`}`);
    }
  }
}

function notOffered(name: string, error: ServerFailure, told: ToldSecrets): RingfenceError {
  return new RingfenceError(
    'RF_UNAVAILABLE',
    `Cannot offer the tools of the MCP server '${name}': ${told.without(causesOf(error))}; look at its command or address.`,
    { name },
    // What a server has answered may be in it.
    told.isEmpty ? { cause: error } : {},
  );
}
