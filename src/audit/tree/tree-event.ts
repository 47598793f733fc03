/**
 * What the resource tree reads of an event. Two events come with each agent: where these look as they are written
 * here they are not parsed, what is needed of them is cut out. It is what parsing gives (a test compares the two).
 */

import { saidIn, saidTexts } from '../event.ts';

/** An agent was spawned. */
export interface Spawn {
  readonly agentId: string;
  readonly module: string | null;
  readonly parentPid: number;
  readonly pid: number;
}

/** An agent has ended. */
export interface End {
  readonly code: number | null;
  readonly pid: number;
  readonly reason: string;
}

/** What an event says itself. */
export type Said = ReturnType<typeof saidIn>;

/** A chain that is verified may hold anything: what is not of its type is nothing. */
export const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

export const numberOf = (value: unknown): number => (typeof value === 'number' ? value : 0);

/** What an event says; null: its payload is no object, and nothing is made of it. */
export function readSaid(body: string): Said | null {
  const { payload, ...rest } = saidIn(body);
  return typeof payload === 'object' && payload !== null ? { payload, ...rest } : null;
}

/** A text or null of JSON. */
const nameOf = (json: string): string | null =>
  json.startsWith('"') && !json.includes('\\')
    ? json.slice(1, -1)
    : (JSON.parse(json) as string | null);

/** How the payload of a spawn ends. Quotes within texts are escaped: what stands here in quotes are its own names. */
const SPAWN_END = /,"parent_pid":(\d{1,15}),"restarted_from":(?:null|\d{1,15})\}$/;

/** Characters in which that stands. */
const SPAWN_END_CHARACTERS = 80;

/** Reads an `agent.spawn`, its kind standing at `kind`; null: it says nothing. */
export function readSpawn(body: string, kind: number): Spawn | null {
  const texts = saidTexts(body, kind);
  const end = SPAWN_END.exec(texts.payload.slice(-SPAWN_END_CHARACTERS));
  if (end !== null) {
    return {
      agentId: nameOf(texts.agent) ?? '',
      module: nameOf(texts.module),
      parentPid: Number(end[1]),
      pid: Number(texts.pid),
    };
  }
  const said = readSaid(body);
  return (
    said && {
      agentId: said.agent_id ?? '',
      module: said.module,
      parentPid: numberOf(said.payload.parent_pid),
      pid: said.pid,
    }
  );
}

/** How the payload of an exit begins. */
const EXIT_START =
  /^\{"code":(null|-?\d{1,15}),"denials":\d{1,15},"fuel_table":"[^"\\]*","message":(?:null|"[^"\\]*"),"reason":"([^"\\]*)","usage":/;

/** Reads an `agent.exit`, its kind standing at `kind`; null: it says nothing. */
export function readEnd(body: string, kind: number): End | null {
  const texts = saidTexts(body, kind);
  const start = EXIT_START.exec(texts.payload);
  if (start !== null) {
    const [, code, reason = ''] = start;
    return { code: code === 'null' ? null : Number(code), pid: Number(texts.pid), reason };
  }
  const said = readSaid(body);
  return (
    said && {
      code: said.payload.code === null ? null : numberOf(said.payload.code),
      pid: said.pid,
      reason: textOf(said.payload.reason),
    }
  );
}
