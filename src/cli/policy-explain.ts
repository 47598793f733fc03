/** `ringfence policy explain`: what a module gets, by the code that `run` uses. */

import {
  type Decision,
  type ExecInput,
  type GrantSpec,
  type Limits,
  loadPolicy,
  namesOfFeatures,
  type Policy,
  RingfenceError,
  resolveMounts,
} from '../index.ts';
import { describeGrant, plainScope } from './describe-grant.ts';
import { digestOfFile } from './digest.ts';
import type { Environment } from './environment.ts';
import { STATUS } from './exit-status.ts';
import type { PolicyExplainInvocation } from './invocation.ts';
import { kvOf } from './kv-option.ts';
import { LIMIT_OPTIONS } from './limits.ts';
import type { AskedPermissions } from './permission-options.ts';
import { permissionsFor, warningsAbout } from './permissions.ts';
import { printableJson, printableLine, quoted } from './printable.ts';
import {
  type ReachedServers,
  type ReachedStore,
  reachedCommands,
  reachedServers,
  reachedStore,
} from './reached-tools.ts';
import { printLine } from './say.ts';

/** What `--json` prints; keys are only ever added. */
interface Explained {
  readonly module: { readonly path: string; readonly sha256: string };
  /** The entry of the policy, if there is one; null: the options alone. */
  readonly policy: { readonly path: string; readonly line: number | null } | null;
  readonly isolation: string;
  readonly features: readonly string[];
  readonly restart: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly config: Readonly<Record<string, string>>;
  readonly grants: readonly {
    readonly kind: string;
    readonly scope: unknown;
    readonly expires: string | null;
  }[];
  /** Commands that it may run by tools, and with which arguments. */
  readonly exec: ExecInput;
  /** Servers that are started for it. */
  readonly mcp: ReachedServers;
  /** Null: it can keep nothing. */
  readonly kv: ReachedStore | null;
  /** As in reports; 0 is unlimited. */
  readonly limits: Readonly<Record<string, number>>;
}

/** Limits by the names that reports have. */
const reportedLimits = (limits: Limits): Record<string, number> => ({
  fuel: limits.fuel,
  memory_bytes: limits.memoryBytes,
  host_bytes: limits.hostBytes,
  cpu_time_ms: limits.cpuTimeMs,
  wall_time_ms: limits.wallTimeMs,
  messages: limits.messages,
  tool_calls: limits.toolCalls,
  disk_bytes: limits.diskBytes,
});

const expiryOf = ({ expiresAtMs }: GrantSpec): string | null =>
  expiresAtMs === null ? null : new Date(expiresAtMs).toISOString();

/** A command with its places, as one reads it. */
function commandLine({ command, arguments: given = [] }: ExecInput[string]): string {
  return [
    command,
    ...given.map((each) => (typeof each === 'string' ? JSON.stringify(each) : `<${each.name}>`)),
  ].join(' ');
}

function explainedOf(
  module: Explained['module'],
  { policyPath, kvPath }: Pick<AskedPermissions, 'policyPath' | 'kvPath'>,
  policy: Policy | null,
  { grants, limits, isolation, features, restart, environment, config, entry }: Decision,
): Explained {
  return {
    module,
    policy: policyPath === null ? null : { path: policyPath, line: entry?.line ?? null },
    isolation,
    features: namesOfFeatures(features),
    restart,
    environment,
    config,
    grants: grants.map((spec) => ({
      kind: spec.kind,
      scope: plainScope(spec),
      expires: expiryOf(spec),
    })),
    exec: reachedCommands(policy?.exec ?? {}, grants),
    mcp: reachedServers(policy?.mcp ?? [], grants),
    kv: reachedStore(kvOf(kvPath, policy).kv ?? {}, grants),
    limits: reportedLimits(limits),
  };
}

const UNITS = { N: '', SIZE: ' bytes', DURATION: ' ms' } as const;

function limitRows(limits: Limits): string[] {
  return LIMIT_OPTIONS.map(({ flag, limit, placeholder }) => {
    const value = limits[limit];
    const shown =
      value === 0 ? 'unlimited' : `${value.toLocaleString('en-US')}${UNITS[placeholder]}`;
    return `  ${flag.padEnd(17)} ${shown}`;
  });
}

/** Where values are kept, and how much. */
function storeRows({ path, ...quota }: ReachedStore): string[] {
  const amount = (value: number): string => value.toLocaleString('en-US');
  const one = `${amount(quota.owner_max_keys)} keys, ${amount(quota.owner_max_bytes)} bytes`;
  const all = `${amount(quota.max_owners)} owners, ${amount(quota.max_bytes)} bytes`;
  return [
    printableLine(`  ${'file'.padEnd(17)} ${path ?? 'none: in memory'}`),
    `  ${'of one owner'.padEnd(17)} ${one}`,
    `  ${'of all'.padEnd(17)} ${all}`,
  ];
}

/** The lines for people. What a policy or a name says is made printable. */
function describe(explained: Explained, { grants, limits, environment, config }: Decision): string {
  const row = (label: string, value: string) => printableLine(`${label.padEnd(10)} ${value}`);
  const { policy, module } = explained;
  const from =
    policy === null
      ? 'none'
      : `${policy.path}, ${policy.line === null ? 'no entry, its defaults' : `line ${policy.line}`}`;
  const granted = grants.map((spec) => {
    const until = expiryOf(spec);
    const words = `${describeGrant(spec)}${until === null ? '' : `, until ${until}`}`;
    return printableLine(`  ${spec.kind.padEnd(17)} ${words}`);
  });
  const commands = Object.entries(explained.exec).map(([name, command]) =>
    printableLine(`  ${`exec.${name}`.padEnd(17)} ${commandLine(command)}`),
  );
  const servers = Object.entries(explained.mcp).map(([name, tools]) =>
    printableLine(`  ${name.padEnd(17)} ${tools === 'all' ? 'all its tools' : tools.join(', ')}`),
  );
  const named = (label: string, values: Readonly<Record<string, string>>): string[] => {
    const lines = Object.entries(values).map(([name, value]) =>
      printableLine(`  ${name}=${value}`),
    );
    return lines.length === 0 ? [row(label, 'none')] : [label, ...lines];
  };
  return [
    row('module', module.path),
    row('sha256', module.sha256),
    row('policy', from),
    row('isolation', explained.isolation),
    row('features', explained.features.length === 0 ? 'none' : explained.features.join(', ')),
    row('restart', explained.restart),
    granted.length === 0 ? row('grants', 'none') : 'grants',
    ...granted,
    ...(commands.length === 0 ? [] : ['commands', ...commands]),
    ...(servers.length === 0 ? [] : ['servers', ...servers]),
    ...(explained.kv === null ? [] : ['kv', ...storeRows(explained.kv)]),
    'limits',
    ...limitRows(limits),
    ...named('environment', environment),
    ...named('config', config),
    '',
  ].join('\n');
}

/**
 * Prints what a module gets, and answers the exit status.
 *
 * @throws {RingfenceError} what `run` would refuse the module or the options for
 */
export async function explainPolicy(
  { modulePath, permissions: asked, json }: PolicyExplainInvocation,
  environment: Environment,
): Promise<number> {
  const { policyPath } = asked;
  const policy = policyPath === null ? null : await loadPolicy(policyPath);
  const sha256 = await digestOfFile(modulePath);
  if (sha256 === null) {
    throw new RingfenceError(
      'RF_FILE',
      `Cannot explain ${quoted(modulePath)}: there is no file that can be read as a module; check the path.`,
      { path: modulePath },
    );
  }
  const decided = permissionsFor(asked, policy, { path: modulePath, digest: sha256 });
  const decision = { ...decided, grants: resolveMounts(decided.grants) };
  const explained = explainedOf({ path: modulePath, sha256 }, asked, policy, decision);
  for (const warning of [...asked.warnings, ...warningsAbout(decision, Date.now(), null)]) {
    printLine(environment.stderr, `ringfence: warning: ${printableLine(warning)}`);
  }
  const text = json ? `${printableJson(explained)}\n` : describe(explained, decision);
  await environment.stdout.write(Buffer.from(text)).catch(() => {});
  return STATUS.ok;
}
