/** `exec.NAME`: runs a command of the catalogue that the program or a policy has written. */

import { ToolError } from '../outcome.ts';
import type { ToolCall } from '../tool.ts';
import { type ExecCommand, type Place, schemaOfPlace } from './exec-command.ts';
import { type ExecResult, runCommand } from './exec-process.ts';
import type { CatalogueTool, ReachOf } from './reach.ts';

/** Characters of what an agent passes to a standard input. */
const STDIN_CHARACTERS_MAX = 512 * 1024;

/** Line ends and other control characters: in what a program is told, and logs, they are somebody else's line. */
const CONTROL = /[\p{Cc}\u2028\u2029]/u;

function parametersOf(command: ExecCommand): Record<string, unknown> {
  const places = command.arguments.filter((each) => typeof each !== 'string');
  const properties = Object.fromEntries(places.map((place) => [place.name, schemaOfPlace(place)]));
  return {
    type: 'object',
    properties: command.stdin
      ? { ...properties, stdin: { type: 'string', maxLength: STDIN_CHARACTERS_MAX } }
      : properties,
    required: places.filter(({ optional }) => optional !== true).map(({ name }) => name),
    additionalProperties: false,
  };
}

/** What stands in a place: one argument, whatever is in it. */
function valueIn({ name, dash }: Place, value: string | number | boolean): string {
  const argument = String(value);
  if (CONTROL.test(argument) || !argument.isWellFormed()) {
    throw new ToolError(
      'invalid',
      `arguments/${name}: has a line end or another control character`,
    );
  }
  if (dash !== true && argument.startsWith('-')) {
    throw new ToolError('invalid', `arguments/${name}: begins with '-' as options do`);
  }
  return argument;
}

function argumentsOf(
  command: ExecCommand,
  given: Readonly<Record<string, string | number | boolean>>,
): string[] {
  return command.arguments.flatMap((each) => {
    if (typeof each === 'string') {
      return [each];
    }
    const value = Object.hasOwn(given, each.name) ? given[each.name] : undefined;
    return value === undefined ? [] : [valueIn(each, value)];
  });
}

/** A tool that runs a command. */
export function exec(name: string, command: ExecCommand, reachOf: ReachOf): CatalogueTool {
  return {
    description: {
      name: `exec.${name}`,
      description: command.description,
      parameters: parametersOf(command),
      timeoutMs: command.timeoutMs,
      concurrency: command.concurrency,
      queue: command.concurrency * 16,
    },
    handler: (args: unknown, { pid, signal }: ToolCall): Promise<ExecResult> => {
      const given = args as Readonly<Record<string, string | number | boolean>>;
      if (reachOf(pid)?.canChange(command.file) !== false) {
        throw new ToolError('denied', 'the command is in a directory that the agent may change');
      }
      return runCommand({
        file: command.file,
        name: command.command,
        arguments: argumentsOf(command, given),
        cwd: command.cwd,
        environment: command.environment,
        stdin: command.stdin ? String(given.stdin ?? '') : null,
        maxOutputBytes: command.maxOutputBytes,
        signal,
      });
    },
  };
}
