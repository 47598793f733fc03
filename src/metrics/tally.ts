/** Sums over agents: what those that have exited used and did, and with them those that run. */

import { CAPABILITY_NAME } from '../capability/grant.ts';
import type { ExitReason } from '../process/exit.ts';
import type { Usage } from '../resource/usage.ts';
import type { Denial } from '../supervisor/report.ts';

/** What of an agent is added up. */
export interface Counted {
  readonly usage: Usage;
  readonly denials: ReadonlyMap<string, Denial>;
}

const CAPABILITIES: ReadonlySet<string> = new Set(Object.values(CAPABILITY_NAME));
/** A process of its own says itself what its gate has denied, and could say any name. */
const OTHER_CAPABILITY = 'other';

/** Sums over agents. They never go down. */
export class Tally {
  restarts = 0;
  messagesSent = 0;
  toolCalls = 0;
  fuel = 0;
  cpuTimeMs = 0;
  slices = 0;
  networkRequests = 0;
  networkBytesOut = 0;
  networkBytesIn = 0;
  readonly exits: Map<ExitReason, number>;
  /** By the capability that was missing. */
  readonly denials: Map<string, number>;

  constructor(from?: Tally) {
    this.exits = new Map(from?.exits);
    this.denials = new Map(from?.denials);
    if (from !== undefined) {
      const { restarts, messagesSent, toolCalls, fuel, cpuTimeMs, slices } = from;
      Object.assign(this, { restarts, messagesSent, toolCalls, fuel, cpuTimeMs, slices });
      const { networkRequests, networkBytesOut, networkBytesIn } = from;
      Object.assign(this, { networkRequests, networkBytesOut, networkBytesIn });
    }
  }

  /** An agent has exited. */
  exited(reason: ExitReason, agent: Counted): void {
    this.exits.set(reason, (this.exits.get(reason) ?? 0) + 1);
    this.add(agent);
  }

  add({ usage, denials }: Counted): void {
    this.messagesSent += usage.messages_sent;
    this.toolCalls += usage.tool_calls;
    this.fuel += usage.fuel;
    this.cpuTimeMs += usage.cpu_time_ms;
    this.slices += usage.slices;
    this.networkRequests += usage.network_requests;
    this.networkBytesOut += usage.network_bytes_out;
    this.networkBytesIn += usage.network_bytes_in;
    for (const { capability, count } of denials.values()) {
      const name = CAPABILITIES.has(capability) ? capability : OTHER_CAPABILITY;
      this.denials.set(name, (this.denials.get(name) ?? 0) + count);
    }
  }

  /** The same, and what agents that run have used and done so far. */
  with(running: Iterable<Counted>): Tally {
    const sum = new Tally(this);
    for (const agent of running) {
      sum.add(agent);
    }
    return sum;
  }
}
