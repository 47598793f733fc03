/** Watches what an agent's process takes of the machine, from outside. Only Linux tells. */

import { readFileSync } from 'node:fs';
import type { ProcessBounds } from './confine.ts';

/** How often it is looked at. */
const LOOK_EVERY_MS = 50;

/** CPU time that the process of a suspended agent may take: for what it had begun… */
const REST_CPU_MS = 1_000;
/** …and this part of the time, for its own clocks and collections. */
const REST_CPU_PART = 1 / 20;

/** The kernel's unit of CPU time towards programs, on every machine. */
const TICK_MS = 10;

/** What a process takes. */
export interface ProcessUse {
  readonly residentBytes: number;
  readonly cpuTimeMs: number;
}

/** The fields of a process' `stat` from the third on; null: it is gone, or there is none. */
function statOf(systemPid: number): string[] | null {
  try {
    const stat = readFileSync(`/proc/${systemPid}/stat`, 'latin1');
    // The name in brackets may hold anything; the fields count from behind it.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    return null;
  }
}

/** Who has started a process; null: it is gone, or the system doesn't tell. */
export function parentOf(systemPid: number): number | null {
  const fields = statOf(systemPid);
  return fields === null ? null : Number(fields[1]);
}

/** Null: it is gone, or the system doesn't tell. */
export function useOf(systemPid: number): ProcessUse | null {
  try {
    const status = readFileSync(`/proc/${systemPid}/status`, 'latin1');
    const resident = /^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1];
    const fields = statOf(systemPid) ?? [];
    const ticks = Number(fields[11]) + Number(fields[12]);
    if (resident === undefined || Number.isNaN(ticks)) {
      return null;
    }
    return { residentBytes: Number(resident) * 1024, cpuTimeMs: ticks * TICK_MS };
  } catch {
    return null;
  }
}

/** What a process took too much of. */
export type Passed = 'memory' | 'cpu_time' | 'rest';

/** Looks at a process until it is stopped; `passed` is called once. */
export class ProcessWatch {
  readonly #systemPid: number;
  readonly #bounds: ProcessBounds;
  readonly #timer: NodeJS.Timeout;
  /** Since when it is to be at rest, and what it had used by then; null: it need not. */
  #rest: { readonly sinceMs: number; readonly cpuTimeMs: number } | null = null;

  constructor(systemPid: number, bounds: ProcessBounds, passed: (what: Passed) => void) {
    this.#systemPid = systemPid;
    this.#bounds = bounds;
    this.#timer = setInterval(() => {
      const what = this.#look();
      if (what !== null) {
        this.stop();
        passed(what);
      }
    }, LOOK_EVERY_MS).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** From now on it has nothing to do. */
  beginRest(): void {
    const use = useOf(this.#systemPid);
    this.#rest = use && { sinceMs: performance.now(), cpuTimeMs: use.cpuTimeMs };
  }

  endRest(): void {
    this.#rest = null;
  }

  #look(): Passed | null {
    const use = useOf(this.#systemPid);
    if (use === null) {
      return null;
    }
    const { residentBytes, cpuTimeMs } = this.#bounds;
    if (residentBytes !== null && use.residentBytes > residentBytes) {
      return 'memory';
    }
    if (cpuTimeMs !== null && use.cpuTimeMs > cpuTimeMs) {
      return 'cpu_time';
    }
    return this.#isRestless(use) ? 'rest' : null;
  }

  #isRestless(use: ProcessUse): boolean {
    if (this.#rest === null) {
      return false;
    }
    const allowedMs = REST_CPU_MS + (performance.now() - this.#rest.sinceMs) * REST_CPU_PART;
    return use.cpuTimeMs - this.#rest.cpuTimeMs > allowedMs;
  }
}
