/** Erlang, which does the same in a program of its own. */

import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { CALLS } from './job.ts';
import type { Measured } from './running.ts';
import { NO_FENCES } from './subject.ts';

const ERLANG = fileURLToPath(new URL('erlang.escript', import.meta.url));

/** Null: Erlang is not installed. */
export function ofErlang(): Measured | null {
  try {
    const text = execFileSync('escript', [ERLANG], { encoding: 'utf8', timeout: 120_000 });
    const { version, lives, rates, compute, calls, bytes } = JSON.parse(text) as {
      version: string;
      lives: number[];
      rates: number[];
      compute: number[];
      calls: number[];
      bytes: number | null;
    };
    return {
      name: `Erlang ${version}`,
      // A process can be killed at any time, and its heap bounded; what it may call is not.
      fences: { ...NO_FENCES, endsLoops: true, boundsMemory: true },
      lives,
      rates,
      computes: compute,
      calls,
      callsInJob: CALLS,
      bytes,
    };
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ENOENT') return null;
    throw error;
  }
}
