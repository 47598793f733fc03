/** `ringfence audit prove`: its options, read. */

import type { Command } from 'commander';
import { type EntryKind, parseCount } from '../index.ts';
import { AUDIT_DIRECTORY, AUDIT_GROUP as GROUP } from './help-text.ts';
import { option, usage } from './option.ts';

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

/** Declares the command. */
export function declareProve(
  audit: Command,
  asked: (invocation: AuditProveInvocation) => void,
): Command {
  return audit
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
