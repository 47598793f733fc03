// What the modules of this folder import of a world, as both engines show it: `U64` is a number in one of
// them and a bigint in the other, and what is not there is null or undefined.

type U64 = number | bigint;
type Variant = { readonly tag: string; readonly val?: unknown };

declare module 'ringfence:agent/log' {
  export function log(level: string, message: string): void;
}
declare module 'ringfence:agent/process' {
  export function self(): U64;
  export function parent(): U64;
  export function spawn(request: unknown): U64;
  export function stop(pid: U64, mode: string): void;
  export function link(pid: U64): void;
  export function unlink(pid: U64): void;
  export function monitor(pid: U64): U64;
  export function demonitor(monitor: U64): void;
  export function trapExit(enabled: boolean): void;
}
declare module 'ringfence:agent/timers' {
  export function after(milliseconds: U64, payload: Variant): U64;
  export function every(milliseconds: U64, payload: Variant): U64;
  export function cancel(timer: U64): void;
}
declare module 'ringfence:agent/ipc' {
  export function send(to: Variant, payload: Variant, waitMs: U64 | null | undefined): void;
  export function request(to: Variant, payload: Variant): U64;
  export function reply(correlation: U64, payload: Variant): void;
  export function receive(filter: Variant, timeoutMs: U64 | null | undefined): Variant;
  export function publish(topic: string, payload: Variant): void;
  export function subscribe(topic: string): void;
  export function unsubscribe(topic: string): void;
}
declare module 'ringfence:agent/tools' {
  export function list(): { name: string; description: string; parameters: string }[];
  export function call(name: string, values: string): string;
}
declare module 'ringfence:agent/capabilities' {
  export function list(): { kind: string; scope: string[] }[];
  export function request(grant: { kind: string; scope: string[] }, reason: string): string;
}
declare module 'wasi:random/random' {
  export function getRandomBytes(length: number): Uint8Array;
}
declare module 'wasi:clocks/wall-clock' {
  export function now(): { readonly seconds: U64; readonly nanoseconds: number };
}
declare module 'wasi:clocks/monotonic-clock' {
  export function now(): U64;
}
declare module 'wasi:cli/stderr' {
  export function getStderr(): { blockingWriteAndFlush(bytes: Uint8Array): void };
}
/** `quickjs.ts` or `starlingmonkey.ts`, by the engine that the guest is built for. */
declare module 'ringfence/javascript/engine' {
  /** What a `u64` is given as. */
  export function u64(value: number): U64;
  /** What an option without a value is. */
  export const NONE: null | undefined;
  /** Whether an exported function may answer a promise. */
  export const WAITS_FOR_PROMISES: boolean;
  /** Called before the first call of an export: what is built is over, and the guest runs. */
  export function begin(): void;
}
/** `sink-log.ts` or `sink-stderr.ts`, by what the world imports. */
declare module 'ringfence/javascript/sink' {
  export function write(level: 'trace' | 'debug' | 'info' | 'warn' | 'error', text: string): void;
}
