/** The tools of one MCP server, as they are registered: those that it lists, as long as it lists them. */

import { setImmediate } from 'node:timers/promises';
import { RingfenceError } from '../errors.ts';
import { type FailureKind, ServerFailure } from '../mcp/connect/failure.ts';
import type { ListedTool } from '../mcp/connect/listed-tools.ts';
import type { ServerLink } from '../mcp/connect/server-link.ts';
import { ToolError } from '../tools/outcome.ts';
import { TOOL_DEFAULTS, type ToolDescription, type ToolHandler } from '../tools/tool.ts';
import type { ReadMcpServer } from './mcp-server-options.ts';
import type { ToldSecrets } from './mcp-told-secrets.ts';

/** Where tools are registered. */
export interface RegistersTools {
  register(description: ToolDescription, handler: ToolHandler): void;
  unregister(name: string): boolean;
}

/** What the tools of a server are kept with. */
export interface ServerToolsOptions {
  readonly server: ReadMcpServer;
  readonly link: ServerLink;
  readonly registry: RegistersTools;
  readonly told: ToldSecrets;
  warn(text: string): void;
}

/** The tools of one server. */
export class ServerTools {
  readonly #options: ServerToolsOptions;
  /** By the names under which agents call them: what was said of each. */
  readonly #offered = new Map<string, string>();
  #isClosed = false;

  constructor(options: ServerToolsOptions) {
    this.#options = options;
  }

  /** The names under which agents may call them. */
  get names(): string[] {
    return [...this.#offered.keys()];
  }

  /**
   * Takes up what the server lists now: what it lists no longer, or otherwise, is unregistered, and calls of it under
   * way are given up; what is new or was changed is registered as if it had never been there. `passed` is told of
   * those that can't be offered. Answers whether anything has changed.
   */
  async take(listed: readonly ListedTool[], passed: (why: string) => void): Promise<boolean> {
    const { server, registry } = this.#options;
    const wanted = new Map(
      listed
        .filter(({ name }) => server.offers(name))
        .map((tool) => [`${server.name}.${tool.name}`, { tool, said: JSON.stringify(tool) }]),
    );
    let hasChanged = false;
    for (const [name, said] of [...this.#offered]) {
      if (wanted.get(name)?.said !== said) {
        this.#offered.delete(name);
        registry.unregister(name);
        hasChanged = true;
      }
    }
    for (const [name, { tool, said }] of wanted) {
      if (this.#offered.has(name)) {
        continue;
      }
      if (this.#register(name, tool, said, passed)) {
        this.#offered.set(name, said);
        hasChanged = true;
      }
      // A schema takes milliseconds to compile, also one that is refused: others have their turn.
      await setImmediate();
      if (this.#isClosed) {
        this.close();
        return false;
      }
    }
    return hasChanged;
  }

  /** Offers none any more. */
  close(): void {
    this.#isClosed = true;
    for (const name of this.names) {
      this.#options.registry.unregister(name);
    }
    this.#offered.clear();
  }

  #register(name: string, tool: ListedTool, said: string, passed: (why: string) => void): boolean {
    const { server, registry, told } = this.#options;
    if (told.isIn(said)) {
      passed(`its tool '${tool.name}' is not offered: it tells a secret that the server was sent`);
      return false;
    }
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
      registry.register(description, (args, { signal }) =>
        this.#call(tool.name, args as object, { signal, timeoutMs }),
      );
      return true;
    } catch (error) {
      if (!(error instanceof RingfenceError)) {
        throw error;
      }
      passed(`its tool '${tool.name}' is not offered: ${error.message}`);
      return false;
    }
  }

  async #call(
    name: string,
    args: object,
    calling: { readonly signal: AbortSignal; readonly timeoutMs: number },
  ): Promise<unknown> {
    const { link, told, warn } = this.#options;
    try {
      const answer = await link.call(name, args, calling);
      if (!told.isEmpty && told.isIn(JSON.stringify(answer))) {
        warn(`an answer of '${name}' told back a secret, and was given to nobody`);
        throw toolError('unavailable', 'it told back a secret that it was sent');
      }
      return answer;
    } catch (error) {
      throw error instanceof ServerFailure ? toolError(error.kind, error.message) : error;
    }
  }
}

const toolError = (kind: FailureKind, why: string): ToolError =>
  new ToolError(kind, `the tool's server: ${why}`);
