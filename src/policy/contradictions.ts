/** What a policy says that can't be meant, though each of its fields could be. */

import type { Isolation } from '../backend/backend.ts';
import { type GrantsInput, grantsSchema } from '../capability/input.ts';
import { FEATURE_NAMES, type FeatureName } from '../wasm/metering/features.ts';

/** Something that is wrong at the key or the value at the end of a path. */
export interface Finding {
  readonly path: readonly PropertyKey[];
  readonly of: 'key' | 'value';
  readonly message: string;
}

type Unread = Readonly<Record<string, unknown>>;

const isTable = (value: unknown): value is Unread =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** What a grants table says that can't be meant; of a field that is wrong already nothing. */
function* inGrants(given: unknown, path: readonly PropertyKey[]): Generator<Finding> {
  if (!isTable(given)) {
    return;
  }
  const tools = grantsSchema.shape.tools.safeParse(given.tools).data;
  const files = grantsSchema.shape.files.safeParse(given.files).data;
  if (tools != null && tools !== 'all' && !Array.isArray(tools) && Array.isArray(tools.allow)) {
    for (const [index, name] of (tools.deny ?? []).entries()) {
      if (tools.allow.some((tool) => (typeof tool === 'string' ? tool : tool.name) === name)) {
        yield {
          path: [...path, 'tools', 'deny', index],
          of: 'value',
          message: `the tool '${name}' is both allowed and denied: write it in one of the lists`,
        };
      }
    }
  }
  for (const [index, mount] of (files ?? []).entries()) {
    const modes = mount.modes ?? ('memory' in mount ? ['write', 'create'] : ['read']);
    const quota = [...path, 'files', index, 'quota'];
    if (mount.quota !== undefined && !modes.includes('write') && !modes.includes('create')) {
      const message = "a quota bounds what is added, and nothing can be: add 'write' or 'create'";
      yield { path: quota, of: 'key', message };
    } else if (mount.quota?.files !== undefined && !modes.includes('create')) {
      const message = "it bounds the files that are made, and none can be: add the mode 'create'";
      yield { path: [...quota, 'files'], of: 'key', message };
    }
  }
}

function* inEntry(entry: unknown, path: readonly PropertyKey[]): Generator<Finding> {
  if (!isTable(entry)) {
    return;
  }
  const { match, digest } = entry;
  if (match === undefined && digest === undefined) {
    yield { path, of: 'value', message: 'an entry is for a module: write match or digest' };
  }
  if (match !== undefined && digest !== undefined) {
    yield {
      path: [...path, 'match'],
      of: 'key',
      message: 'an entry has either match or digest: a digest alone names one module exactly',
    };
  }
  yield* inGrants(entry.grants ?? {}, [...path, 'grants']);
}

/** Entries that are for the very same modules. `lineOf` tells where an entry is. */
function* twice(entries: readonly unknown[], lineOf: (index: number) => number) {
  const seen = new Map<string, number>();
  for (const [index, entry] of entries.entries()) {
    for (const field of ['match', 'digest'] as const) {
      const text = isTable(entry) ? entry[field] : undefined;
      if (typeof text !== 'string') {
        continue;
      }
      const key = `${field}:${text}`;
      const first = seen.get(key);
      if (first !== undefined) {
        yield {
          path: ['module', index, field],
          of: 'value',
          message: `the entry in line ${lineOf(first)} has the same ${field}: make them one`,
        } satisfies Finding;
      }
      seen.set(key, first ?? index);
    }
  }
}

/**
 * All contradictions of a policy, whatever else is wrong with it.
 *
 * @param lineOf the line of an entry
 */
export function* contradictionsOf(
  document: unknown,
  lineOf: (index: number) => number,
): Generator<Finding> {
  if (!isTable(document)) {
    return;
  }
  if (isTable(document.defaults)) {
    yield* inGrants(document.defaults.grants ?? {}, ['defaults', 'grants']);
  }
  const entries = Array.isArray(document.module) ? document.module : [];
  for (const [index, entry] of entries.entries()) {
    yield* inEntry(entry, ['module', index]);
  }
  yield* twice(entries, lineOf);
}

/** What whoever wrote a policy should know, though it can be used. `path` leads to the settings. */
export function* warningsOf(
  { grants }: { readonly grants?: { readonly expires?: string | number | undefined } | undefined },
  path: readonly PropertyKey[],
  nowMs: number,
): Generator<Finding> {
  if (grants?.expires !== undefined && new Date(grants.expires).getTime() <= nowMs) {
    yield {
      path: [...path, 'grants', 'expires'],
      of: 'value',
      message: 'these grants have expired: nothing of them is in force',
    };
  }
}

/** Presets that allow all tools. */
const PRESETS_OF_ALL_TOOLS: ReadonlySet<unknown> = new Set(['browser', 'standard']);

/** Commands that a module gets without anybody having named them. `path` leads to the settings. */
export function* withEveryCommand(
  { grants }: { readonly grants?: GrantsInput | undefined },
  path: readonly PropertyKey[],
): Generator<Finding> {
  const tools = grants?.tools;
  const isAll =
    tools === 'all' ||
    (typeof tools === 'object' && tools !== null && 'allow' in tools && tools.allow === 'all');
  const isPreset = tools === undefined && PRESETS_OF_ALL_TOOLS.has(grants?.preset);
  if (isAll || isPreset) {
    yield {
      path: [...path, 'grants', isAll ? 'tools' : 'preset'],
      of: 'value',
      message: 'it allows every command of this policy: name the tools that are meant',
    };
  }
}

/**
 * A feature that nobody can use: its modules are refused elsewhere than in a process. `settings` are those
 * in force, `path` leads to the entry.
 */
export function* withoutProcess(
  settings: {
    readonly features?: readonly FeatureName[] | undefined;
    readonly isolation?: Isolation | undefined;
  },
  path: readonly PropertyKey[],
): Generator<Finding> {
  if (settings.features?.includes(FEATURE_NAMES.gc) && settings.isolation !== 'process') {
    yield {
      path: [...path, 'features'],
      of: 'value',
      message: `a module that uses '${FEATURE_NAMES.gc}' runs only with isolation = "process": write that too`,
    };
  }
}
