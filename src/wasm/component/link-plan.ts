/**
 * The link plan: what is to be done to start a component, as plain JSON without indices of the binary
 * format. It is made once from a component and kept in the cache; link.ts carries it out at each start.
 */

import type { Features } from '../metering/features.ts';
import type { CheckedImport } from './check.ts';
import type { StringEncoding } from './types.ts';

/** Raised whenever a plan's meaning changes, so that cached ones are made anew. */
export const PLAN_FORMAT = 8;

/** Something that core instances export, or a lowered function. */
export type CoreReference =
  | { readonly instance: number; readonly name: string }
  | { readonly lowered: number };

/** A core function that leads to the host. Its memory and realloc are looked up at each call. */
export type LoweredFunction =
  | {
      readonly kind: 'function';
      /** Without version: `wasi:io/streams`. */
      readonly interface: string;
      /** What the component imports: `0.2.3`. */
      readonly version: string;
      /** `[method]input-stream.read`. */
      readonly name: string;
      readonly encoding: StringEncoding;
      readonly memory: CoreReference | null;
      readonly realloc: CoreReference | null;
    }
  | { readonly kind: 'resource-drop'; readonly interface: string; readonly resource: string };

/** Makes one core instance; its index is its place among the steps. */
export type PlanStep =
  | {
      readonly kind: 'instantiate';
      readonly module: number;
      /** Import module name, index of the instance that stands for it. */
      readonly args: readonly (readonly [string, number])[];
    }
  | { readonly kind: 'inline'; readonly exports: readonly (readonly [string, CoreReference])[] }
  /** Calls a function that stands for a start function, and makes no instance. */
  | { readonly kind: 'start'; readonly function: CoreReference };

/** What is known of a metered core module; its bytes travel beside the plan. */
export interface PlanModule {
  /** Bytes of the metered module. */
  readonly size: number;
  /** The import module name of what metering injected. */
  readonly injected: string;
  /** The export that was its start function. */
  readonly startExport: string | null;
  readonly memories: readonly {
    readonly initialPages: number;
    readonly maximumPages: number | null;
    readonly is64: boolean;
  }[];
  /** Whether these are imports `memory:0` and so on of what is injected, to be given by the host. */
  readonly importsMemories: boolean;
  readonly tables: readonly { readonly initial: number; readonly maximum: number | null }[];
  /** Exports for the host of all that can change in an instance; null: something else can, too. */
  readonly image: {
    /** None where they are imports. */
    readonly memories: readonly string[];
    /** Functions that answer and take the values of all mutable globals; null: there are none. */
    readonly globals: {
      readonly read: string;
      readonly write: string;
      readonly count: number;
    } | null;
  } | null;
  /** What instantiating it copies, to be charged then. */
  readonly segmentBytes: number;
  /** Its types, a long one as several: V8 keeps each distinct one for as long as the process lives. */
  readonly types: number;
}

/** The function that an agent's life is the call of, or the calls. */
export interface PlanEntry {
  /** `http-handle` is called again and again: once for each request. */
  readonly kind: 'agent-run' | 'wasi-cli-run' | 'http-handle';
  readonly core: CoreReference;
  readonly postReturn: CoreReference | null;
  readonly memory: CoreReference | null;
  readonly encoding: StringEncoding;
}

/** How to start a component. */
export interface LinkPlan {
  readonly format: typeof PLAN_FORMAT;
  readonly modules: readonly PlanModule[];
  readonly steps: readonly PlanStep[];
  readonly lowered: readonly LoweredFunction[];
  readonly imports: readonly CheckedImport[];
  readonly exports: readonly string[];
  readonly entry: PlanEntry;
  /** What its modules use of the features that have to be allowed, before they are compiled and at each spawn. */
  readonly features: Features;
  /** Whether one of its modules handles exceptions in the form that the standard no longer has. */
  readonly legacyExceptions: boolean;
  /** Memories (pages of 64 KiB) and tables (16 bytes an element) of all its core instances. */
  readonly declaredBytes: number;
}

const PAGE_BYTES = 65_536;
const TABLE_ELEMENT_BYTES = 16;

/**
 * What the memories and tables of a plan's instances may grow to by their own declarations; null: one of them has
 * no bound but its type's.
 */
export function maximumBytes({
  steps,
  modules,
}: Pick<LinkPlan, 'steps' | 'modules'>): number | null {
  let bytes = 0;
  for (const step of steps) {
    if (step.kind !== 'instantiate') continue;
    const { memories, tables } = modules[step.module]!;
    for (const { maximumPages } of memories) {
      if (maximumPages === null) return null;
      bytes += maximumPages * PAGE_BYTES;
    }
    for (const { initial, maximum } of tables) bytes += (maximum ?? initial) * TABLE_ELEMENT_BYTES;
  }
  return bytes;
}

/** What the instances of a plan have from the start on: pages of memories, elements of tables. */
export function declaredBytes(steps: readonly PlanStep[], modules: readonly PlanModule[]): number {
  let bytes = 0;
  for (const step of steps) {
    if (step.kind !== 'instantiate') continue;
    const { memories, tables } = modules[step.module]!;
    for (const { initialPages } of memories) bytes += initialPages * PAGE_BYTES;
    for (const { initial } of tables) bytes += initial * TABLE_ELEMENT_BYTES;
  }
  return bytes;
}
