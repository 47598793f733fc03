/** What a check says of a component. */

import type { WorldFit } from './fit-world.ts';

/** Something that is not as it should be. */
export interface CheckProblem {
  /** `error`: it keeps the component from running, or from doing what it is for. */
  readonly severity: 'error' | 'warning';
  /** What is wrong, and what to do. */
  readonly message: string;
}

/** A kind of grant that a component can use. */
export interface CheckedGrant {
  readonly grant: string;
  /** The functions that it imports and that need it: `ringfence:agent/tools#call`. */
  readonly functions: readonly string[];
  /** Whether the policy gives some of it; null: there is no policy. */
  readonly granted: boolean | null;
}

/** What a component takes to come to its first host call, or to its end without one. */
export interface CheckedStart {
  /** Units of fuel: the same each time. */
  readonly fuel: number;
  /** The host function that it calls first; null: it has ended before. */
  readonly until: string | null;
}

/** What a component is, what it needs, and what is wrong with it. */
export interface ComponentCheck {
  readonly file: string;
  readonly sizeBytes: number;
  readonly sha256: string;
  /** What it is run as; null: it can't be run. */
  readonly world: 'ringfence:agent' | 'wasi:cli' | 'wasi:http' | null;
  readonly imports: readonly {
    readonly interface: string;
    readonly version: string | null;
    readonly functions: readonly string[];
  }[];
  readonly exports: readonly string[];
  readonly grants: readonly CheckedGrant[];
  /** Kinds that the policy gives and that it can't use. */
  readonly unusedGrants: readonly string[];
  /** The policy and the line of its entry for the component; null: there is no policy. */
  readonly policy: { readonly path: string; readonly line: number | null } | null;
  readonly memory: {
    /** What it has from its start on: memories and tables. Null: it can't be run. */
    readonly declaredBytes: number | null;
    /** What these may grow to by its own declaration; null: it sets no bound. */
    readonly maximumBytes: number | null;
    /** What it may have, as the policy says, or as is the default; 0: there is no limit. */
    readonly limitBytes: number;
  };
  /** What it uses of the features that have to be allowed. */
  readonly features: readonly string[];
  /** Null: it can't be run, handles requests and is started for them, or declares more memory than its limit. */
  readonly start: CheckedStart | null;
  /** How it stands to its project's world; null: it was not compared with any. */
  readonly fit: WorldFit | null;
  readonly problems: readonly CheckProblem[];
}

/** Whether nothing keeps it from running. */
export const isGood = ({ problems }: Pick<ComponentCheck, 'problems'>): boolean =>
  problems.every(({ severity }) => severity !== 'error');
