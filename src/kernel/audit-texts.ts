/**
 * Grants, limits and usage as the canonical JSON that stands in the audit chain. Each spawn has some: of those
 * that can't change, as the grants of who asked for none, the text is kept.
 */

import { digestOf, type Shape, shapeWriter } from '../audit/canonical.ts';
import type { GrantSpec } from '../capability/grant.ts';
import { DEFAULT_LIMITS, type Limits } from '../resource/limits.ts';
import { NOTHING_USED, type Usage } from '../resource/usage.ts';
import { reportLimits } from '../supervisor/report.ts';

/** Each of the fields is a number. */
const numbersOf = (fields: object): Shape =>
  Object.fromEntries(Object.keys(fields).map((name) => [name, 'number' as const]));

const writeUsage = shapeWriter('usage', numbersOf(NOTHING_USED));

/**
 * What an agent has used. Written out, as each exit says it; what is no number has the general writer refuse it.
 *
 * @throws {RingfenceError} `RF_USAGE`
 */
export function usageText(usage: Usage): string {
  const { cpu_time_ms, disk_bytes, fuel, fuel_table, longest_wait_ms, memory_bytes } = usage;
  const { messages_sent, network_bytes_in, network_bytes_out, network_requests } = usage;
  const { slices, tool_calls, wall_time_ms } = usage;
  const all =
    cpu_time_ms + disk_bytes + fuel + fuel_table + longest_wait_ms + memory_bytes + messages_sent;
  const others =
    network_bytes_in + network_bytes_out + network_requests + slices + tool_calls + wall_time_ms;
  return Number.isFinite(all + others)
    ? `{"cpu_time_ms":${cpu_time_ms},"disk_bytes":${disk_bytes},"fuel":${fuel},"fuel_table":${fuel_table},"longest_wait_ms":${longest_wait_ms},"memory_bytes":${memory_bytes},"messages_sent":${messages_sent},"network_bytes_in":${network_bytes_in},"network_bytes_out":${network_bytes_out},"network_requests":${network_requests},"slices":${slices},"tool_calls":${tool_calls},"wall_time_ms":${wall_time_ms}}`
    : writeUsage(usage);
}

const writeLimits = shapeWriter('limits', numbersOf(reportLimits(DEFAULT_LIMITS)));

/**
 * A scope as canonical JSON: sets as lists in order, and of a seed only its hash. It is written by hand: the
 * library takes several times as long.
 */
export function scopeText(value: unknown): string {
  if (typeof value === 'string') {
    return JSON.stringify(value.toWellFormed());
  }
  if (typeof value !== 'object' || value === null) {
    return typeof value === 'number' && !Number.isFinite(value) ? 'null' : JSON.stringify(value);
  }
  if (Array.isArray(value)) {
    return `[${value.map(scopeText).join()}]`;
  }
  if (value instanceof Set) {
    return `[${Array.from(value, scopeText).sort().join()}]`;
  }
  const fields = Object.entries(value)
    .filter(([, field]) => field !== undefined)
    .map(([name, field]): [string, unknown] =>
      name === 'seed' && typeof field === 'string'
        ? ['seed_sha256', digestOf(field)]
        : [name.toWellFormed(), field],
    )
    .sort(([one], [other]) => (one < other ? -1 : 1));
  return `{${fields.map(([name, field]) => `${JSON.stringify(name)}:${scopeText(field)}`).join()}}`;
}

/** One grant, by what it lets do. */
export const grantText = ({ kind, scope }: GrantSpec): string =>
  `{"kind":"${kind}","scope":${scopeText(scope)}}`;

/** Whether nobody can change anything of a value: a list or a record whose parts are frozen, too. */
function isConstant(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) {
    return true;
  }
  const isPlain = Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype;
  return isPlain && Object.isFrozen(value) && Object.values(value).every(isConstant);
}

/** Writes values, and keeps the texts of those that can't change. */
class Kept<Value extends object> {
  readonly #write: (value: Value) => string;
  readonly #texts = new WeakMap<Value, string>();

  constructor(write: (value: Value) => string) {
    this.#write = write;
  }

  text(value: Value): string {
    const kept = this.#texts.get(value);
    if (kept !== undefined) {
      return kept;
    }
    const text = this.#write(value);
    if (isConstant(value)) {
      this.#texts.set(value, text);
    }
    return text;
  }
}

/** What agents are granted and limited to at their spawn, in the words of the chain. */
export class SpawnTexts {
  readonly #grants = new Kept(
    (grants: readonly GrantSpec[]) => `[${grants.map(grantText).join()}]`,
  );
  readonly #limits = new Kept((limits: Limits) => writeLimits(reportLimits(limits)));

  grants(grants: readonly GrantSpec[]): string {
    return this.#grants.text(grants);
  }

  limits(limits: Limits): string {
    return this.#limits.text(limits);
  }
}
