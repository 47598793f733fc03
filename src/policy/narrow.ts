/** Takes less than a policy gives, and more only where that is said: the options of a command line. */

import { realpathSync } from 'node:fs';
import { ISOLATIONS, type Isolation } from '../backend/backend.ts';
import {
  type FilesScope,
  GRANT_KINDS,
  type GrantKind,
  type GrantSpec,
  type Scopes,
} from '../capability/grant.ts';
import { type GrantsInput, parseGrants } from '../capability/input.ts';
import { normalGuestPath } from '../capability/schema.ts';
import { covers, intersect } from '../capability/scope.ts';
import { RingfenceError } from '../errors.ts';
import type { Limits, LimitsInput } from '../resource/limits.ts';
import {
  FEATURE_NAMES,
  type Features,
  type FeaturesInput,
  featuresOf,
  firstMissing,
} from '../wasm/metering/features.ts';

/** What an agent gets, whoever has said so. A policy's decision is one. */
export interface Permissions {
  readonly grants: readonly GrantSpec[];
  readonly limits: Limits;
  readonly isolation: Isolation;
  readonly features: Features;
  readonly environment: Readonly<Record<string, string>>;
  /** What it reads as `wasi:config`. */
  readonly config: Readonly<Record<string, string>>;
}

/** What is to be taken of it; what is absent stays as it is. */
export interface Wanted {
  /**
   * A kind that is named here is exactly so, `null` and empty lists are nothing of it; a preset names
   * all kinds that one can have. What a kind leaves unsaid, such as quotas, modules and expiry, stays.
   */
  readonly grants?: GrantsInput;
  /** Tools that are denied, whatever is allowed. */
  readonly denyTools?: readonly string[];
  readonly limits?: LimitsInput;
  readonly isolation?: Isolation | undefined;
  /** Exactly these. */
  readonly features?: FeaturesInput | undefined;
  /** Variables that are there beside the others. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Values of `wasi:config` that are there beside the others. */
  readonly config?: Readonly<Record<string, string>>;
}

/** The kinds that a preset says something of. */
const PRESET_KINDS: readonly GrantKind[] = ['ipc', 'network', 'tools', 'services', 'spawn'];

/** The kinds that are spoken of. */
function kindsOf(grants: GrantsInput): GrantKind[] {
  return GRANT_KINDS.filter(
    (kind) =>
      grants[kind] !== undefined || (grants.preset !== undefined && PRESET_KINDS.includes(kind)),
  );
}

function tooWide(name: string, what: string): RingfenceError {
  return new RingfenceError(
    'RF_USAGE',
    `Cannot give ${what}: it is more than the policy gives; take less, or allow it to be wider.`,
    { name },
  );
}

/** Where a directory is, whatever links its name is made of; itself where nothing is there. */
function realPath(path: string): string {
  try {
    return realpathSync.native(path);
  } catch {
    return path;
  }
}

/** Names of directories can lie: what is compared is where they are. */
function withRealPath(spec: GrantSpec): GrantSpec {
  if (spec.kind !== 'files' || spec.scope.source.kind !== 'host') {
    return spec;
  }
  const source = { kind: 'host', path: realPath(spec.scope.source.path) } as const;
  return { ...spec, scope: { ...spec.scope, source } };
}

/** A wanted directory with the quota that is there, for what nobody has said of it. */
function withQuota(want: FilesScope, there: FilesScope, grants: GrantsInput): FilesScope {
  const written = grants.files?.find((mount) => normalGuestPath(mount.guest) === want.guest);
  return {
    ...want,
    quota: {
      bytes: written?.quota?.bytes ?? there.quota.bytes,
      files: written?.quota?.files ?? there.quota.files,
    },
  };
}

/** A wanted scope with what is there, for what nobody has said of it. */
function filledUp(
  kind: GrantKind,
  want: Scopes[GrantKind],
  there: Scopes[GrantKind],
  grants: GrantsInput,
): Scopes[GrantKind] {
  if (kind === 'files') {
    return withQuota(want as FilesScope, there as FilesScope, grants);
  }
  if (kind === 'spawn' && grants.spawn != null) {
    const { modules, depth } = there as Scopes['spawn'];
    const written: { modules?: unknown; depth?: unknown } =
      typeof grants.spawn === 'number' ? {} : grants.spawn;
    return {
      ...(want as Scopes['spawn']),
      ...(written.modules === undefined && { modules }),
      ...(written.depth === undefined && { depth }),
    };
  }
  return want;
}

const earlier = (one: number | null, other: number | null): number | null =>
  one === null || other === null ? (one ?? other) : Math.min(one, other);

const sameKind = (grants: readonly GrantSpec[], kind: GrantKind): GrantSpec[] =>
  grants.filter((grant) => grant.kind === kind);

/** Whether a mount adds to a quota. Two that each had the whole of one would have twice as much. */
function usesQuota({ kind, scope }: GrantSpec): boolean {
  if (kind !== 'files') {
    return false;
  }
  const { modes, quota } = scope as FilesScope;
  return (modes.write || modes.create) && (quota.bytes !== 0 || quota.files !== 0);
}

/**
 * A wanted grant as a part of what is there; null: it is no part of any. `usedUp` are those whose quota
 * another part has.
 */
function partOf(
  there: readonly GrantSpec[],
  { kind, scope, expiresAtMs }: GrantSpec,
  grants: GrantsInput,
  usedUp: Set<GrantSpec>,
): GrantSpec | null {
  for (const given of sameKind(there, kind)) {
    const want = filledUp(kind, scope, given.scope, grants);
    const part = covers<GrantKind>(kind, given.scope, want)
      ? intersect<GrantKind>(kind, given.scope, want)
      : null;
    if (part === null) {
      continue;
    }
    const until = earlier(given.expiresAtMs, expiresAtMs);
    const spec = { kind, scope: part, expiresAtMs: until } as GrantSpec;
    if (!usesQuota(given) || !usesQuota(spec)) {
      return spec;
    }
    if (!usedUp.has(given)) {
      usedUp.add(given);
      return spec;
    }
  }
  return null;
}

/** A wanted grant that is wider than what is there: by no more than was said. */
function widened(
  there: readonly GrantSpec[],
  { kind, scope, expiresAtMs }: GrantSpec,
  grants: GrantsInput,
): GrantSpec {
  // A directory is another one, of which nothing is there.
  const [given] = kind === 'files' ? [] : sameKind(there, kind);
  return {
    kind,
    scope: given === undefined ? scope : filledUp(kind, scope, given.scope, grants),
    expiresAtMs: earlier(given?.expiresAtMs ?? null, expiresAtMs),
  } as GrantSpec;
}

function narrowGrants(
  there: readonly GrantSpec[],
  grants: GrantsInput,
  widen: boolean,
): readonly GrantSpec[] {
  const kinds = kindsOf(grants);
  if (kinds.length === 0) {
    if (grants.expires !== undefined) {
      throw new RingfenceError(
        'RF_USAGE',
        "Cannot take less by 'expires' alone as it is of the kinds beside it: name these too.",
        { name: 'expires' },
      );
    }
    return there;
  }
  const given = there.map(withRealPath);
  const usedUp = new Set<GrantSpec>();
  const wanted = parseGrants(grants)
    .filter(({ kind }) => kinds.includes(kind))
    .map(withRealPath)
    .map((spec) => {
      const part =
        partOf(given, spec, grants, usedUp) ?? (widen ? widened(given, spec, grants) : null);
      if (part === null) {
        throw tooWide(spec.kind, `the grant '${spec.kind}'`);
      }
      return part;
    });
  return GRANT_KINDS.flatMap((kind) => sameKind(kinds.includes(kind) ? wanted : there, kind));
}

/** Without some tools: deny beats allow. */
function withoutTools(there: readonly GrantSpec[], names: readonly string[]): GrantSpec[] {
  return there.map((spec) =>
    spec.kind === 'tools'
      ? { ...spec, scope: { ...spec.scope, deny: new Set([...spec.scope.deny, ...names]) } }
      : spec,
  );
}

/** 0 is unlimited, and so the most. */
const isAtMost = (value: number, most: number): boolean =>
  most === 0 || (value !== 0 && value <= most);

function narrowLimits(there: Limits, wanted: LimitsInput, widen: boolean): Limits {
  const limits: Record<string, number> = { ...there };
  for (const [name, value] of Object.entries(wanted)) {
    if (value === undefined) {
      continue;
    }
    if (!widen && !isAtMost(value, there[name as keyof Limits])) {
      throw tooWide(name, `${value} as the limit '${name}'`);
    }
    limits[name] = value;
  }
  return limits as unknown as Limits;
}

function requireAsFarApart(there: Isolation, wanted: Isolation): void {
  if (ISOLATIONS.indexOf(wanted) < ISOLATIONS.indexOf(there)) {
    throw tooWide('isolation', `the isolation '${wanted}'`);
  }
}

function narrowFeatures(
  there: Features,
  wanted: FeaturesInput | undefined,
  widen: boolean,
): Features {
  if (wanted === undefined) {
    return there;
  }
  const features = featuresOf(wanted);
  const more = firstMissing(features, there);
  if (more !== null && !widen) {
    throw tooWide('features', `the feature '${FEATURE_NAMES[more]}'`);
  }
  return features;
}

const NAMED_VALUES = {
  environment: 'the environment variable',
  config: 'the value of wasi:config',
} as const;

function addValues(
  what: keyof typeof NAMED_VALUES,
  there: Readonly<Record<string, string>>,
  wanted: Readonly<Record<string, string>>,
  widen: boolean,
): Record<string, string> {
  // Without a prototype: a value may have any name.
  const values: Record<string, string> = Object.assign(Object.create(null), there);
  for (const [name, value] of Object.entries(wanted)) {
    if (!widen && values[name] !== value) {
      throw tooWide(what, `${NAMED_VALUES[what]} '${name}'`);
    }
    values[name] = value;
  }
  return values;
}

/**
 * Takes a part of what a policy gives. What would be more is refused, or taken as well where `widen`
 * says so.
 *
 * @throws {RingfenceError} `RF_USAGE`; its field `name` is the kind, the limit, `isolation`,
 * `features`, `environment` or `config`
 *
 * @example
 * ```ts
 * const decision = policy.decide(module);
 * narrow(decision, { grants: { tools: ['add'] }, limits: { wallTimeMs: 1_000 } });
 * ```
 */
export function narrow<Given extends Permissions>(
  given: Given,
  wanted: Wanted,
  { widen = false }: { readonly widen?: boolean } = {},
): Given {
  const { isolation = given.isolation } = wanted;
  if (!widen) {
    requireAsFarApart(given.isolation, isolation);
  }
  const grants = narrowGrants(given.grants, wanted.grants ?? {}, widen);
  return {
    ...given,
    grants: withoutTools(grants, wanted.denyTools ?? []),
    limits: narrowLimits(given.limits, wanted.limits ?? {}, widen),
    isolation,
    features: narrowFeatures(given.features, wanted.features, widen),
    environment: addValues('environment', given.environment, wanted.environment ?? {}, widen),
    config: addValues('config', given.config, wanted.config ?? {}, widen),
  };
}
