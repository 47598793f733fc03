/** Requests to a module that handles HTTP, on the path that `ringfence serve` takes behind its socket. */

import type { HttpService } from '../../index.ts';
import { AT_A_TIME, type Rounds } from './runs.ts';
import { type Spread, spreadOf } from './spread.ts';

/** What is asked: nobody knows what else a module answers. */
export const URL_ASKED = 'http://localhost/';
/** Requests before anything is measured. */
const WARM_UP = 3;
/** A response from which on it is the module, or ringfence for it, that has failed. */
export const FAILED_STATUS = 500;

/** One request, from its head to the end of its response. */
export interface Answered {
  readonly ms: number;
  readonly status: number;
  readonly bytes: number;
}

/** Sends one. */
export async function ask(service: HttpService): Promise<Answered> {
  const startedAt = performance.now();
  const response = await service.handle(new Request(URL_ASKED));
  const { byteLength } = await response.arrayBuffer();
  return { ms: performance.now() - startedAt, status: response.status, bytes: byteLength };
}

/** Many of them. */
export interface Requests {
  /** One by one, in milliseconds. */
  readonly each: Spread | null;
  readonly perSecond: number;
  readonly runs: number;
  readonly atATime: number;
  /** The first response that says that it has failed; null: none did. */
  readonly failed: number | null;
}

/** Measures them one by one, and many at a time for half of the time each. */
export async function measureRequests(
  service: HttpService,
  { budgetMs, most, signal }: Rounds,
): Promise<Requests> {
  const times: number[] = [];
  let failed: number | null = null;
  const once = async (): Promise<number> => {
    signal.throwIfAborted();
    const { ms, status } = await ask(service);
    failed ??= status >= FAILED_STATUS ? status : null;
    return ms;
  };
  for (let done = 0; done < WARM_UP; done += 1) {
    await once();
  }
  const until = performance.now() + budgetMs / 2;
  while (times.length < most && (times.length === 0 || performance.now() < until)) {
    times.push(await once());
  }
  const startedAt = performance.now();
  let started = 0;
  let runs = 0;
  const oneByOne = async (): Promise<void> => {
    while (started < most && performance.now() < startedAt + budgetMs / 2) {
      started += 1;
      await once();
      runs += 1;
    }
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, oneByOne));
  const perSecond = (runs * 1_000) / (performance.now() - startedAt);
  return { each: spreadOf(times), perSecond, runs, atATime: AT_A_TIME, failed };
}
