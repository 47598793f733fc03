/** The one long task of a pool thread: a worker that talks to the kernel over a message port. */

import { HttpClient } from '../../network/http-client.ts';
import { SyncQueue } from '../host/files/sync-queue.ts';
import { HOST } from '../host/index.ts';
import { openAgentFiles } from './files.ts';
import { openAgentNetwork } from './network.ts';
import type { TracedHostCalls, WorkerStart } from './protocol.ts';
import { openAgentSockets } from './sockets.ts';
import { tracedCalls } from './traced-calls.ts';
import { Worker } from './worker.ts';

/** The Piscina task. */
export default function runWorker(start: WorkerStart): Promise<void> {
  // A trap is an ordinary end here: nobody reads its stack, and making one costs more than the trap.
  Error.stackTraceLimit = 0;
  const syncs = new SyncQueue();
  const client = new HttpClient(start.network);
  const { traceEvery } = start;
  return new Worker({
    ...start,
    host:
      traceEvery === null
        ? HOST
        : tracedCalls(HOST, {
            every: traceEvery,
            now: () => performance.timeOrigin + performance.now(),
            tell: (calls) =>
              start.port.postMessage([{ kind: 'traced', calls } satisfies TracedHostCalls]),
          }),
    openFiles: (agent, mounts) => openAgentFiles(agent, mounts, syncs),
    openNetwork: (agent, hear) => openAgentNetwork(client, agent, hear),
    openSockets: (agent) =>
      openAgentSockets(agent, { resolver: client.guard, limits: client.settings.limits }),
  }).run();
}
