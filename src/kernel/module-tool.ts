/** A module as a tool of an MCP server: what it is called, and what its arguments are to it. */

import { basename } from 'node:path';
import { RingfenceError } from '../errors.ts';
import { compileSchema, type Validator } from '../json-schema/validator.ts';
import type { OfferedTool } from '../mcp/serve/offered-tool.ts';
import type { McpTool } from './mcp-options.ts';

/** What a call gives to its agent. */
export interface ModuleInput {
  readonly arguments: readonly string[];
  readonly stdin: string;
  /** A request that it is sent, as JSON; null: none. */
  readonly request: string | null;
}

/** A tool whose parts have been read. */
export interface ModuleTool {
  readonly offered: OfferedTool;
  readonly given: McpTool;
  /** Says where arguments do not fit the input schema. */
  readonly check: Validator;
  /** Reads arguments that have passed the check. */
  input(args: unknown): ModuleInput;
}

/** Characters of a name that is made of a file's: what most clients and models take. */
const MADE_NAME_CHARACTERS_MAX = 64;
/** Arguments of one call, and characters of each: what a command line has room for. */
const ARGUMENTS_MAX = 1_000;
const ARGUMENT_CHARACTERS_MAX = 32_768;

/** What a command takes, where nothing else is said. */
const COMMAND_SCHEMA = {
  type: 'object',
  properties: {
    arguments: {
      type: 'array',
      description: 'Command-line arguments, without the name of the program.',
      items: { type: 'string', maxLength: ARGUMENT_CHARACTERS_MAX },
      maxItems: ARGUMENTS_MAX,
    },
    stdin: { type: 'string', description: 'What the program reads from its standard input.' },
  },
  additionalProperties: false,
} as const;

/** What an agent takes, where nothing else is said: any JSON object. */
const AGENT_SCHEMA = { type: 'object' } as const;

/** The name that a module has by its file. */
function nameOf({ module }: McpTool): string {
  const file = module.path === null ? module.digest.slice(0, 12) : basename(module.path, '.wasm');
  const name = file.replace(/[^\w-]+/g, '_').slice(0, MADE_NAME_CHARACTERS_MAX);
  return name === '' ? module.digest.slice(0, 12) : name;
}

/**
 * Reads a tool.
 *
 * @throws {RingfenceError} `RF_USAGE` for an input schema that is none, and for a module that is no tool
 */
function moduleToolOf(given: McpTool): ModuleTool {
  const { module, arguments: fixed = [] } = given;
  const name = given.name ?? nameOf(given);
  if (module.world === 'wasi:http') {
    throw new RingfenceError(
      'RF_USAGE',
      `Cannot offer the module as the tool '${name}' as it handles HTTP requests: serve it (ringfence serve, kernel.serve).`,
      { name },
    );
  }
  const isCommand = module.world === 'wasi:cli';
  const inputSchema = given.inputSchema ?? (isCommand ? COMMAND_SCHEMA : AGENT_SCHEMA);
  const program = module.path === null ? name : basename(module.path);
  const offered = {
    name,
    description: given.description ?? describe(name, isCommand),
    inputSchema,
  };
  return {
    offered,
    given,
    check: checkOf(name, inputSchema),
    input(args) {
      if (!isCommand) {
        return { arguments: [program, ...fixed], stdin: '', request: JSON.stringify(args) };
      }
      if (given.inputSchema !== undefined) {
        const stdin = `${JSON.stringify(args)}\n`;
        return { arguments: [program, ...fixed], stdin, request: null };
      }
      const { arguments: own = [], stdin = '' } = args as {
        arguments?: readonly string[];
        stdin?: string;
      };
      return { arguments: [program, ...fixed, ...own], stdin, request: null };
    },
  };
}

function checkOf(name: string, schema: Readonly<Record<string, unknown>>): Validator {
  try {
    return compileSchema(schema);
  } catch (error) {
    if (!(error instanceof RingfenceError)) {
      throw error;
    }
    const why = error.message.replace(/^Cannot /, 'cannot ');
    throw new RingfenceError('RF_USAGE', `Cannot offer the tool '${name}': ${why}`, { name });
  }
}

const describe = (name: string, isCommand: boolean): string =>
  isCommand
    ? `Runs the WebAssembly program '${name}' inside a fence, and answers what it prints.`
    : `Asks the WebAssembly agent '${name}', which runs inside a fence, and answers its reply.`;

/**
 * Reads the tools of a server.
 *
 * @throws {RingfenceError} `RF_USAGE` for two of the same name
 */
export function moduleToolsOf(given: readonly McpTool[]): ReadonlyMap<string, ModuleTool> {
  const tools = new Map<string, ModuleTool>();
  for (const tool of given.map(moduleToolOf)) {
    const { name } = tool.offered;
    if (tools.has(name)) {
      throw new RingfenceError(
        'RF_USAGE',
        `Cannot offer two tools as '${name}': give one of them another name.`,
        { name },
      );
    }
    tools.set(name, tool);
  }
  return tools;
}
