/** Reading a chain's events: some of them, and those to come. */

import { createReadStream, statSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { type StoredEvent, splitLine } from './event.ts';
import { ChainDatabase } from './store/database.ts';

/** How often a chain that is followed is looked at. */
const FOLLOW_MS = 200;

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
  const event = JSON.parse(parts.body) as StoredEvent;
  return fits(event, filter) ? event : null;
}

/**
 * The events of a chain, in order: of a directory, or of a file of JSON lines. It does not verify them.
 *
 * @throws {RingfenceError} `RF_FILE`
 */
export async function* readEvents(
  path: string,
  options: ReadOptions = {},
): AsyncGenerator<StoredEvent> {
  if (statSync(path, { throwIfNoEntry: false })?.isFile()) {
    const lines = createInterface({ input: createReadStream(path), crlfDelay: Infinity });
    for await (const line of lines) {
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
  } finally {
    database.close();
  }
}
