/** One call of the command line, read from its arguments: which command, with which options. */

import { Command, CommanderError, Option } from 'commander';
import { type GrantsInput, type LimitsInput, RingfenceError } from '../index.ts';
import { spellOutOptionalValues, splitArguments } from './arguments.ts';
import { parseEnvironmentOption } from './environment-option.ts';
import { type GrantOptions, PRESETS, type Preset, parseGrantOptions } from './grants.ts';
import { EXIT_STATUS_HELP, RUN_EXAMPLES, RUN_GROUPS } from './help-text.ts';
import { LIMIT_OPTIONS, readLimit } from './limits.ts';
import { quoted } from './printable.ts';

/** `ringfence run`. */
export interface RunInvocation {
  readonly command: 'run';
  readonly modulePath: string;
  /** The guest's own arguments, without the module's name. */
  readonly guestArguments: readonly string[];
  readonly grants: GrantsInput;
  readonly limits: LimitsInput;
  readonly environment: Readonly<Record<string, string>>;
  /** A file, `-` for standard output, or null. */
  readonly report: string | null;
  readonly json: boolean;
  readonly warnings: readonly string[];
}

/** `ringfence inspect`. */
export interface InspectInvocation {
  readonly command: 'inspect';
  readonly modulePath: string;
  readonly json: boolean;
}

/** A text that was asked for, or that stands for a call without a command. */
export interface PrintInvocation {
  readonly command: 'print';
  readonly text: string;
  readonly isError: boolean;
}

export type Invocation = RunInvocation | InspectInvocation | PrintInvocation;

/** What reading the arguments needs to know of its surroundings. */
export interface InvocationContext {
  readonly version: string;
  readonly variables: Readonly<Record<string, string | undefined>>;
}

interface RunOptions extends GrantOptions {
  readonly env?: ReadonlyMap<string, string>;
  readonly report?: string;
  readonly json?: boolean;
  readonly [limit: string]: unknown;
}

function usage(message: string, fields: Record<string, string> = {}): RingfenceError {
  return new RingfenceError('RF_USAGE', message, fields);
}

/** An option whose help shows it as it is written, such as `--allow-net[=HOST[:PORT],…]`. */
function option(flag: string, shown: string, help: string, group: string): Option {
  const made = new Option(shown === '' ? flag : `${flag} <value>`, help);
  made.helpGroup(group);
  SHOWN.set(made, flag + shown);
  return made;
}

const SHOWN = new WeakMap<Option, string>();

const append = (value: string, previous: readonly string[] | undefined): string[] => [
  ...(previous ?? []),
  value,
];

function notYet(flag: string, instead: string): (value: string) => never {
  return () => {
    throw usage(`Cannot use ${flag}: this build does not offer it yet; ${instead}.`, {
      option: flag,
    });
  };
}

function readPreset(value: string): Preset {
  const preset = PRESETS.find((name) => name === value);
  if (preset === undefined) {
    throw usage(`Cannot use --preset ${quoted(value)}: write one of ${PRESETS.join(', ')}.`);
  }
  return preset;
}

function readIsolation(value: string): string {
  if (value === 'thread' || value === 'process') {
    return notYet(`--isolation ${value}`, "leave it out, or write 'shared'")(value);
  }
  if (value !== 'shared') {
    throw usage(
      `Cannot use --isolation ${quoted(value)}: write 'shared'; 'thread' and 'process' are not offered yet.`,
    );
  }
  return value;
}

function readReport(value: string): string {
  if (value === '') {
    throw usage("Cannot use --report with an empty name: name a file, or '-' for standard output.");
  }
  return value;
}

function grantOptions(): Option[] {
  const group = RUN_GROUPS.grants;
  return [
    option(
      '--allow-ipc',
      '[=SCOPE,…]',
      "messages to and from other agents: all, parent, pids, or topics as 'topic:NAME'",
      group,
    ).argParser(append),
    option('--allow-net', '[=HOST[:PORT],…]', 'the network', group).argParser(append),
    option('--allow-tools', '[=NAME,…]', 'tools of the host', group).argParser(append),
    option('--allow-spawn', '[=N]', 'agents of its own, so many at a time', group),
    option('--dir', ' HOST::GUEST[:ro]', 'a directory (not offered yet)', group).argParser(
      notYet('--dir', 'give the module its input by standard input'),
    ),
    option('--preset', ' NAME', `a set of grants: ${PRESETS.join(', ')}`, group).argParser(
      readPreset,
    ),
    option('--policy', ' FILE', 'grants and limits from a file (not offered yet)', group).argParser(
      notYet('--policy', 'write the grants and limits as options'),
    ),
  ];
}

function runOptions(context: InvocationContext): Option[] {
  const limits = LIMIT_OPTIONS.map((limit) =>
    option(limit.flag, ` ${limit.placeholder}`, limit.help, RUN_GROUPS.limits).argParser(
      (value: string) => readLimit(limit, value),
    ),
  );
  const group = RUN_GROUPS.run;
  return [
    ...grantOptions(),
    option(
      '--env',
      ' K=V',
      'an environment variable; K alone takes its value from yours (repeatable)',
      RUN_GROUPS.grants,
    ).argParser((value: string, previous: ReadonlyMap<string, string> | undefined) =>
      parseEnvironmentOption(value, previous, context.variables),
    ),
    ...limits,
    option(
      '--isolation',
      ' LEVEL',
      "'shared'; thread and process are not offered yet",
      group,
    ).argParser(readIsolation),
    option(
      '--report',
      ' FILE',
      "write the report as JSON; '-' for standard output",
      group,
    ).argParser(readReport),
    option(
      '--json',
      '',
      "print nothing but the report, as a line of JSON; the module's output goes to stderr",
      group,
    ),
  ];
}

function limitsOf(options: RunOptions): LimitsInput {
  const given: Record<string, number> = {};
  for (const { flag, limit } of LIMIT_OPTIONS) {
    const value = options[attributeName(flag)];
    if (typeof value === 'number') {
      given[limit] = value;
    }
  }
  return given;
}

/** The name under which the library keeps an option's value. */
function attributeName(flag: string): string {
  return new Option(flag).attributeName();
}

function runInvocation(
  modulePath: string,
  options: RunOptions,
  guest: readonly string[],
): RunInvocation {
  const { grants, warnings } = parseGrantOptions(options);
  const environment: Record<string, string> = Object.create(null);
  for (const [name, value] of options.env ?? []) {
    environment[name] = value;
  }
  return {
    command: 'run',
    modulePath,
    guestArguments: guest,
    grants,
    limits: limitsOf(options),
    environment,
    report: options.report ?? null,
    json: options.json ?? false,
    warnings,
  };
}

interface Program {
  readonly root: Command;
  readonly commands: readonly Command[];
  /** What was asked for, once the arguments have been parsed. */
  result(): Invocation | null;
  /** What the library printed instead. */
  printed(): string;
}

function createProgram(context: InvocationContext, guest: readonly string[] | null): Program {
  let result: Invocation | null = null;
  let printed = '';
  const root = new Command('ringfence')
    .description('Runs WebAssembly modules that nobody trusts: fenced, metered, reported.')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => {
        printed += text;
      },
      writeErr: (text) => {
        printed += text;
      },
      outputError: () => {},
      getOutHelpWidth: () => 100,
      getErrHelpWidth: () => 100,
    })
    .configureHelp({ optionTerm: (shown) => SHOWN.get(shown) ?? shown.flags })
    .version(`ringfence ${context.version}`, '--version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .usage('COMMAND [options]')
    .addHelpText('after', "\nSee 'ringfence run --help' for the options, and docs/cli.md.");
  const run = root
    .command('run')
    .description('Run a module inside its fence.')
    .usage('[options] MODULE [-- ARGS…]')
    .argument('<MODULE>', 'a WebAssembly component, or a wasip1 command')
    .addHelpText('after', `${RUN_EXAMPLES}\n${EXIT_STATUS_HELP}`)
    .action((modulePath: string, options: RunOptions) => {
      result = runInvocation(modulePath, options, guest ?? []);
    });
  for (const made of runOptions(context)) {
    run.addOption(made);
  }
  const inspect = root
    .command('inspect')
    .description('Show what a module is, what it imports, and which grants it can use.')
    .usage('[options] MODULE')
    .argument('<MODULE>', 'a WebAssembly component, or a wasip1 command')
    .option('--json', 'print it as a line of JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  ringfence inspect agent.wasm\n  ringfence inspect --json agent.wasm',
    )
    .action((modulePath: string, options: { json?: boolean }) => {
      if (guest !== null && guest.length > 0) {
        throw usage(
          `Cannot pass ${quoted(guest[0]!)} to a module that is only inspected: leave out '--' and what follows.`,
        );
      }
      result = { command: 'inspect', modulePath, json: options.json ?? false };
    });
  return { root, commands: [run, inspect], result: () => result, printed: () => printed };
}

/** Options of all commands whose value may stand in the next argument. */
function valuedOptions(program: Program): Set<string> {
  const valued = program.commands.flatMap(({ options }) =>
    options.filter(({ required }) => required),
  );
  return new Set(valued.map(({ long }) => long ?? ''));
}

/** One sentence for what the library found wrong with the arguments. */
function usageError(error: CommanderError, own: readonly string[]): RingfenceError {
  const command = own[0] === 'run' || own[0] === 'inspect' ? own[0] : null;
  const help = command === null ? "'ringfence --help'" : `'ringfence ${command} --help'`;
  const named = /'(.*?)'/s.exec(error.message)?.[1] ?? '';
  const similar = /\(Did you mean (?:one of )?(.*?)\?\)/s.exec(error.message)?.[1];
  const advice =
    similar === undefined ? `see ${help}` : `did you mean ${quoted(similar)}? See ${help}`;
  switch (error.code) {
    case 'commander.unknownOption': {
      const guests = command === 'run' && similar === undefined;
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
      return usage(`Missing MODULE: name the .wasm file to ${command ?? 'run'}; see ${help}.`);
    case 'commander.optionMissingArgument':
      return usage(`The option ${named.split(' ')[0]} needs a value; see ${help}.`);
    case 'commander.excessArguments':
      return usage(
        command === 'run'
          ? "Too many arguments: name one module, and write the module's own arguments behind '--', as in 'ringfence run MODULE -- ARGS'."
          : `Too many arguments: name one module; see ${help}.`,
      );
    default:
      return usage(`Cannot understand the arguments (${error.message}): see ${help}.`);
  }
}

/**
 * Reads the arguments.
 *
 * @throws {RingfenceError} `RF_USAGE`, with one sentence that says what to write instead.
 */
export function readInvocation(argv: readonly string[], context: InvocationContext): Invocation {
  const { own, guest } = splitArguments(argv);
  const program = createProgram(context, guest);
  const spelled = spellOutOptionalValues(own, valuedOptions(program));
  try {
    program.root.parse(spelled, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) {
      throw error;
    }
    if (error.code === 'commander.helpDisplayed' || error.code === 'commander.version') {
      return { command: 'print', text: program.printed(), isError: false };
    }
    // `ringfence help` ends like a call without a command, and only the first was asked for.
    if (error.code === 'commander.help') {
      return { command: 'print', text: program.printed(), isError: own[0] !== 'help' };
    }
    throw usageError(error, own);
  }
  return (
    program.result() ?? { command: 'print', text: program.root.helpInformation(), isError: true }
  );
}
