/** The one long task of a pool thread: a worker that talks to the kernel over a message port. */

import { SyncQueue } from '../host/files/sync-queue.ts';
import { HOST } from '../host/index.ts';
import { openAgentFiles } from './files.ts';
import type { WorkerStart } from './protocol.ts';
import { Worker } from './worker.ts';

/** The Piscina task. */
export default function runWorker(start: WorkerStart): Promise<void> {
  // A trap is an ordinary end here: nobody reads its stack, and making one costs more than the trap.
  Error.stackTraceLimit = 0;
  const syncs = new SyncQueue();
  return new Worker({
    ...start,
    host: HOST,
    openFiles: (agent, mounts) => openAgentFiles(agent, mounts, syncs),
  }).run();
}
