/** What `ringfence bench` tells: the JSON that `--json` prints. Keys are only ever added. */

import type { Spread } from './spread.ts';

/** What could not be measured, and why, in the words for people. */
export interface Unmeasured {
  readonly unmeasured: string;
}

/** All of it; a part that was not asked for is null. Times are in milliseconds. */
export interface Told {
  readonly module: {
    readonly path: string;
    readonly sha256: string;
    readonly world: string;
    readonly isolation: string;
  };
  readonly machine: {
    readonly node: string;
    readonly v8: string;
    readonly platform: string;
    readonly arch: string;
    readonly cores: number;
    readonly cpu: string;
    readonly memory_bytes: number;
  };
  /** The first run, by which the others are judged. */
  readonly run: {
    readonly kind: 'ends' | 'waits' | 'computes' | 'serves';
    readonly exit: { readonly reason: string; readonly code: number | null } | null;
    /** Of the response, where it handles requests. */
    readonly status: number | null;
    readonly wall_ms: number;
    readonly input_bytes: number;
    readonly output_bytes: number;
  } | null;
  readonly prepare: { readonly cold_ms: Spread | null; readonly cached_ms: Spread | null } | null;
  readonly start: {
    readonly first_instruction_ms: Spread | null;
    readonly exit_ms: Spread | null;
    readonly sustained:
      | { readonly per_second: number; readonly runs: number; readonly at_a_time: number }
      | Unmeasured;
  } | null;
  readonly fuel:
    | {
        readonly least: number;
        readonly most: number;
        /** Whether all runs have used the same. */
        readonly same: boolean;
        readonly runs: number;
        readonly per_second: number | null;
      }
    | Unmeasured
    | null;
  /** Against the same component without metering: CPU time of runs, each in a process of its own. */
  readonly plain:
    | {
        readonly metered_cpu_ms: Spread;
        readonly plain_cpu_ms: Spread;
        readonly ratio_least: number;
        readonly ratio_median: number;
      }
    | Unmeasured
    | null;
  readonly memory:
    | {
        readonly declared_bytes: number;
        readonly resident_bytes_per_agent: number;
        readonly agents_held: number;
        readonly fit: {
          readonly in_bytes: number;
          readonly agents: number;
          readonly bound_by: 'memory' | 'capacity' | 'refused';
          readonly refusal: string | null;
          readonly reached: boolean;
        };
      }
    | Unmeasured
    | null;
}

/** Whether it says why there is nothing. */
export const isUnmeasured = (part: object): part is Unmeasured => 'unmeasured' in part;
