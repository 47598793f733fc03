/** The watchdog of a kernel: sweeps again and again, one sweep at a time. */

import * as z from 'zod';
import type { Pid } from '../process/state.ts';
import { TIMER_MS_MAX } from '../timer.ts';
import { usageError } from '../usage-error.ts';

/** How long what runs an agent has to answer: the reference's watchdog looks as often. */
const WITHIN_MS_DEFAULT = 5_000;

/** How a sweep is done. */
export interface SweepOptions {
  /** How long a thread or process has to answer, in milliseconds, at least 100. @default 5,000 */
  readonly withinMs?: number;
}

/** How the watchdog sweeps. */
export interface WatchdogOptions extends SweepOptions {
  /** Milliseconds from one sweep to the next, at least 100. */
  readonly everyMs: number;
}

const milliseconds = z.int().min(100).max(TIMER_MS_MAX);
const sweepSchema = z.strictObject({ withinMs: milliseconds.optional() });

/** Reads {@link WatchdogOptions}. */
export const watchdogSchema = sweepSchema.extend({ everyMs: milliseconds });

/** How long what runs an agent has to answer. @throws {RingfenceError} `RF_USAGE` */
export function readSweep(options: SweepOptions): number {
  const parsed = sweepSchema.safeParse(options);
  if (!parsed.success) {
    throw usageError('sweep', parsed.error);
  }
  return parsed.data.withinMs ?? WITHIN_MS_DEFAULT;
}

/** What a watchdog does, and to whom it tells that. */
export interface WatchdogParts {
  sweep(withinMs: number): Promise<readonly Pid[]>;
  warn(text: string): void;
}

/** Sweeps until it is closed; the program does not stay alive for it. */
export class Watchdog {
  readonly #options: WatchdogOptions;
  readonly #parts: WatchdogParts;
  #timer: NodeJS.Timeout | null = null;
  #closed = false;

  constructor(options: WatchdogOptions, parts: WatchdogParts) {
    this.#options = options;
    this.#parts = parts;
    this.#plan();
  }

  #plan(): void {
    if (!this.#closed) {
      this.#timer = setTimeout(() => void this.#sweep(), this.#options.everyMs).unref();
    }
  }

  async #sweep(): Promise<void> {
    const reaped = await this.#parts.sweep(this.#options.withinMs ?? WITHIN_MS_DEFAULT);
    if (reaped.length > 0) {
      this.#parts.warn(`the watchdog has reaped ${reaped.length} agents: pids ${named(reaped)}`);
    }
    this.#plan();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer ?? undefined);
  }
}

/** Pids that a warning names. */
const NAMED_MAX = 10;

const named = (pids: readonly Pid[]): string =>
  `${pids.slice(0, NAMED_MAX).join(', ')}${pids.length > NAMED_MAX ? ', …' : ''}`;
