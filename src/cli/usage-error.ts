/** Sentences for what the command-line library finds wrong with the arguments. */

import type { CommanderError } from 'commander';
import type { RingfenceError } from '../index.ts';
import { usage } from './option.ts';
import { quoted } from './printable.ts';

/** What is called by more words stands before what is called by fewer. */
const COMMANDS = [
  'run',
  'serve',
  'mcp',
  'inspect',
  'bench',
  'bindings',
  'new',
  'build',
  'dev',
  'test',
  'policy check',
  'policy explain',
  'policy schema',
  'policy',
  'audit key',
  'audit verify',
  'audit show',
  'audit export',
  'audit prove',
  'audit check',
  'audit',
];

/** Commands that take one module, and its own arguments behind `--`. */
const RUNS_MODULE: readonly (string | null)[] = ['run', 'serve', 'bench', 'policy explain'];

/** The command that was called; null: none. */
function commandOf(own: readonly string[]): string | null {
  return COMMANDS.find((name) => name.split(' ').every((word, at) => own[at] === word)) ?? null;
}

function tooMany(command: string | null): string {
  switch (command) {
    case 'run':
    case 'serve':
    case 'bench':
    case 'policy explain':
      return `Too many arguments: name one module, and write the module's own arguments behind '--', as in 'ringfence ${command} MODULE -- ARGS'`;
    case 'dev':
      return "Too many arguments: name one directory, and write the agent's own arguments behind '--'";
    case 'inspect':
      return 'Too many arguments: name one module';
    case 'new':
    case 'build':
    case 'test':
      return 'Too many arguments: name one directory';
    case 'bindings':
      return 'Too many arguments: name one folder of WIT';
    case 'policy check':
      return 'Too many arguments: name one policy';
    case 'policy schema':
      return 'Too many arguments: this command takes none';
    default:
      return 'Too many arguments';
  }
}

/** One sentence for what the library found wrong with the arguments. */
export function usageError(error: CommanderError, own: readonly string[]): RingfenceError {
  const command = commandOf(own);
  const takesModule = RUNS_MODULE.includes(command);
  const help = command === null ? "'ringfence --help'" : `'ringfence ${command} --help'`;
  const named = /'(.*?)'/s.exec(error.message)?.[1] ?? '';
  const similar = /\(Did you mean (?:one of )?(.*?)\?\)/s.exec(error.message)?.[1];
  const advice =
    similar === undefined ? `see ${help}` : `did you mean ${quoted(similar)}? See ${help}`;
  switch (error.code) {
    case 'commander.unknownOption': {
      const guests = takesModule && similar === undefined;
      return usage(
        `Unknown option ${quoted(named)}: ${guests ? "the module's own options stand behind '--', and for ringfence's " : ''}${advice}.`,
      );
    }
    case 'commander.unknownCommand':
      return usage(
        named.endsWith('.wasm')
          ? `Unknown command ${quoted(named)}: to run a module write 'ringfence run' before its name.`
          : `Unknown command ${quoted(named)}: ${advice}.`,
      );
    case 'commander.missingArgument':
      return usage(
        named === 'MODULE'
          ? `Missing MODULE: name the .wasm file to ${command === 'mcp' ? 'offer' : (command?.split(' ').at(-1) ?? 'run')}; see ${help}.`
          : `Missing ${named}: see ${help}.`,
      );
    case 'commander.optionMissingArgument':
      return usage(`The option ${named.split(' ')[0]} needs a value; see ${help}.`);
    case 'commander.excessArguments':
      return usage(`${tooMany(command)}; see ${help}.`);
    default:
      return usage(`Cannot understand the arguments (${error.message}): see ${help}.`);
  }
}
