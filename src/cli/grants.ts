/** The options that grant: scopes as they are written on the command line, made into grants. */

import {
  CATALOGUE_NAMES,
  type GrantsInput,
  parseCount,
  RingfenceError,
  whyNoNetworkRule,
} from '../index.ts';
import type { Mount } from './mounts.ts';
import { quoted } from './printable.ts';

/** What an option without a scope stands for: everything of its kind. */
export const EVERYTHING = '*';

/** Children that `--allow-spawn` without a number allows to live at a time. */
const SPAWN_COUNT_DEFAULT = 64;
const SPAWN_COUNT_MAX = 10_000;
const NAME_LENGTH_MAX = 256;

/** The presets, by name. */
export const PRESETS = ['none', 'browser', 'standard'] as const;
/** The name of a preset. */
export type Preset = (typeof PRESETS)[number];

/** The values of the options; a list has an entry for each time the option was given. */
export interface GrantOptions {
  readonly preset?: Preset;
  readonly allowIpc?: readonly string[];
  readonly allowNet?: readonly string[];
  readonly allowTools?: readonly string[];
  readonly denyTools?: readonly string[];
  readonly allowSpawn?: string;
  readonly dir?: readonly Mount[];
  readonly tmpfs?: readonly Mount[];
  readonly exactClocks?: boolean;
  readonly seed?: string;
}

/** What to grant, and what the user should know about it. */
export interface ParsedGrants {
  readonly grants: GrantsInput;
  /** Tools that are denied, whatever allows them. */
  readonly denyTools: readonly string[];
  readonly warnings: readonly string[];
}

function wrongScope(option: string, scope: string, what: string): RingfenceError {
  return new RingfenceError('RF_USAGE', `Cannot use ${option}=${quoted(scope)}: ${what}.`, {
    option,
    scope: scope.slice(0, NAME_LENGTH_MAX),
  });
}

/** The scopes of all uses of an option; an empty value adds none. */
function scopesOf(option: string, values: readonly string[]): string[] {
  const scopes = values.filter((value) => value !== '').flatMap((value) => value.split(','));
  if (scopes.includes('')) {
    throw wrongScope(option, values.join(','), 'a scope between two commas is empty');
  }
  for (const scope of scopes) {
    if (scope.length > NAME_LENGTH_MAX) {
      throw wrongScope(option, scope, `a scope has at most ${NAME_LENGTH_MAX} characters`);
    }
  }
  return [...new Set(scopes)];
}

const IPC_FORMS = "write all, parent, pids such as 3,4, or topics such as 'topic:news'";

function ipcGrant(values: readonly string[]): NonNullable<GrantsInput['ipc']> {
  const option = '--allow-ipc';
  const scopes = scopesOf(option, values).map((scope) => (scope === EVERYTHING ? 'all' : scope));
  const [first] = scopes;
  if (first === undefined) {
    return 'none';
  }
  if (scopes.includes('all') || scopes.includes('parent')) {
    if (scopes.length > 1) {
      throw wrongScope(option, scopes.join(','), "'all' and 'parent' stand alone");
    }
    return first === 'all' ? 'all' : 'parent_only';
  }
  const topics = scopes.filter((scope) => scope.startsWith('topic:'));
  if (topics.length > 0) {
    if (topics.length < scopes.length) {
      throw wrongScope(option, scopes.join(','), 'it names pids or topics, not both at once');
    }
    return {
      topics: topics.map((scope) => {
        const name = scope.slice('topic:'.length);
        if (name === '') {
          throw wrongScope(option, scope, 'the topic has no name');
        }
        return name;
      }),
    };
  }
  return {
    pids: scopes.map((scope) => {
      const pid = /^[1-9]\d{0,14}$/.test(scope) ? Number(scope) : Number.NaN;
      if (Number.isNaN(pid)) {
        throw wrongScope(option, scope, IPC_FORMS);
      }
      return pid;
    }),
  };
}

function networkGrant(values: readonly string[]): NonNullable<GrantsInput['network']> {
  const option = '--allow-net';
  const scopes = scopesOf(option, values);
  if (scopes.includes(EVERYTHING)) {
    return 'all';
  }
  for (const scope of scopes) {
    const why = whyNoNetworkRule(scope);
    if (why !== null) {
      throw wrongScope(option, scope, why);
    }
  }
  return scopes;
}

function toolsGrant(values: readonly string[]): NonNullable<GrantsInput['tools']> {
  const scopes = scopesOf('--allow-tools', values);
  return scopes.includes(EVERYTHING) ? 'all' : scopes;
}

function spawnGrant(value: string): number {
  const option = '--allow-spawn';
  if (value === '' || value === EVERYTHING) {
    return value === '' ? 0 : SPAWN_COUNT_DEFAULT;
  }
  const count = /^\d/.test(value) ? parseCount(value) : Number.NaN;
  if (Number.isNaN(count) || count > SPAWN_COUNT_MAX) {
    throw wrongScope(option, value, `write a number of agents, at most ${SPAWN_COUNT_MAX}`);
  }
  return count;
}

function deniedTools(values: readonly string[]): string[] {
  const option = '--deny-tools';
  const names = scopesOf(option, values);
  if (names.length === 0 || names.includes(EVERYTHING)) {
    throw wrongScope(
      option,
      values.join(','),
      "name the tools; for none at all write '--allow-tools='",
    );
  }
  return names;
}

function filesGrant({ dir, tmpfs }: GrantOptions): Mount[] | undefined {
  return dir === undefined && tmpfs === undefined ? undefined : [...(dir ?? []), ...(tmpfs ?? [])];
}

const familyOf = (name: string): string => name.replace(/\..*$/s, '');

/** A warning of tools that are none of ringfence's own; what a policy offers is not known here. */
function unknownTools(tools: readonly unknown[]): string[] {
  const known: readonly unknown[] = CATALOGUE_NAMES;
  const families = new Set(CATALOGUE_NAMES.map(familyOf));
  const unknown = tools.filter((name) => {
    const family = familyOf(`${name}`);
    // Commands and MCP servers have names of their own.
    const isOfPolicy = family === 'exec' || (family !== name && !families.has(family));
    return !known.includes(name) && !isOfPolicy;
  });
  return unknown.length === 0
    ? []
    : [
        `--allow-tools: no tool is called ${unknown.map((name) => `'${name}'`).join(', ')}, calls answer 'not-found'; those that there are: ${CATALOGUE_NAMES.join(', ')}`,
      ];
}

/**
 * Makes grants of the options.
 *
 * @throws {RingfenceError} `RF_USAGE` for a scope that can't be understood.
 */
export function parseGrantOptions(options: GrantOptions): ParsedGrants {
  const given: GrantsInput = {
    preset: options.preset,
    ipc: options.allowIpc && ipcGrant(options.allowIpc),
    network: options.allowNet && networkGrant(options.allowNet),
    tools: options.allowTools && toolsGrant(options.allowTools),
    spawn: options.allowSpawn === undefined ? undefined : spawnGrant(options.allowSpawn),
    files: filesGrant(options),
    clocks: options.exactClocks === true ? 'exact' : undefined,
    random: options.seed === undefined ? undefined : { seed: options.seed },
  };
  const grants: GrantsInput = Object.fromEntries(
    Object.entries(given).filter(([, value]) => value !== undefined),
  );
  return {
    grants,
    denyTools: options.denyTools === undefined ? [] : deniedTools(options.denyTools),
    warnings: Array.isArray(grants.tools) ? unknownTools(grants.tools) : [],
  };
}
