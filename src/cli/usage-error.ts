/** Sentences for what the command-line library finds wrong with the arguments. */

import type { CommanderError } from 'commander';
import type { RingfenceError } from '../index.ts';
import { usage } from './option.ts';
import { quoted } from './printable.ts';

const COMMANDS = ['run', 'inspect', 'policy check', 'policy explain', 'policy schema', 'policy'];

/** The command that was called; null: none. */
function commandOf(own: readonly string[]): string | null {
  return COMMANDS.find((name) => name.split(' ').every((word, at) => own[at] === word)) ?? null;
}

function tooMany(command: string | null): string {
  switch (command) {
    case 'run':
    case 'policy explain':
      return "Too many arguments: name one module, and write the module's own arguments behind '--', as in 'ringfence run MODULE -- ARGS'";
    case 'inspect':
      return 'Too many arguments: name one module';
    case 'policy check':
      return 'Too many arguments: name one policy';
    default:
      return 'Too many arguments: this command takes none';
  }
}

/** One sentence for what the library found wrong with the arguments. */
export function usageError(error: CommanderError, own: readonly string[]): RingfenceError {
  const command = commandOf(own);
  const takesModule = command === 'run' || command === 'policy explain';
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
        `Missing MODULE: name the .wasm file to ${command?.split(' ').at(-1) ?? 'run'}; see ${help}.`,
      );
    case 'commander.optionMissingArgument':
      return usage(`The option ${named.split(' ')[0]} needs a value; see ${help}.`);
    case 'commander.excessArguments':
      return usage(`${tooMany(command)}; see ${help}.`);
    default:
      return usage(`Cannot understand the arguments (${error.message}): see ${help}.`);
  }
}
