/** Where an agent has used so much of a limit that it is warned: once of each. */

import type { Counters } from './control-blocks.ts';
import type { Limits } from './limits.ts';

/** What an agent is warned of, under the names of reports. */
export const RESOURCE_KINDS = [
  'fuel',
  'memory',
  'cpu_time',
  'messages',
  'tool_calls',
  'disk',
] as const;
/** What an agent can run out of. */
export type ResourceKind = (typeof RESOURCE_KINDS)[number];

/** The part of a limit at which its agent is warned (the reference's number). */
const WARNING_PART = 0.8;

const MICROSECONDS_PER_MS = 1_000;

/** The limit of each kind; 0 is unlimited. CPU time is in milliseconds, fuel in units, the rest in bytes or how many. */
export function limitOf(limits: Limits, kind: ResourceKind): number {
  switch (kind) {
    case 'fuel':
      return limits.fuel;
    case 'memory':
      return limits.memoryBytes;
    case 'cpu_time':
      return limits.cpuTimeMs;
    case 'messages':
      return limits.messages;
    case 'tool_calls':
      return limits.toolCalls;
    case 'disk':
      return limits.diskBytes;
  }
}

/** What was counted of each kind, in the unit of its limit. */
export function usedOf(counters: Counters, kind: ResourceKind): number {
  switch (kind) {
    case 'fuel':
      return counters.fuel;
    case 'memory':
      return counters.memoryBytes;
    case 'cpu_time':
      return Math.floor(counters.cpuTimeMicroseconds / MICROSECONDS_PER_MS);
    case 'messages':
      return counters.messagesSent;
    case 'tool_calls':
      return counters.toolCalls;
    case 'disk':
      return counters.diskBytes;
  }
}

const markOf = (limits: Limits, kind: ResourceKind): number =>
  limitOf(limits, kind) === 0 ? Number.POSITIVE_INFINITY : limitOf(limits, kind) * WARNING_PART;

/** Whether so much of a limit is used that its agent is warned of it, or was. */
export function isNearLimit(limits: Limits, counters: Counters): boolean {
  return RESOURCE_KINDS.some((kind) => usedOf(counters, kind) >= markOf(limits, kind));
}

/** The marks of one agent that were not passed yet. */
export class LimitMarks {
  readonly #marks: Record<ResourceKind, number>;

  constructor(limits: Limits) {
    const mark = (kind: ResourceKind): number => markOf(limits, kind);
    this.#marks = {
      fuel: mark('fuel'),
      memory: mark('memory'),
      cpu_time: mark('cpu_time'),
      messages: mark('messages'),
      tool_calls: mark('tool_calls'),
      disk: mark('disk'),
    };
  }

  /** Whether this is the first that is so much; unlimited kinds never are. */
  passes(kind: ResourceKind, used: number): boolean {
    if (used < this.#marks[kind]) {
      return false;
    }
    this.#marks[kind] = Number.POSITIVE_INFINITY;
    return true;
  }
}
