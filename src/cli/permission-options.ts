/** The options that say what a module may and how much of it: `run` and `policy explain` have them all. */

import type { Option } from 'commander';
import type { Features, GrantsInput, Isolation, LimitsInput } from '../index.ts';
import { parseConfigOption } from './config-option.ts';
import { parseEnvironmentOption } from './environment-option.ts';
import { featuresOption } from './features-option.ts';
import { type GrantOptions, PRESETS, type Preset, parseGrantOptions } from './grants.ts';
import { RUN_GROUPS } from './help-text.ts';
import { kvOption } from './kv-option.ts';
import { LIMIT_OPTIONS, readLimit } from './limits.ts';
import { readDirectoryOption, readMemoryDirectoryOption } from './mounts.ts';
import { attributeName, collect, option, usage } from './option.ts';
import { quoted } from './printable.ts';
import { parseSecretOption } from './secret-option.ts';

/** What the options ask for. */
export interface AskedPermissions {
  readonly grants: GrantsInput;
  readonly denyTools: readonly string[];
  readonly limits: LimitsInput;
  readonly isolation: Isolation | undefined;
  readonly features: Features | undefined;
  readonly environment: Readonly<Record<string, string>>;
  /** Values of secrets, by their names: for the kernel, and for nobody's eyes. */
  readonly secrets: Readonly<Record<string, string>>;
  readonly config: Readonly<Record<string, string>>;
  /** The file that values are kept in; null: none is named. */
  readonly kvPath: string | null;
  /** The policy's file; null: there is none. */
  readonly policyPath: string | null;
  /** Whether the options may go beyond the policy. */
  readonly widen: boolean;
  readonly warnings: readonly string[];
}

/** The values of the options, as the library keeps them. */
export interface PermissionOptions extends GrantOptions {
  readonly env?: ReadonlyMap<string, string>;
  readonly secret?: ReadonlyMap<string, string>;
  readonly config?: ReadonlyMap<string, string>;
  readonly kv?: string;
  readonly isolation?: Isolation;
  readonly wasmFeatures?: Features;
  readonly policy?: string;
  readonly widen?: boolean;
  readonly [limit: string]: unknown;
}

const ISOLATIONS: readonly Isolation[] = ['shared', 'thread', 'process'];

function readPreset(value: string): Preset {
  const preset = PRESETS.find((name) => name === value);
  if (preset === undefined) {
    throw usage(`Cannot use --preset ${quoted(value)}: write one of ${PRESETS.join(', ')}.`);
  }
  return preset;
}

function readIsolation(value: string): Isolation {
  const isolation = ISOLATIONS.find((name) => name === value);
  if (isolation === undefined) {
    throw usage(`Cannot use --isolation ${quoted(value)}: write one of ${ISOLATIONS.join(', ')}.`);
  }
  return isolation;
}

function readPolicy(value: string): string {
  if (value === '') {
    throw usage('Cannot use --policy with an empty name: name the file.');
  }
  return value;
}

const SEED_LENGTH_MAX = 1024;

function readSeed(value: string): string {
  if (value === '' || value.length > SEED_LENGTH_MAX) {
    throw usage(`Cannot use --seed: write a text of 1 to ${SEED_LENGTH_MAX} characters.`);
  }
  return value;
}

function grantOptions(): Option[] {
  const group = RUN_GROUPS.grants;
  const append = collect((scope) => scope);
  return [
    option(
      '--allow-ipc',
      '[=SCOPE,…]',
      "messages to and from other agents: all, parent, pids, or topics as 'topic:NAME'",
      group,
    ).argParser(append),
    option('--allow-net', '[=HOST[:PORT],…]', 'the network', group).argParser(append),
    option('--allow-tools', '[=NAME,…]', 'tools of the host', group).argParser(append),
    option('--deny-tools', '=NAME,…', 'but not these, whatever allows them', group).argParser(
      append,
    ),
    option('--allow-spawn', '[=N]', 'agents of its own, so many at a time', group),
    option(
      '--dir',
      ' HOST::GUEST[:ro|:rw]',
      'a directory, to read only or (the default) to read, write and create (repeatable)',
      group,
    ).argParser(collect(readDirectoryOption)),
    option(
      '--tmpfs',
      ' GUEST[:SIZE]',
      'an empty directory in memory, of 16MiB if nothing is said (repeatable)',
      group,
    ).argParser(collect(readMemoryDirectoryOption)),
    option('--exact-clocks', '', "clocks as exact as the machine's, not of 1 ms", group),
    option('--seed', ' TEXT', 'random numbers that this text decides', group).argParser(readSeed),
    option('--preset', ' NAME', `a set of grants: ${PRESETS.join(', ')}`, group).argParser(
      readPreset,
    ),
  ];
}

/** All options that say what a module may. */
export function permissionOptions(
  variables: Readonly<Record<string, string | undefined>>,
): Option[] {
  const limits = LIMIT_OPTIONS.map((limit) =>
    option(limit.flag, ` ${limit.placeholder}`, limit.help, RUN_GROUPS.limits).argParser(
      (value: string) => readLimit(limit, value),
    ),
  );
  return [
    ...grantOptions(),
    option(
      '--env',
      ' K=V',
      'an environment variable; K alone takes its value from yours (repeatable)',
      RUN_GROUPS.grants,
    ).argParser((value: string, previous: ReadonlyMap<string, string> | undefined) =>
      parseEnvironmentOption(value, previous, variables),
    ),
    option(
      '--secret',
      ' NAME=env:VAR|file:PATH',
      'the value of a secret that a grant of the network names (repeatable)',
      RUN_GROUPS.grants,
    ).argParser((value: string, previous: ReadonlyMap<string, string> | undefined) =>
      parseSecretOption(value, previous, variables),
    ),
    option(
      '--config',
      ' K=V',
      'a value that it reads as wasi:config (repeatable)',
      RUN_GROUPS.grants,
    ).argParser(parseConfigOption),
    kvOption(),
    ...limits,
    option(
      '--policy',
      ' FILE',
      'grants, limits, isolation and features by module from a file; other options then take less of it',
      RUN_GROUPS.policy,
    ).argParser(readPolicy),
    option('--widen', '', 'let options go beyond the policy', RUN_GROUPS.policy),
    option(
      '--isolation',
      ' LEVEL',
      `how far it is kept apart: ${ISOLATIONS.join(', ')}`,
      RUN_GROUPS.run,
    ).argParser(readIsolation),
    featuresOption(),
  ];
}

function limitsOf(options: PermissionOptions): LimitsInput {
  const given: Record<string, number> = {};
  for (const { flag, limit } of LIMIT_OPTIONS) {
    const value = options[attributeName(flag)];
    if (typeof value === 'number') {
      given[limit] = value;
    }
  }
  return given;
}

/** Without a prototype: a value may have any name. */
function recordOf(values: ReadonlyMap<string, string> = new Map()): Record<string, string> {
  const record: Record<string, string> = Object.create(null);
  for (const [name, value] of values) {
    record[name] = value;
  }
  return record;
}

/**
 * Reads what the options ask for.
 *
 * @throws {RingfenceError} `RF_USAGE`
 */
export function readPermissions(options: PermissionOptions): AskedPermissions {
  const { grants, denyTools, warnings } = parseGrantOptions(options);
  if (options.widen === true && options.policy === undefined) {
    throw usage('Cannot use --widen without --policy: there is nothing to go beyond.');
  }
  return {
    grants,
    denyTools,
    limits: limitsOf(options),
    isolation: options.isolation,
    features: options.wasmFeatures,
    environment: recordOf(options.env),
    config: recordOf(options.config),
    kvPath: options.kv ?? null,
    secrets: Object.fromEntries(options.secret ?? []),
    policyPath: options.policy ?? null,
    widen: options.widen ?? false,
    warnings,
  };
}
