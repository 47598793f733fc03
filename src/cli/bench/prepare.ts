/** Preparing a module: at first sight, by a child process, and out of the cache. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Environment } from '../environment.ts';
import { loadPermitted, type Permitting } from '../load.ts';
import { type Spread, spreadOf } from './spread.ts';

/** A module is prepared anew so often at most: each is a process and all of its compilation. */
const COLD_ROUNDS_MAX = 3;
const CACHED_ROUNDS_MAX = 20;

/** In milliseconds. */
export interface Prepared {
  readonly cold: Spread | null;
  readonly cached: Spread | null;
}

/** Measures it in a cache of its own, which is gone afterwards: the user's is not touched. */
export async function measurePreparing(
  path: string,
  permitting: Permitting,
  { budgetMs, rounds }: { readonly budgetMs: number; readonly rounds: number | null },
): Promise<Prepared> {
  const { environment, interruption } = permitting;
  const until = performance.now() + budgetMs;
  const cold: number[] = [];
  const cached: number[] = [];
  const goesOn = (done: readonly number[], most: number): boolean =>
    done.length === 0 ||
    (done.length < Math.min(most, rounds ?? most) && performance.now() < until);
  while (goesOn(cold, COLD_ROUNDS_MAX)) {
    await inFreshCache(environment, async (kernel) => {
      cold.push(await loadMs(kernel, path, permitting));
      while (goesOn(cached, CACHED_ROUNDS_MAX)) {
        interruption.signal.throwIfAborted();
        cached.push(await loadMs(kernel, path, permitting));
      }
    });
  }
  return { cold: spreadOf(cold), cached: spreadOf(cached) };
}

type Kernel = Awaited<ReturnType<Environment['openKernel']>>;

async function loadMs(kernel: Kernel, path: string, permitting: Permitting): Promise<number> {
  const startedAt = performance.now();
  await loadPermitted(kernel, path, permitting);
  return performance.now() - startedAt;
}

async function inFreshCache(
  { openKernel }: Environment,
  work: (kernel: Kernel) => Promise<void>,
): Promise<void> {
  const cacheDirectory = await mkdtemp(join(tmpdir(), 'ringfence-bench-'));
  try {
    // Nothing runs in it.
    const kernel = await openKernel({ cacheDirectory, workers: 1 });
    await work(kernel).finally(() => kernel.close());
  } finally {
    await rm(cacheDirectory, { recursive: true, force: true });
  }
}
