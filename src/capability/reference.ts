/**
 * JSON that was written for the reference kernel, read with its meaning: what is missing is as its
 * defaults have it, and an empty list allows. It is read under `preset: 'standard'` only.
 */

import { realpathSync } from 'node:fs';
import { isAbsolute, resolve } from 'node:path';
import * as z from 'zod';
import { RingfenceError } from '../errors.ts';
import { isWithin } from './algebra.ts';
import type { FilesScope, IpcScope, NameScope } from './grant.ts';
import { anyPublicHost } from './network-rule.ts';
import {
  RECEIVE_ONLY,
  SHELL_TOOLS,
  STANDARD_SPAWN_COUNT,
  STANDARD_SPAWN_DEPTH,
} from './presets.ts';
import { problemsOf } from './problems.ts';
import { MOUNTS_MAX } from './schema.ts';
import { type WantedGrant, wanted } from './wanted.ts';

const NAMES_MAX = 10_000;
const names = z.array(z.string().min(1).max(256)).max(NAMES_MAX);
const paths = z.array(z.string().min(1).max(1024)).max(1_000);

/** `toolPermissions` for `tool_permissions`. */
const camelCase = (name: string): string =>
  name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());

/** `restricted` for `Restricted`, `parent_only` for `parentOnly` and `ParentOnly`. */
const snakeCase = (name: string): string => name.replace(/(?<=.)[A-Z]/g, '_$&').toLowerCase();

/** Makes the names of the fields of a record snake case; one that is there twice is an error. */
function snakeKeys(
  aliases: Readonly<Record<string, string>>,
  value: unknown,
  context: z.RefinementCtx,
): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return value;
  }
  const fields = new Map<string, unknown>();
  for (const [key, field] of Object.entries(value)) {
    const name = Object.hasOwn(aliases, key) ? String(aliases[key]) : key;
    if (fields.has(name)) {
      context.addIssue({ code: 'custom', path: [key], message: `'${name}' is there twice` });
    }
    fields.set(name, field);
  }
  const own: Record<string, unknown> = Object.create(null);
  for (const [name, field] of fields) {
    own[name] = field;
  }
  return own;
}

/** An object whose fields can be written in snake case or camel case, or by another name. */
function record<Shape extends z.ZodRawShape>(
  shape: Shape,
  more: Readonly<Record<string, string>> = {},
) {
  const aliases = {
    ...Object.fromEntries(Object.keys(shape).map((name) => [camelCase(name), name])),
    ...more,
  };
  return z.preprocess(
    (value, context) => snakeKeys(aliases, value, context),
    z.strictObject(shape),
  );
}

const scopeWord = z
  .string()
  .transform(snakeCase)
  .pipe(z.enum(['all', 'parent_only', 'none']));

const ipcScope = z.union(
  [
    scopeWord,
    record(
      { restricted: z.array(z.number().int().nonnegative()).max(NAMES_MAX) },
      { Restricted: 'restricted' },
    ),
    record({ topic: names }, { Topic: 'topic' }),
  ],
  { error: 'write All, ParentOnly, None, or an object with Restricted or Topic' },
);

const capabilities = {
  can_spawn: z.boolean().default(true),
  can_ipc: z.boolean().default(true),
  can_exec_tools: z.boolean().default(true),
  can_network: z.boolean().default(false),
  ipc_scope: ipcScope.default('all'),
  tool_permissions: record(
    {
      allow: names.default([]),
      deny: names.default([]),
      service_access: names.default([]),
    },
    { tools: 'allow', denyTools: 'deny', deny_tools: 'deny' },
  ).prefault({}),
  sandbox: record({
    allow_shell: z.boolean().default(false),
    allow_network: z.boolean().default(false),
    allowed_paths: paths.default([]),
    denied_paths: paths.default([]),
  }).optional(),
};

const referenceSchema = record({ preset: z.literal('standard'), ...capabilities });

/** Limits are no grants; they are told apart so that nobody believes them to be in force. */
const LIMITS = ['resource_limits', 'resourceLimits'];

const FIELDS: ReadonlySet<string> = new Set([
  ...Object.keys(capabilities).flatMap((name) => [name, camelCase(name)]),
  ...LIMITS,
]);

/** Whether grants are written as the reference does: there is a field that only it has. */
export function isReference(input: unknown): input is Record<string, unknown> {
  return (
    typeof input === 'object' && input !== null && Object.keys(input).some((key) => FIELDS.has(key))
  );
}

const orAll = (allowed: readonly string[]): NameScope =>
  allowed.length === 0 ? 'all' : new Set(allowed);

/** Where processes can be named any topic can be, as in the reference. */
function toIpc(scope: z.output<typeof ipcScope>): IpcScope | null {
  if (typeof scope === 'string') {
    return scope === 'none'
      ? null
      : { pids: scope === 'all' ? 'all' : new Set(), parent: true, topics: 'all' };
  }
  return 'restricted' in scope
    ? { pids: new Set(scope.restricted), parent: false, topics: 'all' }
    : { ...RECEIVE_ONLY, topics: new Set(scope.topic) };
}

function usageError(where: string, message: string): RingfenceError {
  return new RingfenceError('RF_USAGE', `Cannot use the grant '${where}': ${message}.`, {
    name: where,
  });
}

/** Where a path leads now; itself where nothing is there. */
function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return resolve(path);
  }
}

/** Directories to read, without those that are denied; a hole in one can't be made. */
function mounts(allowed: readonly string[], denied: readonly string[]): FilesScope[] {
  const relative = [...allowed, ...denied].find((path) => !isAbsolute(path) || path.includes('\0'));
  if (relative !== undefined) {
    throw usageError('sandbox', `'${relative}' is no absolute path`);
  }
  const holes = denied.flatMap((path) => [resolve(path), realPath(path)]);
  const kept = [...new Set(allowed.map((path) => resolve(path)))].filter(
    (path) => !holes.some((hole) => isWithin(hole, path) || isWithin(hole, realPath(path))),
  );
  if (kept.length > MOUNTS_MAX) {
    throw usageError('sandbox.allowed_paths', `${MOUNTS_MAX} directories are the most`);
  }
  for (const path of kept) {
    const hole = holes.find((each) => isWithin(path, each) || isWithin(realPath(path), each));
    if (hole !== undefined) {
      throw usageError(
        'sandbox.denied_paths',
        `'${hole}' is inside of '${path}', which is allowed, and a directory is mounted as a whole: allow the directories beside it one by one`,
      );
    }
  }
  return kept.map((path) => ({
    guest: path,
    source: { kind: 'host', path },
    modes: { write: false, create: false },
    quota: { bytes: 0, files: 0 },
  }));
}

/**
 * Reads JSON that was written for the reference.
 *
 * @throws {RingfenceError} `RF_USAGE` for what it would not read, for `resource_limits`, which are
 * limits and no grants, and for paths that can't be mounted.
 */
export function parseReference(input: Record<string, unknown>): readonly WantedGrant[] {
  const limits = LIMITS.find((name) => Object.hasOwn(input, name));
  if (limits !== undefined) {
    throw usageError(limits, 'limits are no grants: give them as limits');
  }
  if (input.preset !== 'standard') {
    const [field] = Object.keys(input).filter((key) => FIELDS.has(key));
    throw usageError(
      field ?? 'grants',
      "it is the reference's form, which allows what is missing: write preset: 'standard' beside it, or ringfence's own",
    );
  }
  const parsed = referenceSchema.safeParse(input);
  if (!parsed.success) {
    const [problem] = problemsOf(parsed.error);
    throw usageError(
      problem?.path.map(String).join('.') || 'grants',
      problem?.message ?? 'not understood',
    );
  }
  const { data } = parsed;
  const { tool_permissions: permissions, sandbox } = data;
  const ipc = data.can_ipc ? toIpc(data.ipc_scope) : null;
  const shell = sandbox?.allow_shell === true ? [] : SHELL_TOOLS;
  const network = data.can_network && (sandbox === undefined || sandbox.allow_network);
  return wanted(
    {
      ipc: ipc === null ? [] : [ipc],
      network: network ? [{ rules: [anyPublicHost()] }] : [],
      tools: data.can_exec_tools
        ? [{ allow: orAll(permissions.allow), deny: new Set([...permissions.deny, ...shell]) }]
        : [],
      services: [{ names: orAll(permissions.service_access) }],
      spawn: data.can_spawn
        ? [{ count: STANDARD_SPAWN_COUNT, modules: 'all', depth: STANDARD_SPAWN_DEPTH }]
        : [],
      files: sandbox === undefined ? [] : mounts(sandbox.allowed_paths, sandbox.denied_paths),
      clocks: [{ precision: 'coarse' }],
      random: [{ seed: null }],
    },
    { expiresAtMs: null, clocksImplied: true, randomImplied: true, depthImplied: true },
  );
}
