/** `ringfence bench` among the commands: its own options, read. */

import type { Command } from 'commander';
import { parseCount } from '../../index.ts';
import { BENCH_EXAMPLES, RUN_GROUPS } from '../help-text.ts';
import { between } from '../number-option.ts';
import { option, usage } from '../option.ts';
import {
  type AskedPermissions,
  type PermissionOptions,
  permissionOptions,
  readPermissions,
} from '../permission-options.ts';
import { quoted } from '../printable.ts';

/** What can be measured, in the order in which it is. */
export const BENCH_PARTS = ['prepare', 'start', 'fuel', 'plain', 'memory'] as const;
/** One of them. */
export type BenchPart = (typeof BENCH_PARTS)[number];

/** Seconds that are measured, if nothing else is said. */
const SECONDS_DEFAULT = 15;
const SECONDS_MAX = 3_600;
const ROUNDS_MAX = 1_000_000;

/** `ringfence bench`. */
export interface BenchInvocation {
  readonly command: 'bench';
  readonly modulePath: string;
  /** The guest's own arguments, without the module's name. */
  readonly guestArguments: readonly string[];
  readonly permissions: AskedPermissions;
  /** How long is measured in all; preparing the module comes on top. */
  readonly seconds: number;
  /** The most rounds of each measurement; null: as many as its time allows. */
  readonly rounds: number | null;
  readonly parts: ReadonlySet<BenchPart>;
  /** Whether runs are measured that end otherwise than normally. */
  readonly allowFailure: boolean;
  readonly json: boolean;
  /** This very call before `--`, for what is measured in a process of its own. */
  readonly own: readonly string[];
}

interface BenchOptions extends PermissionOptions {
  readonly seconds?: number;
  readonly rounds?: number;
  readonly only?: readonly BenchPart[];
  readonly allowFailure?: boolean;
  readonly json?: boolean;
}

function readParts(value: string): BenchPart[] {
  return value.split(',').map((name) => {
    const part = BENCH_PARTS.find((known) => known === name);
    if (part === undefined) {
      throw usage(
        `Cannot use --only with ${quoted(name)}: write names of ${BENCH_PARTS.join(', ')}.`,
      );
    }
    return part;
  });
}

/** Declares the command. */
export function declareBench(
  root: Command,
  call: {
    readonly variables: Readonly<Record<string, string | undefined>>;
    readonly own: readonly string[];
    readonly guest: readonly string[];
  },
  asked: (invocation: BenchInvocation) => void,
): Command {
  const group = RUN_GROUPS.bench;
  const bench = root
    .command('bench')
    .description(
      'Measure what a module costs: its start, fuel, metering and memory, and how many fit.',
    )
    .usage('[options] MODULE [-- ARGS…]')
    .argument('<MODULE>', 'a WebAssembly component, or a wasip1 command')
    .addHelpText('after', BENCH_EXAMPLES)
    .action((modulePath: string, options: BenchOptions) => {
      asked({
        command: 'bench',
        modulePath,
        guestArguments: call.guest,
        permissions: readPermissions(options),
        seconds: options.seconds ?? SECONDS_DEFAULT,
        rounds: options.rounds ?? null,
        parts: new Set(options.only ?? BENCH_PARTS),
        allowFailure: options.allowFailure ?? false,
        json: options.json ?? false,
        own: call.own,
      });
    });
  const own = [
    option(
      '--seconds',
      ' N',
      `how long is measured in all (default: ${SECONDS_DEFAULT})`,
      group,
    ).argParser(between('--seconds', parseCount, 1, SECONDS_MAX)),
    option(
      '--rounds',
      ' N',
      'the most rounds of each measurement (default: what its time allows)',
      group,
    ).argParser(between('--rounds', parseCount, 1, ROUNDS_MAX)),
    option('--only', ' PART,…', `nothing but these: ${BENCH_PARTS.join(', ')}`, group).argParser(
      readParts,
    ),
    option('--allow-failure', '', 'measure runs too that end otherwise than normally', group),
    option('--json', '', 'print the results as a line of JSON', group),
  ];
  for (const made of [...own, ...permissionOptions(call.variables)]) {
    bench.addOption(made);
  }
  return bench;
}
