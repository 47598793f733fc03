/** One call of the command line, read from its arguments: which command, with which options. */

import { Command, CommanderError } from 'commander';
import type { Features } from '../index.ts';
import { type SplitArguments, spellOutOptionalValues, splitArguments } from './arguments.ts';
import { type AuditInvocation, declareAudit } from './audit-invocation.ts';
import {
  type AuditChoice,
  type AuditChoiceOptions,
  auditChoiceOptions,
  readAuditChoice,
} from './audit-options.ts';
import { type BenchInvocation, declareBench } from './bench/invocation.ts';
import { type BindingsInvocation, declareBindings } from './bindings-invocation.ts';
import { featuresOption } from './features-option.ts';
import {
  EXIT_STATUS_HELP,
  INSPECT_EXAMPLES,
  POLICY_EXAMPLES,
  RUN_EXAMPLES,
  RUN_GROUPS,
  SERVE_EXAMPLES,
} from './help-text.ts';
import { declareKit, type KitInvocation } from './kit-invocation.ts';
import { declareMcp, type McpInvocation } from './mcp-invocation.ts';
import { option, shownAs, usage } from './option.ts';
import {
  type AskedPermissions,
  type PermissionOptions,
  permissionOptions,
  readPermissions,
} from './permission-options.ts';
import { quoted } from './printable.ts';
import {
  type ProfileChoice,
  type ProfileOptions,
  profileOptions,
  readProfileChoice,
} from './profile-option.ts';
import { declareProject, type ProjectInvocation } from './project-invocation.ts';
import {
  type RecordChoice,
  type RecordingOptions,
  readRecordChoice,
  recordOptions,
} from './record-option.ts';
import { declareReplay, type ReplayInvocation } from './replay-invocation.ts';
import { readServing, type Serving, type ServingOptions, servingOptions } from './serve-options.ts';
import { otelOption } from './telemetry.ts';
import { usageError } from './usage-error.ts';

/** `ringfence run`. */
export interface RunInvocation {
  readonly command: 'run';
  readonly modulePath: string;
  /** The guest's own arguments, without the module's name. */
  readonly guestArguments: readonly string[];
  readonly permissions: AskedPermissions;
  /** A file, `-` for standard output, or null. */
  readonly report: string | null;
  readonly audit: AuditChoice | null;
  readonly record: RecordChoice | null;
  /** Null: no profile is taken. */
  readonly profile: ProfileChoice | null;
  /** Whether each host call is shown. */
  readonly trace: boolean;
  /** Whether telemetry is sent. */
  readonly otel: boolean;
  readonly json: boolean;
}

/** `ringfence serve`. */
export interface ServeInvocation {
  readonly command: 'serve';
  readonly modulePath: string;
  /** The guest's own arguments, without the module's name. */
  readonly guestArguments: readonly string[];
  readonly permissions: AskedPermissions;
  readonly serving: Serving;
  readonly audit: AuditChoice | null;
  /** Whether telemetry is sent. */
  readonly otel: boolean;
  readonly json: boolean;
}

/** `ringfence inspect`. */
export interface InspectInvocation {
  readonly command: 'inspect';
  readonly modulePath: string;
  readonly features: Features | undefined;
  readonly json: boolean;
}

/** `ringfence policy check`. */
export interface PolicyCheckInvocation {
  readonly command: 'policy check';
  readonly policyPath: string;
  readonly json: boolean;
}

/** `ringfence policy explain`. */
export interface PolicyExplainInvocation {
  readonly command: 'policy explain';
  readonly modulePath: string;
  readonly permissions: AskedPermissions;
  readonly json: boolean;
}

/** `ringfence policy schema`. */
export interface PolicySchemaInvocation {
  readonly command: 'policy schema';
}

/** A text that was asked for, or that stands for a call without a command. */
export interface PrintInvocation {
  readonly command: 'print';
  readonly text: string;
  readonly isError: boolean;
}

/** What the arguments ask for. */
export type Invocation =
  | RunInvocation
  | ServeInvocation
  | InspectInvocation
  | BenchInvocation
  | AuditInvocation
  | BindingsInvocation
  | McpInvocation
  | ReplayInvocation
  | KitInvocation
  | ProjectInvocation
  | PolicyCheckInvocation
  | PolicyExplainInvocation
  | PolicySchemaInvocation
  | PrintInvocation;

/** What reading the arguments needs to know of its surroundings. */
export interface InvocationContext {
  readonly version: string;
  readonly variables: Readonly<Record<string, string | undefined>>;
}

/** The policy that `policy check` looks at where none is named. */
const POLICY_FILE = 'ringfence.toml';

interface RunOptions
  extends PermissionOptions,
    AuditChoiceOptions,
    ProfileOptions,
    RecordingOptions {
  readonly report?: string;
  readonly trace?: boolean;
  readonly otel?: boolean;
  readonly json?: boolean;
}

interface ServeOptions
  extends Omit<PermissionOptions, keyof ServingOptions>,
    ServingOptions,
    AuditChoiceOptions {
  readonly otel?: boolean;
  readonly json?: boolean;
}

interface InspectOptions {
  readonly wasmFeatures?: Features;
  readonly json?: boolean;
}

function readReport(value: string): string {
  if (value === '') {
    throw usage("Cannot use --report with an empty name: name a file, or '-' for standard output.");
  }
  return value;
}

const MODULE_ARGUMENT = ['<MODULE>', 'a WebAssembly component, or a wasip1 command'] as const;

interface Program {
  readonly root: Command;
  /** Those that can be called, with their options. */
  readonly commands: readonly Command[];
  /** What was asked for, once the arguments have been parsed. */
  result(): Invocation | null;
  /** What the library printed instead. */
  printed(): string;
}

/** What the commands need to be declared. */
interface Declaring {
  readonly context: InvocationContext;
  /** The arguments before `--`, as they were written. */
  readonly own: readonly string[];
  /** The arguments behind `--`; null where there was none. */
  readonly guest: readonly string[] | null;
  /** Keeps what was asked for. */
  readonly asked: (invocation: Invocation) => void;
}

function refuseGuestArguments({ guest }: Declaring): void {
  if (guest !== null && guest.length > 0) {
    throw usage(
      `Cannot pass ${quoted(guest[0]!)} to a module that is not run: leave out '--' and what follows.`,
    );
  }
}

function declareRun(root: Command, { context, guest, asked }: Declaring): Command {
  const group = RUN_GROUPS.run;
  const run = root
    .command('run')
    .description('Run a module inside its fence.')
    .usage('[options] MODULE [-- ARGS…]')
    .argument(...MODULE_ARGUMENT)
    .addHelpText('after', `${RUN_EXAMPLES}\n${EXIT_STATUS_HELP}`)
    .action((modulePath: string, options: RunOptions) => {
      asked({
        command: 'run',
        modulePath,
        guestArguments: guest ?? [],
        permissions: readPermissions(options),
        report: options.report ?? null,
        audit: readAuditChoice(options, context.variables),
        profile: readProfileChoice(options),
        trace: options.trace ?? false,
        otel: options.otel ?? false,
        record: readRecordChoice(options),
        json: options.json ?? false,
      });
    });
  const report = option(
    '--report',
    ' FILE',
    "write the report as JSON; '-' for standard output",
    group,
  ).argParser(readReport);
  const json = option(
    '--json',
    '',
    "print nothing but the report, as a line of JSON; the module's output goes to stderr",
    group,
  );
  for (const made of [
    ...permissionOptions(context.variables),
    report,
    ...auditChoiceOptions('write a signed receipt of the run'),
    ...profileOptions(group),
    option(
      '--trace',
      '',
      'print each host call on stderr, in short: what the module reads stands there',
      group,
    ),
    otelOption(group),
    ...recordOptions(),
    json,
  ]) {
    run.addOption(made);
  }
  return run;
}

function declareServe(root: Command, { context, guest, asked }: Declaring): Command {
  const serve = root
    .command('serve')
    .description('Serve HTTP by a module, each request inside its fence.')
    .usage('[options] MODULE [-- ARGS…]')
    .argument('<MODULE>', 'a WebAssembly component that exports wasi:http/incoming-handler')
    .addHelpText('after', SERVE_EXAMPLES)
    .action((modulePath: string, options: ServeOptions) => {
      asked({
        command: 'serve',
        modulePath,
        guestArguments: guest ?? [],
        permissions: readPermissions(options),
        serving: readServing(options),
        audit: readAuditChoice(options, context.variables),
        otel: options.otel ?? false,
        json: options.json ?? false,
      });
    });
  const json = option(
    '--json',
    '',
    "print a line of JSON for each request; the module's output goes to stderr",
    RUN_GROUPS.serve,
  );
  for (const made of [
    ...servingOptions(),
    ...permissionOptions(context.variables),
    ...auditChoiceOptions('append a signed receipt of each instance that ends'),
    otelOption(RUN_GROUPS.serve),
    json,
  ]) {
    serve.addOption(made);
  }
  return serve;
}

function declareInspect(root: Command, declaring: Declaring): Command {
  return root
    .command('inspect')
    .description('Show what a module is, what it imports, and which grants it can use.')
    .usage('[options] MODULE')
    .argument(...MODULE_ARGUMENT)
    .option('--json', 'print it as a line of JSON')
    .addHelpText('after', INSPECT_EXAMPLES)
    .addOption(featuresOption().helpGroup('Options:'))
    .action((modulePath: string, { json = false, wasmFeatures: features }: InspectOptions) => {
      refuseGuestArguments(declaring);
      declaring.asked({ command: 'inspect', modulePath, features, json });
    });
}

function declareServed(root: Command, declaring: Declaring): Command {
  return declareMcp(root, declaring.context.variables, (invocation) => {
    refuseGuestArguments(declaring);
    declaring.asked(invocation);
  });
}

function declarePolicy(root: Command, declaring: Declaring): Command[] {
  const { context, asked } = declaring;
  const policy = root
    .command('policy')
    .description('Check a policy, show what it gives a module, or print its JSON Schema.')
    .usage('COMMAND [options]')
    .addHelpText('after', POLICY_EXAMPLES);
  const check = policy
    .command('check')
    .description('Say all that is wrong with a policy.')
    .usage('[options] [FILE]')
    .argument('[FILE]', `the policy (default: ${POLICY_FILE})`)
    .option('--json', 'print it as a line of JSON')
    .action((file: string | undefined, options: { json?: boolean }) => {
      refuseGuestArguments(declaring);
      asked({
        command: 'policy check',
        policyPath: file ?? POLICY_FILE,
        json: options.json ?? false,
      });
    });
  const explain = policy
    .command('explain')
    .description("Show what a module gets, as 'run' with the same options gives it.")
    .usage('[options] MODULE [-- ARGS…]')
    .argument(...MODULE_ARGUMENT)
    .action((modulePath: string, options: RunOptions) => {
      asked({
        command: 'policy explain',
        modulePath,
        permissions: readPermissions(options),
        json: options.json ?? false,
      });
    });
  for (const made of permissionOptions(context.variables)) {
    explain.addOption(made);
  }
  explain.addOption(option('--json', '', 'print it as a line of JSON', RUN_GROUPS.run));
  const schema = policy
    .command('schema')
    .description('Print the JSON Schema of a policy, for editors.')
    .usage('')
    .action(() => {
      refuseGuestArguments(declaring);
      asked({ command: 'policy schema' });
    });
  return [check, explain, schema];
}

function createProgram(context: InvocationContext, { own, guest }: SplitArguments): Program {
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
    .configureHelp({ optionTerm: shownAs })
    .version(`ringfence ${context.version}`, '--version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .usage('COMMAND [options]')
    .addHelpText('after', "\nSee 'ringfence run --help' for the options, and docs/cli.md.");
  const declaring: Declaring = {
    context,
    own,
    guest,
    asked: (invocation) => {
      result = invocation;
    },
  };
  const commands = [
    declareRun(root, declaring),
    declareServe(root, declaring),
    declareReplay(root, (invocation) => {
      refuseGuestArguments(declaring);
      declaring.asked(invocation);
    }),
    declareInspect(root, declaring),
    declareBench(root, { variables: context.variables, own, guest: guest ?? [] }, declaring.asked),
    declareServed(root, declaring),
    declareBindings(root, (invocation) => {
      refuseGuestArguments(declaring);
      declaring.asked(invocation);
    }),
    ...declarePolicy(root, declaring),
    ...declareKit(root, (invocation) => {
      refuseGuestArguments(declaring);
      declaring.asked(invocation);
    }),
    ...declareProject(root, guest ?? [], declaring.asked),
    ...declareAudit(root, (invocation) => {
      refuseGuestArguments(declaring);
      declaring.asked(invocation);
    }),
  ];
  return { root, commands, result: () => result, printed: () => printed };
}

/** Options of all commands whose value may stand in the next argument. */
function valuedOptions(program: Program): Set<string> {
  const valued = program.commands.flatMap(({ options }) =>
    options.filter(({ required }) => required),
  );
  return new Set(valued.map(({ long }) => long ?? ''));
}

/**
 * Reads the arguments.
 *
 * @throws {RingfenceError} `RF_USAGE`, with one sentence that says what to write instead.
 */
export function readInvocation(argv: readonly string[], context: InvocationContext): Invocation {
  const split = splitArguments(argv);
  const { own } = split;
  const program = createProgram(context, split);
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
      return { command: 'print', text: program.printed(), isError: !own.includes('help') };
    }
    throw usageError(error, own);
  }
  return (
    program.result() ?? { command: 'print', text: program.root.helpInformation(), isError: true }
  );
}
