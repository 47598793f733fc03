/** What a module gets: what the policy gives it, and what the options take of that. */

import {
  type Decision,
  featuresNamed,
  type ModuleIdentity,
  narrow,
  type Policy,
  parseGrants,
  parseLimits,
  RingfenceError,
  type Scopes,
  type Wanted,
} from '../index.ts';
import { LIMIT_OPTIONS } from './limits.ts';
import type { AskedPermissions } from './permission-options.ts';
import { printableLine } from './printable.ts';

const OPTIONS_OF: ReadonlyMap<string, string> = new Map([
  ['ipc', '--allow-ipc'],
  ['network', '--allow-net'],
  ['tools', '--allow-tools'],
  ['spawn', '--allow-spawn'],
  ['files', '--dir or --tmpfs'],
  ['clocks', '--exact-clocks'],
  ['random', '--seed'],
  ['isolation', '--isolation'],
  ['features', '--wasm-features'],
  ['environment', '--env'],
  ['config', '--config'],
  ...LIMIT_OPTIONS.map(({ limit, flag }) => [limit, flag] as const),
]);

/** The option that asked for too much. */
function optionFor(name: string, { grants }: AskedPermissions): string {
  const isOfPreset = grants.preset !== undefined && Object.hasOwn(grants, name) === false;
  return isOfPreset && ['ipc', 'network', 'tools', 'services', 'spawn'].includes(name)
    ? `--preset ${grants.preset}`
    : (OPTIONS_OF.get(name) ?? name);
}

function beyondPolicy(
  error: unknown,
  asked: AskedPermissions,
  policy: Policy,
  entry: Decision['entry'],
): unknown {
  if (!(error instanceof RingfenceError) || typeof error.fields.name !== 'string') {
    return error;
  }
  const option = optionFor(error.fields.name, asked);
  const place = entry === null ? policy.path : `${policy.path}:${entry.line}`;
  return new RingfenceError(
    'RF_USAGE',
    `Cannot use ${option}: it goes beyond what the policy gives this module (${printableLine(place)}); ask for less, or write --widen beside it.`,
    { option, file: policy.path },
    { cause: error },
  );
}

/** Without a policy the options are all there is. */
function permissionsOf(asked: AskedPermissions): Decision {
  const grants = parseGrants(asked.grants);
  if (asked.denyTools.length > 0 && !grants.some(({ kind }) => kind === 'tools')) {
    throw new RingfenceError(
      'RF_USAGE',
      'Cannot use --deny-tools as no tool is allowed: write --allow-tools beside it.',
      { option: '--deny-tools' },
    );
  }
  const given: Decision = {
    grants,
    limits: parseLimits(asked.limits),
    isolation: asked.isolation ?? 'shared',
    features: asked.features ?? featuresNamed([]),
    restart: 'temporary',
    environment: asked.environment,
    config: asked.config,
    tool: null,
    entry: null,
  };
  return narrow(given, { denyTools: asked.denyTools });
}

/** Who has a policy decide: a kernel records what it says. */
export type Decider = (policy: Policy, module: ModuleIdentity) => Decision;

/**
 * What a module gets: `run` spawns with it, `policy explain` prints it.
 *
 * @throws {RingfenceError} `RF_USAGE` for options that go beyond the policy; what `Policy.decide` throws
 */
export function permissionsFor(
  asked: AskedPermissions,
  policy: Policy | null,
  module: ModuleIdentity,
  decide: Decider = (asked, about) => asked.decide(about),
): Decision {
  if (policy === null) {
    return permissionsOf(asked);
  }
  const decision = decide(policy, module);
  const { grants, denyTools, limits, isolation, features, environment, config, widen } = asked;
  const wanted: Wanted = { grants, denyTools, limits, isolation, features, environment, config };
  try {
    return narrow(decision, wanted, { widen });
  } catch (error) {
    throw beyondPolicy(error, asked, policy, decision.entry);
  }
}

/**
 * What of a module's permissions is not as somebody who wrote them may think. `secrets`: what was given
 * of them; null: nobody was asked to give any.
 */
export function warningsAbout(
  { grants }: Decision,
  nowMs: number,
  secrets: Readonly<Record<string, string>> | null,
): string[] {
  const expired = grants.filter(({ expiresAtMs }) => expiresAtMs !== null && expiresAtMs <= nowMs);
  return [
    ...[...new Set(expired.map(({ kind }) => kind))].map(
      (kind) => `the grant '${kind}' of the policy has expired`,
    ),
    ...(secrets === null ? [] : namesOfSecrets(grants))
      .filter((name) => !Object.hasOwn(secrets ?? {}, name))
      .map(
        (name) =>
          `nothing gives the value of the secret '${name}', so requests that need it fail: add --secret ${name}=env:VARIABLE`,
      ),
  ];
}

/** The secrets that rules of the network name. */
function namesOfSecrets(grants: Decision['grants']): string[] {
  const uses = grants.flatMap(({ kind, scope }) =>
    kind === 'network'
      ? (scope as Scopes['network']).rules.flatMap(({ secrets }) => [...secrets])
      : [],
  );
  // `NAME:field`, and no field has a colon in its name.
  return [...new Set(uses.map((use) => use.slice(0, use.lastIndexOf(':'))))];
}
