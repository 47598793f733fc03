/** `ringfence audit` among the commands: its own options, read. */

import type { Command } from 'commander';
import { parseCount } from '../index.ts';
import { type AuditProveInvocation, declareProve } from './audit-prove-invocation.ts';
import { AUDIT_DIRECTORY, AUDIT_EXAMPLES, AUDIT_GROUP as GROUP } from './help-text.ts';
import { collect, option, usage } from './option.ts';
import { quoted } from './printable.ts';

/** `ringfence audit key`. */
export interface AuditKeyInvocation {
  readonly command: 'audit key';
  readonly path: string;
  /** Of which chain the public key is to be printed; null: a key is created. */
  readonly chain: string | null;
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

/** One of the commands of `ringfence audit`. */
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
    .description(
      'Create a key that signs a chain, in a file that only you can read, or print its public key.',
    )
    .argument('<FILE>', 'a file that is not there yet; with --public one that is')
    .usage('[options] FILE')
    .addOption(
      option(
        '--public',
        ' CHAIN',
        "print its public key as verifiers of that chain's directory take it",
        GROUP,
      ),
    )
    .action((path: string, options: { readonly public?: string }) =>
      asked({ command: 'audit key', path, chain: options.public ?? null }),
    );
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
  const prove = declareProve(audit, asked);
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
