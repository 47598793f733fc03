/**
 * A pool of one thread. Piscina replaces threads by itself, and where one of those does not come up it
 * starts no more and leaves what waits for it waiting: so each thread of ours has a pool of its own, ends
 * with it, and whoever needs another makes one.
 */

import { Piscina } from 'piscina';
import { WORKER_FILE } from './worker-link.ts';

/** Starts a thread that runs one task, its link's. */
export function poolOfOne(resourceLimits?: { readonly maxOldGenerationSizeMb?: number }): Piscina {
  const pool = new Piscina({
    filename: WORKER_FILE,
    // Made at once: the task is given to it, and fails with it.
    minThreads: 1,
    maxThreads: 1,
    concurrentTasksPerWorker: 1,
    // A thread needs nothing of the program's environment and flags.
    env: {},
    execArgv: [],
    ...(resourceLimits && { resourceLimits }),
  });
  // It starts no other by itself, when this one ends.
  pool.options.minThreads = 0;
  pool.on('error', () => {
    // A thread that dies rejects its task too; that is where it is handled.
  });
  return pool;
}
