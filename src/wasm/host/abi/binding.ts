/**
 * What stands between a lowered function and the host: the contract of the generated bindings with
 * the gate (which makes the host functions) and with the worker (which runs the guest).
 */

import { RingfenceError } from '../../../errors.ts';
import type { MemoryViews } from '../../component/memory-views.ts';
import type { StringEncoding } from '../../component/types.ts';

export type { StringEncoding } from '../../component/types.ts';

/** The types of core WebAssembly values that the canonical ABI uses. */
export type CoreType = 'i32' | 'i64' | 'f32' | 'f64';

/** The canonical options of one lowered function. Memory and realloc are looked up late. */
export interface CanonicalAccess {
  memory(): WebAssembly.Memory;
  realloc(): (old: number, oldBytes: number, align: number, bytes: number) => number;
  readonly encoding: StringEncoding;
  /** Shared by all that use the same memory. */
  readonly views: MemoryViews;
}

/** The handles of one agent, as lifting and lowering use them; `handles.ts` has the table. */
export interface Handles {
  /** Gives the guest a handle that owns an object. */
  add<Name extends string>(resource: Name, rep: HostResource<Name>): number;
  /** The object behind a handle that the guest gives away: the handle is gone. */
  own<Name extends string>(resource: Name, handle: number): HostResource<Name>;
  /** The object behind a handle that the guest lends for the call. */
  borrow<Name extends string>(resource: Name, handle: number): HostResource<Name>;
  /** As `borrow`; until `endLending` the same handle can't be given away. */
  lend<Name extends string>(resource: Name, handle: number): HostResource<Name>;
  /** All parameters of the call are lifted. */
  endLending(): void;
  /** Drops a handle; answers its object, for what there is to release. */
  drop<Name extends string>(resource: Name, handle: number): HostResource<Name>;
}

/** What a lowered function may ask of the agent that it belongs to; implemented by the worker. */
export interface GuestCall<Agent = unknown> {
  readonly agent: Agent;
  readonly handles: Handles;
  /** Called first by each lowered function: never returns normally when `may_leave` is false. */
  enter(): void;
  /** Ends the guest by the uncatchable trap because it broke the canonical ABI. */
  trap(message: string): never;
  /**
   * Calls the guest's realloc with its allowance, no imports allowed meanwhile, and answers a
   * pointer that is aligned and in bounds.
   */
  allocate(access: CanonicalAccess, align: number, bytes: number): number;
  /** Charges fuel for bytes that were lifted or lowered. */
  charge(bytes: number): void;
  /**
   * Turns whatever was thrown during the call into the right end of the guest: a host function's
   * error, or the trap of the guest's own realloc, which is to be passed on. Never returns.
   */
  fail(error: unknown): never;
}

/** Marks a host function that has passed the gate. */
export const GATED: unique symbol = Symbol('ringfence.gated');

/**
 * What a blocking host function answers to be called again, with the same arguments, after its agent
 * was woken.
 */
export const WAIT: unique symbol = Symbol('ringfence.wait');

/** A host function with the gate before it: the only thing that can be bound. */
export type GatedFunction = ((call: GuestCall<never>, ...args: never[]) => unknown) & {
  readonly [GATED]: true;
  /** Whether it may answer {@link WAIT}. */
  readonly blocking: boolean;
  /** What the gate asks for; null: every agent may call it. */
  readonly capability: string | null;
};

/** Marks a function as gated. For the gate alone; nothing else in the program may call it. */
export function gated<Agent>(
  pass: (call: GuestCall<Agent>, ...args: never[]) => unknown,
  blocking: boolean,
  capability: string | null = null,
): GatedFunction {
  const marks = { [GATED]: true as const, blocking, capability };
  return Object.assign(pass, marks) as unknown as GatedFunction;
}

/**
 * A function in the place of a gated one, bound as that is: it calls that one and nothing else, or nothing
 * at all. For who records calls, and who answers them out of a recording.
 */
export function instead(
  fn: GatedFunction,
  pass: (call: never, ...args: never[]) => unknown,
): GatedFunction {
  return gated<unknown>(pass as (call: GuestCall) => unknown, fn.blocking, fn.capability);
}

/**
 * The classes that stand for resources, by the resource's name. A host module adds its own, so that
 * the generated function types carry them; a resource without an entry is an `object`.
 *
 * @example
 * ```ts
 * declare module '../abi/binding.ts' {
 *   interface HostResources {
 *     'wasi:io/poll/pollable': Pollable;
 *   }
 * }
 * ```
 */
// biome-ignore lint/suspicious/noEmptyInterface: host modules add their members by augmentation.
export interface HostResources {}

/** The host's class for a resource. */
export type HostResource<Name extends string> = Name extends keyof HostResources
  ? HostResources[Name] & object
  : object;

/** A WIT `result`. Where a side has no payload, its `val` is undefined. */
export type Result<Value, Failure> =
  | { readonly tag: 'ok'; readonly val: Value }
  | { readonly tag: 'err'; readonly val: Failure };

/** The `ok` side of a {@link Result}. */
export function ok(): { readonly tag: 'ok'; readonly val: undefined };
export function ok<const Value>(val: Value): { readonly tag: 'ok'; readonly val: Value };
export function ok(val?: unknown): { readonly tag: 'ok'; readonly val: unknown } {
  return { tag: 'ok', val };
}

/** The `err` side of a {@link Result}. */
export function err(): { readonly tag: 'err'; readonly val: undefined };
export function err<const Failure>(val: Failure): { readonly tag: 'err'; readonly val: Failure };
export function err(val?: unknown): { readonly tag: 'err'; readonly val: unknown } {
  return { tag: 'err', val };
}

/** An option whose value is an option itself: `undefined` could not tell the two `none` apart. */
export type NestedOption<Value> =
  | { readonly tag: 'some'; readonly val: Value }
  | { readonly tag: 'none' };

/** One function of an interface, ready to be bound to an agent. */
export interface FunctionBinding {
  /** The interface without its version: `wasi:io/streams`. */
  readonly interface: string;
  /** The name in WIT's mangling: `[method]input-stream.read`, `[resource-drop]input-stream`. */
  readonly name: string;
  /** The signature of the core function. */
  readonly params: readonly CoreType[];
  readonly results: readonly CoreType[];
  /**
   * Makes the core function of one agent. `fn` may be null for a `[resource-drop]` whose resource has
   * nothing to release.
   *
   * Where `fn` is blocking, the core function answers a status besides: 1, the agent must wait and
   * then call again with the same arguments; 0, the result is in its place.
   *
   * @throws RingfenceError RF_INTERNAL where `fn` is absent, not gated, or blocking while the
   * signature allows no waiting (a flat result, or several handles of which one is given away).
   */
  bind(
    fn: GatedFunction | null,
    call: GuestCall,
    access: CanonicalAccess,
  ): (...flat: never[]) => number | bigint | undefined;
}

/** A gated host function as the generated code calls it. */
export type Bound<Work extends (...args: never[]) => unknown> = (
  call: GuestCall,
  ...args: Parameters<Work>
) => ReturnType<Work> | typeof WAIT;

function unusable(binding: FunctionBinding, why: string): RingfenceError {
  return new RingfenceError(
    'RF_INTERNAL',
    `Cannot bind ${binding.interface}#${binding.name}: ${why}.`,
    { interface: binding.interface, function: binding.name },
  );
}

function isGated(fn: unknown): fn is GatedFunction {
  return typeof fn === 'function' && (fn as Partial<GatedFunction>)[GATED] === true;
}

/** The host function behind a binding whose signature allows waiting. */
export function mayWait<Work extends (...args: never[]) => unknown>(
  binding: FunctionBinding,
  fn: GatedFunction | null,
): Bound<Work> {
  if (!isGated(fn)) {
    throw unusable(binding, 'its host function is missing or has not passed the gate');
  }
  return fn as unknown as Bound<Work>;
}

/** The host function behind a binding whose signature allows no waiting. */
export function mustAnswer<Work extends (...args: never[]) => unknown>(
  binding: FunctionBinding,
  fn: GatedFunction | null,
): (call: GuestCall, ...args: Parameters<Work>) => ReturnType<Work> {
  if (isGated(fn) && fn.blocking) {
    throw unusable(binding, 'a function with a flat result or own parameters can not be blocking');
  }
  return mayWait<Work>(binding, fn) as never;
}

/** The host function that releases a resource, if there is one. */
export function mayRelease<Work extends (...args: never[]) => unknown>(
  binding: FunctionBinding,
  fn: GatedFunction | null,
): ((call: GuestCall, ...args: Parameters<Work>) => ReturnType<Work>) | null {
  return fn === null ? null : mustAnswer<Work>(binding, fn);
}

/** The status of a call whose host function answered {@link WAIT}. */
export function waiting(binding: FunctionBinding, fn: GatedFunction | null): 1 {
  if (fn?.blocking !== true) {
    throw unusable(binding, 'its host function waits but is not declared as blocking');
  }
  return 1;
}
