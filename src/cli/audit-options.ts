/** The options of whatever is recorded in an audit chain: `run`, `serve` and `mcp` have the same. */

import type { Option } from 'commander';
import { type AuditOptions, parseDuration, parseSize } from '../index.ts';
import { type AnchorPlace, anchorOptions, anchorsAt } from './audit-anchor-option.ts';
import { RUN_GROUPS } from './help-text.ts';
import { between } from './number-option.ts';
import { option, usage } from './option.ts';

/** Where it is recorded what modules do. */
export interface AuditChoice {
  readonly options: AuditOptions;
  /** The file that receipts are written to; null: none. */
  readonly receipt: string | null;
}

/** What `intervalMs` takes at most. */
const SYNC_MS_MAX = 60_000;

type Sync = Pick<AuditOptions, 'durability' | 'intervalMs'>;

/** The values of the options, as the library keeps them. */
export interface AuditChoiceOptions {
  readonly audit?: string;
  readonly auditKey?: string;
  readonly auditAnchor?: readonly AnchorPlace[];
  readonly auditAnchorTokenEnv?: string;
  readonly auditSync?: Sync;
  readonly auditKeep?: number;
  readonly auditMax?: number;
  readonly receipt?: string;
}

const readInterval = between('--audit-sync', parseDuration, 1, SYNC_MS_MAX, ' ms');

function readSync(value: string): Sync {
  return value === 'event' || value === 'exit'
    ? { durability: value }
    : { durability: 'interval', intervalMs: readInterval(value) };
}

/** All of them; `receipt` says what of the command receipts are of. */
export function auditChoiceOptions(receipt: string): Option[] {
  const group = RUN_GROUPS.audit;
  return [
    option('--audit', ' DIR', 'record it in the audit chain of this directory', group),
    option(
      '--audit-key',
      ' FILE',
      "the key that signs it: 'ringfence audit key FILE' makes one",
      group,
    ),
    ...anchorOptions(group),
    option(
      '--audit-sync',
      ' WHEN',
      'when events are on disk: each event, after a DURATION, or at each exit (default: 10ms)',
      group,
    ).argParser(readSync),
    option(
      '--audit-keep',
      ' DURATION',
      'remove what events say after so long; their hashes stay',
      group,
    ).argParser(between('--audit-keep', parseDuration, 1, Number.MAX_SAFE_INTEGER, ' ms')),
    option(
      '--audit-max',
      ' SIZE',
      'remove what the oldest say where the chain has more than that; their hashes stay',
      group,
    ).argParser(between('--audit-max', parseSize, 262_144, Number.MAX_SAFE_INTEGER, ' bytes')),
    option('--receipt', ' FILE', receipt, group),
  ];
}

/** What needs a chain, by its option; null: nothing of it was given. */
function withoutChain(options: AuditChoiceOptions): string | null {
  const { auditKey, auditAnchor, auditAnchorTokenEnv, auditSync, auditKeep, auditMax, receipt } =
    options;
  const given: readonly (readonly [string, unknown])[] = [
    ['--audit-key', auditKey],
    ['--audit-anchor', auditAnchor],
    ['--audit-anchor-token-env', auditAnchorTokenEnv],
    ['--audit-sync', auditSync],
    ['--audit-keep', auditKeep],
    ['--audit-max', auditMax],
    ['--receipt', receipt],
  ];
  return given.find(([, value]) => value !== undefined)?.[0] ?? null;
}

/** What is worth nothing in a chain that nobody signs. */
function requireNoKey({ receipt, auditAnchor, auditKeep, auditMax }: AuditChoiceOptions): void {
  const what =
    receipt !== undefined
      ? 'write a receipt that'
      : auditAnchor !== undefined
        ? 'anchor what'
        : (auditKeep ?? auditMax) !== undefined
          ? 'remove what'
          : null;
  if (what !== null) {
    throw usage(`Cannot ${what} nobody has signed: give the key by --audit-key.`);
  }
}

/**
 * What was chosen; null: no chain.
 *
 * @param variables those of the environment: one may have an anchor's token
 * @throws {RingfenceError} `RF_USAGE` for an option without those that it needs
 */
export function readAuditChoice(
  options: AuditChoiceOptions,
  variables: Readonly<Record<string, string | undefined>>,
): AuditChoice | null {
  const { audit: directory, auditKey: key, auditSync, receipt } = options;
  if (directory === undefined) {
    const needs = withoutChain(options);
    if (needs !== null) {
      throw usage(`Cannot use ${needs} without a chain: name its directory by --audit.`);
    }
    return null;
  }
  const { auditKeep: ageMs, auditMax: bytes } = options;
  if (key === undefined) {
    requireNoKey(options);
  }
  const { auditAnchor: places = [], auditAnchorTokenEnv } = options;
  const anchors = anchorsAt(places, auditAnchorTokenEnv, variables);
  return {
    options: {
      directory,
      ...(key !== undefined && { key }),
      anchors,
      ...auditSync,
      ...((ageMs ?? bytes) !== undefined && {
        retention: { ...(ageMs !== undefined && { ageMs }), ...(bytes !== undefined && { bytes }) },
      }),
    },
    receipt: receipt ?? null,
  };
}
