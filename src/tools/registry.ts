/** The tools that the embedding program offers to agents: registered by name, called with JSON. */

import * as z from 'zod';
import { RingfenceError } from '../errors.ts';

/** Who calls a tool; given by the host, never by the caller's own words. */
export interface ToolCall {
  readonly pid: number;
  readonly agentId: string;
  /** Aborted when the agent ends while its call is under way. */
  readonly signal: AbortSignal;
}

/**
 * Does the work; what it returns or resolves with goes to the agent as JSON. `args` is whatever JSON the
 * agent passed: nobody has checked it against `parameters`. What it throws stays with the host.
 */
export type ToolHandler = (args: unknown, call: ToolCall) => unknown;

const toolSchema = z.strictObject({
  name: z.string().min(1).max(256),
  description: z.string().max(10_000),
  parameters: z.record(z.string(), z.unknown()).optional(),
});

/**
 * What is said of a tool: its name, what it does, and a JSON schema of its arguments. Agents are told it
 * when they list the tools that they may call; no call is checked against the schema.
 */
export type ToolDescription = z.input<typeof toolSchema>;

/** What agents are told of a tool. */
interface ToolListing {
  readonly name: string;
  readonly description: string;
  /** A JSON schema, as JSON. */
  readonly parameters: string;
}

/** Characters of a tool's answer, as JSON. */
const ANSWER_CHARACTERS_MAX = 8 * 1024 * 1024;

type ToolOutcome =
  | { readonly tag: 'ok'; readonly val: string }
  | { readonly tag: 'err'; readonly error: string; readonly message: string };

const failure = (error: string, message: string): ToolOutcome => ({ tag: 'err', error, message });

/** The tools of a kernel, by name. */
export class ToolRegistry {
  readonly #tools = new Map<string, { handler: ToolHandler; listing: ToolListing }>();
  readonly #onFailure: (tool: string, error: unknown) => void;

  /** `onFailure` is told what a handler threw. */
  constructor(onFailure: (tool: string, error: unknown) => void) {
    this.#onFailure = onFailure;
  }

  /** @throws {RingfenceError} `RF_USAGE` for a name that is taken or a description of the wrong shape. */
  register(description: ToolDescription, handler: ToolHandler): void {
    const parsed = toolSchema.safeParse(description);
    if (!parsed.success) {
      const issue = parsed.error.issues[0];
      throw new RingfenceError(
        'RF_USAGE',
        `Cannot register the tool: ${issue?.path.join('.') ?? 'it'}: ${issue?.message ?? 'not understood'}.`,
      );
    }
    if (this.#tools.has(parsed.data.name)) {
      throw new RingfenceError(
        'RF_USAGE',
        `Cannot register the tool '${parsed.data.name}' as the name is taken: choose another.`,
        { name: parsed.data.name },
      );
    }
    const { name, description: text, parameters = {} } = parsed.data;
    const listing = { name, description: text, parameters: JSON.stringify(parameters) };
    this.#tools.set(name, { handler, listing });
  }

  /** What is said of each, in the order of their registration. */
  list(): ToolListing[] {
    return [...this.#tools.values()].map(({ listing }) => listing);
  }

  /** Calls a tool. Whatever its handler throws, the agent learns that it failed and nothing else. */
  async call(name: string, argumentsJson: string, call: ToolCall): Promise<ToolOutcome> {
    const handler = this.#tools.get(name)?.handler;
    if (handler === undefined) {
      return failure('not-found', `no tool has this name: ask the host which tools it offers`);
    }
    let args: unknown;
    try {
      args = JSON.parse(argumentsJson);
    } catch {
      return failure('invalid', 'the arguments are not JSON: pass a JSON object');
    }
    try {
      const answer = JSON.stringify((await handler(args, call)) ?? null);
      return answer.length > ANSWER_CHARACTERS_MAX
        ? failure('limit-exceeded', 'the answer of the tool is too large: ask for less')
        : { tag: 'ok', val: answer };
    } catch (error) {
      // What a handler throws may name host paths or secrets: it is for the operator alone.
      this.#onFailure(name, error);
      return failure('unavailable', 'the tool failed: the host knows why');
    }
  }
}
