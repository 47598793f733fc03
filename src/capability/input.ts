/** Reads grants as callers write them, and makes them what the kernel issues. */

import { resolve } from 'node:path';
import { RingfenceError } from '../errors.ts';
import { canonicalJson } from '../json-schema/text.ts';
import { withNarrowed } from './arguments.ts';
import type {
  ArgumentScope,
  FilesScope,
  GrantKind,
  GrantSpec,
  NameScope,
  Scopes,
} from './grant.ts';
import { isEmptyRule } from './network.ts';
import { anyPublicHost, readRule } from './network-rule.ts';
import { PRESETS, RECEIVE_ONLY } from './presets.ts';
import { problemsOf } from './problems.ts';
import { isReference, parseReference } from './reference.ts';
import {
  type GrantsInput,
  GUEST_PATH_DEFAULT,
  grantsSchema,
  normalGuestPath,
  ownFields,
} from './schema.ts';
import { copySpecs } from './specs.ts';
import { type WantedGrant, wanted } from './wanted.ts';

export { type GrantsInput, grantsSchema } from './schema.ts';
export { asked, type WantedGrant } from './wanted.ts';

/** Bytes of a directory in memory for which nothing else is said. */
const MEMORY_MOUNT_BYTES_DEFAULT = 16 * 1024 * 1024;

/** Files and directories of it. */
const MEMORY_MOUNT_FILES_DEFAULT = 10_000;

type Given<Field extends keyof GrantsInput> = NonNullable<GrantsInput[Field]>;

const toNames = (names: 'all' | readonly string[]): NameScope =>
  names === 'all' ? 'all' : new Set(names);

function ipcScope(given: Given<'ipc'>): Scopes['ipc'] | null {
  switch (given) {
    case 'none':
      return null;
    case 'all':
      return { pids: 'all', parent: true, topics: 'all' };
    case 'parent_only':
      return { ...RECEIVE_ONLY, parent: true };
    case 'receive_only':
      return RECEIVE_ONLY;
    default: {
      const { pids = [], parent = false, topics = [] } = given;
      return pids.length === 0 && topics.length === 0 && !parent
        ? null
        : { pids: pids === 'all' ? 'all' : new Set(pids), parent, topics: toNames(topics) };
    }
  }
}

/** Its rules have passed the schema. */
function networkScope(given: Given<'network'>): Scopes['network'] {
  if (given === 'all') {
    return { rules: [anyPublicHost()] };
  }
  const rules = given.flatMap((each) => {
    const read = readRule(each);
    return 'rule' in read && !isEmptyRule(read.rule) ? [read.rule] : [];
  });
  return { rules };
}

/** A tool by its name, or with what its arguments have to be. */
type GivenTool = Exclude<Extract<Given<'tools'>, readonly unknown[]>[number], undefined>;

const nameOf = (tool: GivenTool): string => (typeof tool === 'string' ? tool : tool.name);

function narrowedOf(tools: readonly GivenTool[]): ArgumentScope[] {
  return tools.flatMap((tool) =>
    typeof tool === 'string' ? [] : [{ tool: tool.name, schema: canonicalJson(tool.arguments) }],
  );
}

function toolScope(given: Given<'tools'>): Scopes['tools'] {
  const { allow = [], deny = [] } =
    given === 'all' || Array.isArray(given) ? { allow: given } : given;
  const narrowed = allow === 'all' ? [] : narrowedOf(allow);
  const names = toNames(allow === 'all' ? allow : allow.map(nameOf));
  return withNarrowed({ allow: names, deny: new Set(deny) }, narrowed);
}

function spawnScope(given: Given<'spawn'>): Scopes['spawn'] {
  const {
    count,
    modules = 'all',
    depth = 1,
  } = typeof given === 'number' ? { count: given } : given;
  return { count, modules: toNames(modules), depth };
}

function filesScope(given: Given<'files'>[number]): FilesScope | null {
  const inMemory = 'memory' in given;
  const modes = given.modes ?? (inMemory ? ['read', 'write', 'create'] : ['read']);
  if (modes.length === 0) {
    return null;
  }
  return {
    guest: normalGuestPath(given.guest ?? GUEST_PATH_DEFAULT),
    source: inMemory ? { kind: 'memory' } : { kind: 'host', path: resolve(given.host) },
    modes: { write: modes.includes('write'), create: modes.includes('create') },
    quota: {
      bytes: given.quota?.bytes ?? (inMemory ? MEMORY_MOUNT_BYTES_DEFAULT : 0),
      files: given.quota?.files ?? (inMemory ? MEMORY_MOUNT_FILES_DEFAULT : 0),
    },
  };
}

function clockScope(given: NonNullable<GrantsInput['clocks']>): Scopes['clocks'] | null {
  return given === false ? null : { precision: given === 'exact' ? 'exact' : 'coarse' };
}

function randomScope(given: NonNullable<GrantsInput['random']>): Scopes['random'] | null {
  return given === false ? null : { seed: typeof given === 'object' ? given.seed : null };
}

/** The scopes of a kind: what was written of it; where nothing was, the preset's. `null` was written. */
function scopesOf(given: GrantsInput): { [Kind in GrantKind]: readonly Scopes[Kind][] } {
  const preset = PRESETS[given.preset ?? 'none'];
  const list = <Scope>(scope: Scope | null | undefined): readonly Scope[] =>
    scope == null ? [] : [scope];
  const either = <Written, Scope>(
    written: Written | null | undefined,
    read: (written: Written) => Scope | null,
    otherwise: Scope | undefined,
  ) => list(written === undefined ? otherwise : written === null ? null : read(written));
  return {
    ipc: either(given.ipc, ipcScope, preset.ipc),
    network: either(given.network, networkScope, preset.network),
    tools: either(given.tools, toolScope, preset.tools),
    services: either(given.services, (names) => ({ names: toNames(names) }), preset.services),
    spawn: either(given.spawn, spawnScope, preset.spawn),
    files: (given.files ?? []).flatMap((mount) => list(filesScope(mount))),
    clocks: list(clockScope(given.clocks ?? 'coarse')),
    random: list(randomScope(given.random ?? 'system')),
  };
}

function usageError(error: Parameters<typeof problemsOf>[0]): RingfenceError {
  const [problem] = problemsOf(error);
  const where = problem?.path.map(String).join('.') || 'grants';
  return new RingfenceError(
    'RF_USAGE',
    `Cannot use the grant '${where}': ${problem?.message ?? 'not understood'}.`,
    { name: where },
  );
}

/**
 * Reads grants that a caller wrote, or JSON that was written for the reference, which needs
 * `preset: 'standard'`.
 *
 * Those that nobody asked for, but that everybody has, say so: `implied`.
 *
 * @throws {RingfenceError} `RF_USAGE` for an unknown kind or a scope that can't be understood.
 *
 * @example
 * ```ts
 * parseGrants({ ipc: { pids: [2] }, tools: ['add'] }).map(({ kind }) => kind);
 * // ['ipc', 'tools', 'clocks', 'random']
 * ```
 */
export function parseGrants(input: unknown): readonly WantedGrant[] {
  const written = ownFields(input ?? {});
  if (isReference(written)) {
    return parseReference(written);
  }
  const parsed = grantsSchema.safeParse(written);
  if (!parsed.success) {
    throw usageError(parsed.error);
  }
  const given = parsed.data;
  return wanted(scopesOf(given), {
    expiresAtMs: given.expires === undefined ? null : new Date(given.expires).getTime(),
    clocksImplied: given.clocks === undefined,
    randomImplied: given.random === undefined,
    depthImplied: given.spawn === undefined,
  });
}

/** What everybody has who asks for nothing: the same objects for all, so nobody may change them. */
const UNASKED = parseGrants({});
Object.freeze(UNASKED);
for (const grant of UNASKED) {
  Object.freeze(grant);
  Object.freeze(grant.scope);
}

/** Whether it is a record with nothing in it. */
function isEmptyRecord(input: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(input);
  return (prototype === Object.prototype || prototype === null) && Object.keys(input).length === 0;
}

/**
 * Reads what a caller gives as grants: as {@link parseGrants} does, or a list that it, a policy or an
 * agent's grants are. Answers copies: what the caller does to its own later changes nothing.
 *
 * @throws {RingfenceError} `RF_USAGE`
 */
export function readGrants(
  input: GrantsInput | readonly GrantSpec[] | undefined,
): readonly WantedGrant[] {
  if (
    input === undefined ||
    (typeof input === 'object' && input !== null && isEmptyRecord(input))
  ) {
    return UNASKED;
  }
  return Array.isArray(input) ? copySpecs(input) : parseGrants(input);
}
