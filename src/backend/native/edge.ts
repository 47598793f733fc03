/** What every binding of a host function needs: the function, what it is given read, a promise made. */

import * as z from 'zod';
import { TIMER_MS_MAX } from '../../timer.ts';
import { usageError } from '../../usage-error.ts';
import type { Interface } from '../../wasm/host/implement.ts';
import type { Calling, HostFunctionOf } from './call.ts';

type AnyFunctions<Functions> = { [Name in keyof Functions]: (...args: never[]) => unknown };

/** A host function out of the table of its interface. */
export function hostFunctionOf<
  Functions extends AnyFunctions<Functions>,
  const Name extends keyof Functions & string,
>(table: Interface, name: Name): HostFunctionOf<Functions[Name]> {
  // The table is made from `Functions`; what its gated functions take is written nowhere else.
  return table.get(name) as unknown as HostFunctionOf<Functions[Name]>;
}

/** A pid, or an id of a monitor, a timer or a request. */
export const idSchema = z.number().int().nonnegative();

/** A time to wait. */
export const millisecondsSchema = z.number().int().nonnegative().max(TIMER_MS_MAX);

/** Reads what a function has given. @throws {RingfenceError} `RF_USAGE` */
export function read<Schema extends z.ZodType>(
  what: string,
  schema: Schema,
  given: unknown,
): z.output<Schema> {
  const parsed = schema.safeParse(given);
  if (!parsed.success) {
    throw usageError(what, parsed.error);
  }
  return parsed.data;
}

/** A number of the contract's, where there is one. */
export const toBigInt = (value: number | undefined): bigint | undefined =>
  value === undefined ? undefined : BigInt(value);

/**
 * Does something asynchronous as an agent. Where it fails because the agent has ended, a promise that
 * nobody awaits any more must not end the program.
 */
export function asking<Value>(agent: Calling, ask: () => Promise<Value>): Promise<Value> {
  const { promise, resolve, reject } = Promise.withResolvers<Value>();
  ask().then(resolve, (error: unknown) => {
    if (agent.ended) {
      promise.catch(() => {});
    }
    reject(error);
  });
  return promise;
}
