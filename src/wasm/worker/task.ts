/** The one long task of a pool thread: a worker that talks to the kernel over a message port. */

import { HttpClient } from '../../network/http-client.ts';
import { SyncQueue } from '../host/files/sync-queue.ts';
import { HOST } from '../host/index.ts';
import { openAgentFiles } from './files.ts';
import { openAgentNetwork } from './network.ts';
import type { WorkerStart } from './protocol.ts';
import { openAgentSockets } from './sockets.ts';
import { Worker } from './worker.ts';

/** The Piscina task. */
export default function runWorker(start: WorkerStart): Promise<void> {
  // A trap is an ordinary end here: nobody reads its stack, and making one costs more than the trap.
  Error.stackTraceLimit = 0;
  const syncs = new SyncQueue();
  const client = new HttpClient(start.network);
  return new Worker({
    ...start,
    host: HOST,
    openFiles: (agent, mounts) => openAgentFiles(agent, mounts, syncs),
    openNetwork: (agent, hear) => openAgentNetwork(client, agent, hear),
    openSockets: (agent) =>
      openAgentSockets(agent, { resolver: client.guard, limits: client.settings.limits }),
  }).run();
}
