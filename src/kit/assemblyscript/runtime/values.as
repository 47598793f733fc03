// What generated bindings and guests share. This is AssemblyScript; the build puts it beside the
// generated modules as `wit/values.ts`.
//
// The host allocates by `cabi_realloc` and gets managed objects, pinned so that the collector leaves
// them alone. Lifting unpins such an object and makes it the string or the buffer itself: nothing is
// copied.

import { OBJECT, TOTAL_OVERHEAD } from 'rt/common';

/** The payload of a case that has none: it has one value. */
export type Unit = bool;

/** The value of `Unit`. A literal, so that code that runs before this module's own can use it. */
export const UNIT: Unit = false;

/** A value or none, for elements that can't be null. */
export class Option<T> {
  private constructor(
    readonly isSome: bool,
    private readonly _value: T,
  ) {}

  static some<T>(value: T): Option<T> {
    return new Option<T>(true, value);
  }

  static none<T>(): Option<T> {
    return new Option<T>(false, zero<T>());
  }

  /** Traps where there is none: look at `isSome` first. */
  get value(): T {
    assert(this.isSome, 'the option is none');
    return this._value;
  }
}

/** What worked, or why it didn't. */
export class Result<O, E> {
  private constructor(
    readonly isOk: bool,
    private readonly _value: O,
    private readonly _error: E,
  ) {}

  static ok<O, E>(value: O): Result<O, E> {
    return new Result<O, E>(true, value, zero<E>());
  }

  static err<O, E>(error: E): Result<O, E> {
    return new Result<O, E>(false, zero<O>(), error);
  }

  /** Traps where the result is an error: look at `isOk` first. */
  get value(): O {
    assert(this.isOk, 'the result is an error');
    return this._value;
  }

  /** Traps where the result is ok: look at `isOk` first. */
  get error(): E {
    assert(!this.isOk, 'the result is ok');
    return this._error;
  }
}

/** A placeholder for a value that isn't there; never read. */
export function zero<T>(): T {
  if (isReference<T>()) return changetype<T>(0);
  return <T>0;
}

/** Allocates for the host. An empty block has no object behind it, only an aligned address. */
export function cabi_realloc(
  oldPointer: usize,
  oldSize: usize,
  alignment: usize,
  newSize: usize,
): usize {
  if (newSize == 0) return alignment;
  if (oldSize == 0) return __pin(__new(newSize, idof<ArrayBuffer>()));
  __unpin(oldPointer);
  return __pin(__renew(oldPointer, newSize));
}

/** Makes a block from the host the string that it holds. */
export function liftString(pointer: usize, units: i32): string {
  if (units == 0) return '';
  adopt(pointer, idof<String>(), <u32>units << 1);
  return changetype<string>(pointer);
}

/** Makes a block from the host the buffer that it is. */
export function liftBuffer(pointer: usize, bytes: i32): ArrayBuffer {
  if (bytes == 0) return new ArrayBuffer(0);
  adopt(pointer, idof<ArrayBuffer>(), <u32>bytes);
  return changetype<ArrayBuffer>(pointer);
}

/** Lets go of a block from the host whose contents have been read. */
export function releaseBlock(pointer: usize, bytes: i32): void {
  if (bytes != 0) __unpin(pointer);
}

function adopt(pointer: usize, classId: u32, bytes: u32): void {
  __unpin(pointer);
  const object = changetype<OBJECT>(pointer - TOTAL_OVERHEAD);
  object.rtId = classId;
  object.rtSize = bytes;
}

/** Memory for lists and spilled arguments, kept until the call is over. */
const arena = new Array<ArrayBuffer>();

/** The place to which a call releases the arena. */
export function markArena(): i32 {
  return arena.length;
}

/** Takes memory that stays until the arena is released to before here. */
export function allocateInArena(bytes: i32): usize {
  const buffer = new ArrayBuffer(bytes);
  arena.push(buffer);
  return changetype<usize>(buffer);
}

/** Releases what was taken since the mark. */
export function releaseArena(mark: i32): void {
  if (arena.length > mark) arena.length = mark;
}

/** The result that the host is still reading. A global, so that the collector keeps what it holds. */
let retained: Object | null = null;

/** Keeps a result until the host has read it. */
export function retain<T>(value: T): void {
  if (isReference<T>()) retained = changetype<Object | null>(changetype<usize>(value));
}

/** The host has read the result. */
export function releaseRetained(): void {
  retained = null;
  releaseArena(0);
}

/** A resource of the host: a handle to it. */
export abstract class Handle {
  constructor(public handle: u32) {}

  /** Gives the resource back to the host. */
  abstract drop(): void;

  /** Takes the handle out of this object, which is of no use any more: who gets it owns it. */
  give(): u32 {
    const handle = this.handle;
    this.handle = 0;
    return handle;
  }
}

/** Handles that the host has lent to the call under way. */
const lent = new Array<Handle>();

/** Notes a handle that has to be given back when the call is over. */
export function lend<T extends Handle>(handle: T): T {
  lent.push(handle);
  return handle;
}

/** Gives back what was lent, but for what the guest has dropped itself. */
export function giveBackLent(): void {
  while (lent.length > 0) {
    const handle = lent.pop();
    if (handle.handle != 0) handle.drop();
  }
}
