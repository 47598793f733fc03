/** `ringfence audit` among the commands: its own options, read. */

import type { Command } from 'commander';
import { type EntryKind, parseCount } from '../index.ts';
import { AUDIT_EXAMPLES } from './help-text.ts';
import { collect, option, usage } from './option.ts';
import { quoted } from './printable.ts';

/** `ringfence audit key`. */
export interface AuditKeyInvocation {
  readonly command: 'audit key';
  readonly path: string;
}

/** `ringfence audit verify`. */
export interface AuditVerifyInvocation {
  readonly command: 'audit verify';
  readonly path: string;
  readonly keys: readonly string[];
  /** Files of anchors. */
  readonly anchors: readonly string[];
  readonly strict: boolean | undefined;
  readonly json: boolean;
}

/** `ringfence audit show`. */
export interface AuditShowInvocation {
  readonly command: 'audit show';
  readonly path: string;
  readonly pid: number | undefined;
  readonly agentId: string | undefined;
  readonly module: string | undefined;
  readonly kinds: readonly string[] | undefined;
  readonly sinceMs: number | undefined;
  readonly untilMs: number | undefined;
  readonly from: number | undefined;
  readonly follow: boolean;
  readonly json: boolean;
}

/** `ringfence audit export`. */
export interface AuditExportInvocation {
  readonly command: 'audit export';
  readonly path: string;
}

/** What is proved: one event, or that the chain has only grown. */
export type Proved =
  | { readonly tag: 'event'; readonly seq: number }
  | {
      readonly tag: 'growth';
      /** How many events were signed, or the file that has the checkpoint. */
      readonly from: number | string;
      readonly to: number | undefined;
    }
  | {
      readonly tag: 'resource';
      readonly kind: EntryKind;
      readonly name: readonly string[];
      /** Over how many events the checkpoint is; left out: the last. */
      readonly at: number | undefined;
    };

/** `ringfence audit prove`. */
export interface AuditProveInvocation {
  readonly command: 'audit prove';
  readonly what: Proved;
  readonly path: string;
}

/** `ringfence audit tree`. */
export interface AuditTreeInvocation {
  readonly command: 'audit tree';
  readonly path: string;
  readonly json: boolean;
}

/** `ringfence audit check`. */
export interface AuditCheckInvocation {
  readonly command: 'audit check';
  readonly path: string;
  readonly keys: readonly string[];
  /** The chain that a receipt is compared with. */
  readonly chain: string | undefined;
}

export type AuditInvocation =
  | AuditKeyInvocation
  | AuditVerifyInvocation
  | AuditShowInvocation
  | AuditExportInvocation
  | AuditProveInvocation
  | AuditTreeInvocation
  | AuditCheckInvocation;

interface VerifyOptions {
  readonly key?: readonly string[];
  readonly anchor?: readonly string[];
  readonly strict?: boolean;
  readonly json?: boolean;
}

interface ProveOptions {
  readonly from?: string;
  readonly to?: number;
  readonly agent?: string;
  readonly under?: string;
  readonly module?: string;
  readonly tool?: string;
  readonly service?: string;
  readonly at?: number;
}

interface CheckOptions {
  readonly key?: readonly string[];
  readonly chain?: string;
}

interface ShowOptions {
  readonly pid?: number;
  readonly agent?: string;
  readonly module?: string;
  readonly kind?: readonly string[];
  readonly since?: number;
  readonly until?: number;
  readonly from?: number;
  readonly follow?: boolean;
  readonly json?: boolean;
}

/** The chain that is looked at where none is named. */
const AUDIT_DIRECTORY = 'audit';

const GROUP = 'Options:';

function readTime(value: string): number {
  const atMs = Date.parse(value);
  if (Number.isNaN(atMs)) {
    throw usage(
      `Cannot use the time ${quoted(value)}: write it as 2026-11-28T12:00:00Z, or a date alone.`,
    );
  }
  return atMs;
}

const keyOption = () =>
  option(
    '--key',
    ' KEY',
    'a public key that is trusted, NAME+ID+BASE64 (repeatable)',
    GROUP,
  ).argParser(collect((key) => key));

const jsonOption = (help: string) => option('--json', '', help, GROUP);

/** Declares the commands. */
export function declareAudit(
  root: Command,
  asked: (invocation: AuditInvocation) => void,
): Command[] {
  const audit = root
    .command('audit')
    .description('Verify, show and export an audit chain; prove what is in it.')
    .usage('COMMAND [options]')
    .addHelpText('after', AUDIT_EXAMPLES);
  const chain = ['[CHAIN]', `its directory, or its export (default: ${AUDIT_DIRECTORY})`] as const;
  const key = audit
    .command('key')
    .description('Create a key that signs a chain, in a file that only you can read.')
    .argument('<FILE>', 'a file that is not there yet')
    .usage('FILE')
    .action((path: string) => asked({ command: 'audit key', path }));
  const verify = audit
    .command('verify')
    .description('Verify a chain, offline, and name the first bad event.')
    .usage('[options] [CHAIN]')
    .argument(...chain)
    .action((path = AUDIT_DIRECTORY, options: VerifyOptions) =>
      asked({
        command: 'audit verify',
        path,
        keys: options.key ?? [],
        anchors: options.anchor ?? [],
        strict: options.strict,
        json: options.json ?? false,
      }),
    );
  verify
    .addOption(keyOption())
    .addOption(
      option(
        '--anchor',
        ' FILE',
        'checkpoints that were kept outside (repeatable)',
        GROUP,
      ).argParser(collect((file) => file)),
    )
    .addOption(option('--strict', '', 'parse every event, also where a key is given', GROUP))
    .addOption(jsonOption('print the verdict as a line of JSON'));
  const show = audit
    .command('show')
    .description('Show the events of a chain. It does not verify them.')
    .usage('[options] [CHAIN]')
    .argument(...chain)
    .action((path = AUDIT_DIRECTORY, options: ShowOptions) =>
      asked({
        command: 'audit show',
        path,
        pid: options.pid,
        agentId: options.agent,
        module: options.module,
        kinds: options.kind,
        sinceMs: options.since,
        untilMs: options.until,
        from: options.from,
        follow: options.follow ?? false,
        json: options.json ?? false,
      }),
    );
  show
    .addOption(option('--pid', ' N', 'of this agent', GROUP).argParser(parseCount))
    .addOption(option('--agent', ' NAME', 'of agents of this name', GROUP))
    .addOption(option('--module', ' SHA256', 'of agents of this module', GROUP))
    .addOption(
      option(
        '--kind',
        ' KIND',
        "of this kind, or of all that begin so: 'agent.' (repeatable)",
        GROUP,
      ).argParser(collect((kind) => kind)),
    )
    .addOption(option('--since', ' TIME', 'not before', GROUP).argParser(readTime))
    .addOption(option('--until', ' TIME', 'not after', GROUP).argParser(readTime))
    .addOption(option('--from', ' EVENT', 'from this number on', GROUP).argParser(parseCount))
    .addOption(option('--follow', '', 'go on with what is written from now on', GROUP))
    .addOption(jsonOption('print each event as a line of JSON'));
  const exported = audit
    .command('export')
    .description('Print a chain as JSON lines (docs/audit-format.md).')
    .usage('[DIRECTORY]')
    .argument('[DIRECTORY]', `where the chain is (default: ${AUDIT_DIRECTORY})`)
    .action((path = AUDIT_DIRECTORY) => asked({ command: 'audit export', path }));
  const prove = audit
    .command('prove')
    .description(
      'Print a proof as JSON: that an event is in a chain, that it has only grown, or that something was in its resource tree.',
    )
    .usage('EVENT | --from CHECKPOINT | --agent|--module|--tool|--service NAME  [DIRECTORY]')
    .argument('[EVENT]', 'its number; left out where an option says what to prove')
    .argument('[DIRECTORY]', `where the chain is (default: ${AUDIT_DIRECTORY})`)
    .addOption(
      option(
        '--from',
        ' CHECKPOINT',
        'prove that the chain goes on from it: a number of events, or a file that has it',
        GROUP,
      ),
    )
    .addOption(
      option(
        '--to',
        ' N',
        'up to the checkpoint over so many events (default: the last)',
        GROUP,
      ).argParser(parseCount),
    )
    .addOption(option('--agent', ' NAME', 'that agents of this name were in the tree', GROUP))
    .addOption(option('--under', ' NAME', 'the one whose descendant the agent is', GROUP))
    .addOption(option('--module', ' SHA256', 'that this module was', GROUP))
    .addOption(option('--tool', ' NAME', 'that this tool was', GROUP))
    .addOption(option('--service', ' NAME', 'that this service was', GROUP))
    .addOption(
      option(
        '--at',
        ' N',
        'in the tree of the checkpoint over so many events (default: the last)',
        GROUP,
      ).argParser(parseCount),
    )
    .action((event: string | undefined, directory: string | undefined, options: ProveOptions) =>
      asked(proveInvocation(event, directory, options)),
    );
  const check = audit
    .command('check')
    .description('Check a receipt or a proof with the public key alone, and print what it says.')
    .usage('--key KEY [--chain CHAIN] FILE')
    .argument('<FILE>', 'a receipt, or what audit prove has printed')
    .addOption(keyOption())
    .addOption(
      option('--chain', ' CHAIN', 'compare a receipt with its chain, which is verified', GROUP),
    )
    .action((path: string, options: CheckOptions) => {
      if (options.key === undefined) {
        throw usage('Cannot check anything without a key: give the public one by --key.');
      }
      asked({ command: 'audit check', path, keys: options.key, chain: options.chain });
    });
  const tree = audit
    .command('tree')
    .description('Show the agents, modules, tools and services of the last checkpoint.')
    .usage('[--json] [DIRECTORY]')
    .argument('[DIRECTORY]', `where the chain is (default: ${AUDIT_DIRECTORY})`)
    .addOption(jsonOption('print each as a line of JSON'))
    .action((path = AUDIT_DIRECTORY, { json = false }: { json?: boolean }) =>
      asked({ command: 'audit tree', path, json }),
    );
  return [key, verify, show, tree, exported, prove, check];
}

/** The tree's entry that is to be proved; null: none. */
function provedResource({ agent, under, module, tool, service, at }: ProveOptions): Proved | null {
  const given = Object.entries({ agent, module, tool, service }).filter(
    (each): each is [EntryKind, string] => each[1] !== undefined,
  );
  const [first, second] = given;
  if (second !== undefined || (first?.[0] !== 'agent' && under !== undefined)) {
    throw usage(
      'Cannot prove several things at once: name one of --agent, --module, --tool, --service; --under goes with --agent.',
    );
  }
  if (first === undefined && at !== undefined) {
    throw usage(
      'Cannot use --at without --agent, --module, --tool or --service: name one of them.',
    );
  }
  if (first === undefined) {
    return null;
  }
  const [kind, name] = first;
  return { tag: 'resource', kind, name: under === undefined ? [name] : [under, name], at };
}

function provedGrowth({ from, to }: ProveOptions): Proved | null {
  if (from === undefined && to !== undefined) {
    throw usage('Cannot use --to without --from: name the older checkpoint, too.');
  }
  return from === undefined
    ? null
    : { tag: 'growth', from: /^\d+$/.test(from) ? parseCount(from) : from, to };
}

/** Where an option says what to prove there is no event, and the first argument is the directory. */
function proveInvocation(
  event: string | undefined,
  directory: string | undefined,
  options: ProveOptions,
): AuditProveInvocation {
  const growth = provedGrowth(options);
  const resource = provedResource(options);
  const what = growth ?? resource;
  if (what === null) {
    if (event === undefined) {
      throw usage('Cannot prove anything as nothing is named: an event, --from, --agent, …');
    }
    const seq = parseCount(event);
    return {
      command: 'audit prove',
      what: { tag: 'event', seq },
      path: directory ?? AUDIT_DIRECTORY,
    };
  }
  if (directory !== undefined || (growth !== null && resource !== null)) {
    throw usage('Cannot prove several things at once: leave all but one of them out.');
  }
  return { command: 'audit prove', what, path: event ?? AUDIT_DIRECTORY };
}
