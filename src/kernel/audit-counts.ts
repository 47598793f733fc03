/**
 * What may happen again and again, as whoever runs the guest likes: it is counted, and each count becomes one
 * event, every 10 s and when its agent ends. No guest can flood the chain with it.
 */

import type { AuditEvent } from '../audit/vocabulary.ts';
import { KERNEL_PID, type Pid } from '../process/state.ts';

/** Counts that are kept between two tellings: agents can end, and others can be spawned, without end. */
export const COUNTS_MAX = 16_384;

/** What is counted. `name` tells apart what one agent does. */
export type Counted =
  | { readonly kind: 'ipc.dead_letter'; readonly name: string }
  | { readonly kind: 'ipc.lost'; readonly name: null }
  | { readonly kind: 'tool.read'; readonly name: null; readonly tool: string | null }
  | { readonly kind: 'tool.refuse'; readonly name: string; readonly tool: string | null };

interface Count {
  readonly what: Counted;
  readonly firstMs: number;
  count: number;
}

/** What became of one count. */
export type CountEvent = Extract<AuditEvent, { readonly kind: Counted['kind'] }>;

function eventOf(pid: Pid, { what, count, firstMs }: Count): CountEvent {
  const since = { count, first_ms: firstMs };
  switch (what.kind) {
    case 'ipc.dead_letter':
      return { kind: what.kind, pid, payload: { ...since, reason: what.name } };
    case 'ipc.lost':
      return { kind: what.kind, pid, payload: since };
    case 'tool.read':
      return { kind: what.kind, pid, payload: { ...since, tool: what.tool } };
    case 'tool.refuse':
      return {
        kind: what.kind,
        pid,
        payload: { ...since, outcome: what.name, tool: what.tool },
      };
  }
}

/** Counts by agent. */
export class AuditCounts {
  readonly #byAgent = new Map<Pid, Map<string, Count>>();
  readonly #now: () => number;
  #size = 0;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Counts what an agent has done; where there are too many counts already, without saying who. */
  add(pid: Pid, what: Counted, more = 1): void {
    const whose = this.#size < COUNTS_MAX || this.#byAgent.has(pid) ? pid : KERNEL_PID;
    const counts = this.#byAgent.get(whose) ?? new Map<string, Count>();
    this.#byAgent.set(whose, counts);
    // Without a tool's name there is a bounded number of them.
    const told = this.#size >= COUNTS_MAX && 'tool' in what ? { ...what, tool: null } : what;
    const key = `${told.kind} ${told.name} ${'tool' in told ? told.tool : ''}`;
    const known = counts.get(key);
    if (known === undefined) {
      counts.set(key, { what: told, firstMs: this.#now(), count: more });
      this.#size += 1;
    } else {
      known.count += more;
    }
  }

  /** The counts of an agent, from none again. */
  take(pid: Pid): CountEvent[] {
    const counts = this.#byAgent.get(pid);
    if (counts === undefined) {
      return [];
    }
    this.#byAgent.delete(pid);
    this.#size -= counts.size;
    return Array.from(counts.values(), (count) => eventOf(pid, count));
  }

  /** All counts, from none again. */
  takeAll(): CountEvent[] {
    return [...this.#byAgent.keys()].flatMap((pid) => this.take(pid));
  }
}
