/** Reading a chain's events: some of them, and those to come. */

import { statSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { RingfenceError } from '../errors.ts';
import { type StoredEvent, splitLine } from './event.ts';
import { ChainDatabase } from './store/database.ts';
import { readError } from './store/error.ts';
import { textLines } from './text-lines.ts';

/** How often a chain that is followed is looked at. */
const FOLLOW_MS = 200;

/** The last moment that a date has (ECMA-262, 21.4.1.1). */
const TIME_MS_MAX = 8.64e15;

/** Which events; all that are given must fit. */
export interface EventFilter {
  readonly pid?: number;
  readonly agentId?: string;
  /** SHA-256 of a module. */
  readonly module?: string;
  /** Kinds, or their beginnings: `agent.` */
  readonly kinds?: readonly string[];
  /** Milliseconds since 1970. */
  readonly sinceMs?: number;
  readonly untilMs?: number;
  /** The first sequence number. */
  readonly from?: number;
}

/** How to read. */
export interface ReadOptions extends EventFilter {
  /** Go on with what is written from now on, until the signal. */
  readonly follow?: boolean;
  readonly signal?: AbortSignal;
}

function fits(event: StoredEvent, filter: EventFilter): boolean {
  const { pid, agentId, module, kinds, sinceMs = 0, untilMs = Number.POSITIVE_INFINITY } = filter;
  return (
    (pid === undefined || event.pid === pid) &&
    (agentId === undefined || event.agent_id === agentId) &&
    (module === undefined || event.module === module) &&
    (kinds === undefined ||
      kinds.some((kind) =>
        kind.endsWith('.') ? event.kind.startsWith(kind) : event.kind === kind,
      )) &&
    event.time_ms >= sinceMs &&
    event.time_ms <= untilMs &&
    event.seq >= (filter.from ?? 0)
  );
}

/** The events among lines that fit; answers what the lines answer. */
function* eventsOf<End>(
  lines: Generator<string, End>,
  filter: EventFilter,
): Generator<StoredEvent, End> {
  for (;;) {
    const { done, value } = lines.next();
    if (done) {
      return value;
    }
    const event = eventOf(value, filter);
    if (event !== null) {
      yield event;
    }
  }
}

function eventOf(line: string, filter: EventFilter): StoredEvent | null {
  const parts = splitLine(line);
  if (parts === null) {
    return null;
  }
  const event = parsed(parts.body);
  return fits(event, filter) ? event : null;
}

function parsed(body: string): StoredEvent {
  try {
    const event: unknown = JSON.parse(body);
    if (typeof event === 'object' && event !== null && isEvent(event)) {
      return event;
    }
  } catch {
    // It is no event, as what has other names is none.
  }
  throw new RingfenceError(
    'RF_AUDIT_INVALID',
    "Cannot read the audit chain as a line of it is no event: 'ringfence audit verify' says which one.",
  );
}

/** Whether it has what is filtered by and shown, each of its type. */
function isEvent(event: object): event is StoredEvent {
  const { agent_id, kind, payload, pid, seq, time_ms } = event as Partial<StoredEvent>;
  return (
    (agent_id === null || typeof agent_id === 'string') &&
    typeof kind === 'string' &&
    typeof payload === 'object' &&
    payload !== null &&
    [pid, seq].every((number) => Number.isSafeInteger(number)) &&
    typeof time_ms === 'number' &&
    Math.abs(time_ms) <= TIME_MS_MAX
  );
}

/**
 * The events of a chain, in order: of a directory, or of a file of JSON lines. It does not verify them.
 *
 * @throws {RingfenceError} `RF_FILE`, `RF_AUDIT_INVALID` for what is no chain
 */
export async function* readEvents(
  path: string,
  options: ReadOptions = {},
): AsyncGenerator<StoredEvent> {
  if (statSync(path, { throwIfNoEntry: false })?.isFile()) {
    for await (const line of textLines(path)) {
      const event = eventOf(line, options);
      if (event !== null) {
        yield event;
      }
    }
    return;
  }
  const database = ChainDatabase.openToRead(path);
  try {
    const first = options.sinceMs === undefined ? 0 : database.firstAt(options.sinceMs);
    let next = Math.max(options.from ?? 0, first);
    while (!options.signal?.aborted) {
      next = yield* eventsOf(database.lines(next), options);
      if (!options.follow) {
        return;
      }
      await sleep(FOLLOW_MS, undefined, { signal: options.signal }).catch(() => {});
    }
  } catch (error) {
    throw readError(error);
  } finally {
    database.close();
  }
}
