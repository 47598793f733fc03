/**
 * Goal: what fails for one agent of a worker is its end, and nobody else's. Method: a worker whose port
 * and files are in the test's hands.
 */

import { expect, test, vi } from 'vitest';
import { ControlBlocks } from '../../resource/control-blocks.ts';
import { parseLimits } from '../../resource/limits.ts';
import type { FileHost } from '../host/files/host.ts';
import { NO_FEATURES } from '../metering/features.ts';
import type { AgentStart, FromWorker, ToWorker } from './protocol.ts';
import { Worker } from './worker.ts';

const NO_FILES: FileHost = {
  preopens: [],
  perform: () => ({ tag: 'err', val: 'bad-descriptor' }),
  close: () => {},
};

/** A module that declares nothing: its agents run into its missing entry. */
const EMPTY = {
  kind: 'module',
  digest: 'empty',
  plan: { modules: [], lowered: [], features: NO_FEATURES },
  modules: [],
};

const start = (pid: number, slot: number): ToWorker => ({
  kind: 'start',
  agent: {
    pid,
    slot,
    digest: 'empty',
    grants: [],
    mounts: [],
    limits: parseLimits({}),
    spawnedAtMs: performance.timeOrigin + performance.now(),
    diagnosis: null,
    keep: null,
  } as unknown as AgentStart,
});

test('an agent whose directories can not be opened ends, and its neighbour runs', async () => {
  const posted: FromWorker[] = [];
  const worker = new Worker({
    port: { on: () => {}, postMessage: (messages) => posted.push(...messages), close: () => {} },
    blocks: new ControlBlocks(2).memory,
    sliceFuel: 1_000,
    host: new Map(),
    openFiles: ({ pid }) => {
      if (pid === 1) {
        throw new Error('EBADF');
      }
      return NO_FILES;
    },
  });
  worker.take(EMPTY as unknown as ToWorker);
  worker.take(start(1, 0));
  worker.take(start(2, 1));
  await vi.waitFor(() => expect(posted).toContainEqual({ kind: 'running', pid: 2 }));
  expect(posted).toContainEqual({
    kind: 'exited',
    pid: 1,
    end: { code: -1, reason: 'internal', message: 'ringfence failed to start the agent' },
    undelivered: [],
    findings: null,
  });
  expect(posted).toContainEqual({ kind: 'warning', text: expect.stringContaining('EBADF') });
  expect(posted).not.toContainEqual({ kind: 'running', pid: 1 });
});
