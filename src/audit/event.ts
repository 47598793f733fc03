/**
 * An event's bytes: the body that is hashed, and the line that holds body and hash
 * (docs/audit-format.md has every byte).
 *
 * A body is canonical JSON with a fixed set of names, so what the chain adds stands at its end, at places
 * that are found without parsing: the reader of a chain hashes the bytes as they are and compares.
 */

import { hash } from 'node:crypto';
import { RingfenceError } from '../errors.ts';
import { type AuditEvent, KIND_PLANS } from './vocabulary.ts';

/** The format's name and version, in every body: no hash of another format can be taken for one. */
export const FORMAT = 'ringfence-audit/1';

/** What comes before a body where it is hashed: that of a leaf in RFC 6962, 2.1. */
const LEAF = '\0';

/** What stands for the previous hash in the first event. */
export const NO_HASH = '0'.repeat(64);

/** Bytes that a line may have: a reader takes no more into memory. */
export const LINE_BYTES_MAX = 65_536;

/** An event before it has its place: all that it says itself is written already. */
export interface Draft {
  readonly agent: string;
  /** From `kind` to `pid`. */
  readonly middle: string;
  readonly source: string;
  readonly timeMs: number;
}

/** An event in its place. */
export interface Entry {
  readonly seq: number;
  readonly hash: string;
  readonly body: string;
}

const DIGEST = /^[0-9a-f]{64}$/;

const AGENT_ID_CHARACTERS_MAX = 256;

/** What stands for itself in JSON, and is not cut. */
const PLAIN_NAME = /^[\w .:/#@-]{0,64}$/;

/** An agent's name as an event holds it. */
export function agentText(agentId: string): string {
  return agentId.slice(0, AGENT_ID_CHARACTERS_MAX).toWellFormed();
}

/** An agent's name as it stands in an event, as JSON. */
export function agentJson(agentId: string | null | undefined): string {
  if (agentId === undefined || agentId === null) {
    return 'null';
  }
  // Most names are short and plain.
  return PLAIN_NAME.test(agentId) ? `"${agentId}"` : JSON.stringify(agentText(agentId));
}

function moduleJson(module: string | null | undefined): string {
  if (module === undefined || module === null) {
    return 'null';
  }
  if (!DIGEST.test(module)) {
    throw new RingfenceError(
      'RF_USAGE',
      "Cannot record the event as 'module' is not a SHA-256 in hexadecimal.",
    );
  }
  return `"${module}"`;
}

/**
 * Writes what an event says itself.
 *
 * @throws {RingfenceError} `RF_USAGE` for a kind that there is not, or a payload that is not the kind's
 */
export function draft(event: AuditEvent, nowMs: number): Draft {
  const plan = KIND_PLANS.get(event.kind);
  if (plan === undefined) {
    throw new RingfenceError(
      'RF_USAGE',
      `Cannot record an event of the kind '${String(event.kind)}': there is none; docs/audit.md has all.`,
    );
  }
  const pid = event.pid ?? 0;
  const timeMs = event.timeMs ?? nowMs;
  if (!Number.isSafeInteger(pid) || pid < 0 || !Number.isSafeInteger(timeMs) || timeMs < 0) {
    throw new RingfenceError(
      'RF_USAGE',
      `Cannot record '${event.kind}' as its pid or time is no integer from 0.`,
    );
  }
  return {
    agent: agentJson(event.agentId),
    middle: `"kind":"${event.kind}","module":${moduleJson(event.module)},"payload":${plan.write(event.payload)},"pid":${pid}`,
    source: plan.source,
    timeMs,
  };
}

/** The body of an event in its place. */
export function bodyOf(draft: Draft, chain: string, previous: string, seq: number): string {
  return `{"agent_id":${draft.agent},"chain":"${chain}",${draft.middle},"prev":"${previous}","seq":${seq},"source":"${draft.source}","time_ms":${draft.timeMs},"v":"${FORMAT}"}`;
}

/** The hash of a body: SHA-256 of a zero byte and the body's UTF-8, in hexadecimal. */
export function hashOf(body: string): string {
  return hash('sha256', LEAF + body);
}

/** The line of an event, without its newline: canonical JSON itself. */
export function lineOf(body: string, hash: string): string {
  return `{"event":${body},"hash":"${hash}"}`;
}

/** What stands at the end of a body, put there by the chain. */
export interface Place {
  readonly previous: string;
  readonly seq: number;
  readonly timeMs: number;
}

const HEAD = '{"event":';

const BEFORE_HASH = ',"hash":"';

const HASH_CHARACTERS = 64;

/** Body and hash of an event's line; null: it is none. The hash is compared with what is computed. */
export function splitLine(line: string): { body: string; hash: string } | null {
  const hashAt = line.length - HASH_CHARACTERS - 2;
  const bodyEnd = hashAt - BEFORE_HASH.length;
  return bodyEnd > HEAD.length &&
    line.startsWith(HEAD) &&
    line.startsWith(BEFORE_HASH, bodyEnd) &&
    line.endsWith('"}')
    ? { body: line.slice(HEAD.length, bodyEnd), hash: line.slice(hashAt, -2) }
    : null;
}

const TAIL =
  /,"pid":(?:0|[1-9]\d{0,15}),"prev":"([0-9a-f]{64})","seq":(0|[1-9]\d{0,15}),"source":"[a-z]{1,16}","time_ms":(0|[1-9]\d{0,15}),"v":"ringfence-audit\/1"\}$/;

/** Characters from the end of a body in which all that the chain has put there stands. */
const TAIL_CHARACTERS = 240;

/** The place that a body says it has; null: it does not end as a body does. */
export function placeOf(body: string): Place | null {
  const parts = TAIL.exec(body.slice(-TAIL_CHARACTERS));
  return parts === null
    ? null
    : { previous: parts[1] as string, seq: Number(parts[2]), timeMs: Number(parts[3]) };
}

/** An event as it is read. */
export interface StoredEvent {
  readonly agent_id: string | null;
  readonly chain: string;
  readonly kind: string;
  readonly module: string | null;
  readonly payload: Readonly<Record<string, unknown>>;
  readonly pid: number;
  readonly prev: string;
  readonly seq: number;
  readonly source: string;
  readonly time_ms: number;
  readonly v: string;
}

const BEFORE_AGENT = '{"agent_id":';
const BEFORE_CHAIN = ',"chain":"';
const BEFORE_KIND = '","kind":"';
const BEFORE_MODULE = '","module":';
const BEFORE_PAYLOAD = ',"payload":';
const BEFORE_PID = ',"pid":';
const BEFORE_PREVIOUS = ',"prev":"';

const CHAIN_CHARACTERS = 32;

const QUOTE = '"';

/** Characters of a body from the previous hash on, at least. */
const PREVIOUS_ON_MIN =
  bodyOf({ agent: '', middle: '', source: '', timeMs: 0 }, '', NO_HASH, 0).length -
  `${BEFORE_AGENT}${BEFORE_CHAIN}",`.length;

/**
 * Where the kind of an event stands in its body. No text of JSON holds what stands before it, as quotes in it are
 * escaped, so it can be looked for; mostly the name of the agent is plain, and says where it is.
 */
export function kindAt(body: string): number {
  const isNamed = body.startsWith(QUOTE, BEFORE_AGENT.length);
  const agentEnd = isNamed
    ? body.indexOf(QUOTE, BEFORE_AGENT.length + 1) + 1
    : BEFORE_AGENT.length + 'null'.length;
  const at = agentEnd + BEFORE_CHAIN.length + CHAIN_CHARACTERS;
  return (body.startsWith(BEFORE_KIND, at) ? at : body.indexOf(BEFORE_KIND)) + BEFORE_KIND.length;
}

/** What an event says itself, each as JSON. */
export interface SaidTexts {
  readonly agent: string;
  readonly module: string;
  readonly payload: string;
  readonly pid: string;
}

/**
 * What an event says itself, of a body that was written here or verified, its kind standing at `kind`: each field
 * is cut out, as what the chain has put around them is more than they are. A payload may hold what stands before
 * one, so what is behind it is looked for from the end.
 */
export function saidTexts(body: string, kind: number): SaidTexts {
  const chainAt = kind - BEFORE_KIND.length - CHAIN_CHARACTERS - BEFORE_CHAIN.length;
  const moduleAt = body.indexOf(QUOTE, kind) + BEFORE_MODULE.length;
  const payloadAt = body.indexOf(BEFORE_PAYLOAD, moduleAt);
  const previousAt = body.lastIndexOf(BEFORE_PREVIOUS, body.length - PREVIOUS_ON_MIN);
  const pidAt = body.lastIndexOf(BEFORE_PID, previousAt);
  return {
    agent: body.slice(BEFORE_AGENT.length, chainAt),
    module: body.slice(moduleAt, payloadAt),
    payload: body.slice(payloadAt + BEFORE_PAYLOAD.length, pidAt),
    pid: body.slice(pidAt + BEFORE_PID.length, previousAt),
  };
}

/** The same, parsed. */
export function saidIn(body: string): Pick<StoredEvent, 'agent_id' | 'module' | 'payload' | 'pid'> {
  const { agent, module, payload, pid } = saidTexts(body, kindAt(body));
  return {
    agent_id: JSON.parse(agent) as string | null,
    module: JSON.parse(module) as string | null,
    payload: JSON.parse(payload) as StoredEvent['payload'],
    pid: JSON.parse(pid) as number,
  };
}
