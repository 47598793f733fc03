/**
 * What may be found out of an agent beside its report: where it stood when it trapped, where its fuel went,
 * and what it has called of the host.
 */

/** What is to be found out of one agent. */
export interface Diagnosis {
  /** Where it stood when it trapped. */
  readonly backtrace: boolean;
  /** Units of fuel between two looks at where it stands; 0: none is taken. */
  readonly profileEvery: number;
  /** So many of its host calls are kept, the last ones; 0: none. */
  readonly lastCalls: number;
  /** Each of its host calls is told of as it is made. */
  readonly trace: boolean;
}

/** How far a host call has come. */
export const CALL_OUTCOMES = [
  /** It has answered. */
  'answered',
  /** The agent was denied it: it has a typed answer for that, or the agent has ended in it. */
  'denied',
  /** It has not answered yet, and the agent waits: the same call is told of once more when it has. */
  'waiting',
  /** The agent has ended in it. */
  'ended',
] as const;
export type HostCallOutcome = (typeof CALL_OUTCOMES)[number];

/** A call of a host function, in short. */
export interface HostCall {
  /** From 1, in the order in which the agent has made them. */
  readonly call: number;
  /** `wasi:io/streams#[method]input-stream.read`. */
  readonly function: string;
  /** Units of fuel used when it was called. */
  readonly fuel: number;
  /** Without brackets. */
  readonly arguments: string;
  /** Null: there is none, yet or at all. */
  readonly answer: string | null;
  readonly outcome: HostCallOutcome;
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
  /** Its last host calls, in their order: their texts and bytes by their sizes, but for short arguments. */
  readonly lastCalls: readonly HostCall[];
  /** Host calls that it has made, where they were looked at; else 0. */
  readonly hostCalls: number;
}

/** Fewest units between two looks: each takes microseconds. */
export const PROFILE_EVERY_MIN = 1_000;
/** Places of a backtrace, and of one look for a profile: what is further out is left away. */
export const PLACES_MAX = 64;
/** Host calls that may be kept of an agent. */
export const LAST_CALLS_MAX = 100;
/** Nodes of a profile. */
export const PROFILE_NODES_MAX = 10_000;
