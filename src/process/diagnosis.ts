/** What may be found out of an agent beside its report: where it stood when it trapped, and where its fuel went. */

/** What is to be found out of one agent. */
export interface Diagnosis {
  /** Where it stood when it trapped. */
  readonly backtrace: boolean;
  /** Units of fuel between two looks at where it stands; 0: none is taken. */
  readonly profileEvery: number;
}

/** A place in one of the metered core modules of a component. What it is in the component itself says `symbolize`. */
export interface MeteredPlace {
  /** Which core module, in the order of the component. */
  readonly module: number;
  /** Of the instruction, from the beginning of the metered module's bytes. */
  readonly offset: number;
}

/** A way through functions at which fuel was used. */
export interface ProfileNode {
  /** Index of the node that called it; -1: none has. */
  readonly parent: number;
  readonly place: MeteredPlace;
  /** Units that were used here, those of its callees not counted. */
  readonly fuel: number;
}

/** Where fuel went. The same for each run of the same module on the same input. */
export interface Profile {
  /** Units between two looks. */
  readonly every: number;
  /** Callers stand before what they call. */
  readonly nodes: readonly ProfileNode[];
  /** Units that are in no node: used before the first look, or behind the most nodes that are kept. */
  readonly elsewhere: number;
}

/** What was found out. */
export interface Findings {
  /** The innermost place is first; empty: it has not trapped, or not in its own code. */
  readonly backtrace: readonly MeteredPlace[];
  /** Null: none was taken. */
  readonly profile: Profile | null;
}

/** Fewest units between two looks: each takes microseconds. */
export const PROFILE_EVERY_MIN = 1_000;
/** Places of a backtrace, and of one look for a profile: what is further out is left away. */
export const PLACES_MAX = 64;
/** Nodes of a profile. */
export const PROFILE_NODES_MAX = 10_000;
