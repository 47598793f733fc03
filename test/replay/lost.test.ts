/**
 * Goal: what ran an agent dies while that is recorded, and recording and receipt say so: how it has ended, how far
 * the recording goes, and no more than is known. Method: a guest that writes without end; the test ends its thread
 * or its process behind the kernel's back, once some of the recording has come, or before any has.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  createAuditKey,
  type Isolation,
  type LoadedModule,
  readRecording,
  verifyChain,
  verifyReceipt,
} from '../../src/index.ts';
import { childProcesses } from '../support/child-processes.ts';
import { guest, type TestKernel, testKernel } from '../support/kernel.ts';

/** Output behind which more than a piece of entries (64 KiB) has been handed on: a call has some 80 bytes of them. */
const OUTPUT_BYTES = 8 * 1024 * 1024;

const threads: Worker[] = [];
const remember = (thread: Worker): void => {
  threads.push(thread);
};
let root: string;
let host: TestKernel;
let module: LoadedModule;

beforeEach(async () => {
  threads.length = 0;
  process.on('worker', remember);
  root = mkdtempSync(join(tmpdir(), 'ringfence-lost-'));
  const key = createAuditKey(join(root, 'key'));
  host = await testKernel({ workers: 1, audit: { directory: join(root, 'chain'), key } });
  module = await host.kernel.load(guest('stdout-flood'));
});
afterEach(async () => {
  process.off('worker', remember);
  await host.kernel.close();
  rmSync(root, { recursive: true });
});

/** What ends whatever runs an agent that is spawned after it was asked for. */
function killer(isolation: Isolation): () => Promise<unknown> {
  const before = new Set(threads);
  switch (isolation) {
    case 'shared':
    case 'thread':
      // Neither the audit's thread nor one that has nothing to do ends an agent.
      return () =>
        Promise.all(
          threads
            .filter((thread) => isolation === 'shared' || !before.has(thread))
            .filter(({ threadName }) => threadName !== 'ringfence-audit')
            .map((thread) => thread.terminate()),
        );
    case 'process':
      return async () => {
        for (const pid of childProcesses()) {
          process.kill(pid, 'SIGKILL');
        }
      };
  }
}

const ISOLATIONS: readonly Isolation[] =
  process.platform === 'linux' ? ['shared', 'thread', 'process'] : ['shared', 'thread'];

describe.each(ISOLATIONS)(
  'what ran it has died: isolation %s',
  { timeout: 120_000 },
  (isolation) => {
    test.each([OUTPUT_BYTES, 1])('after %i bytes of output', async (bytes) => {
      const kill = killer(isolation);
      let written = 0;
      const enough = Promise.withResolvers<void>();
      const agent = await host.kernel.spawn({
        module,
        isolation,
        record: true,
        stdout: async (chunk) => {
          written += chunk.length;
          if (written >= bytes) {
            enough.resolve();
          }
        },
      });
      await enough.promise;
      await kill();
      const report = await agent.exited;
      expect(report.exit).toMatchObject({ code: -1, reason: 'worker_lost' });
      const recording = (await agent.recording)!;
      const { header } = recording;
      expect(header).toMatchObject({
        cut: 'lost',
        exit: report.exit,
        ended_outside: false,
        stdout: null,
        stderr: null,
      });
      expect(header.calls).toBe([...recording.trace()].length);
      // A process tells what it has used from time to time.
      if (isolation !== 'process') {
        expect(report.usage.fuel).toBeGreaterThanOrEqual(header.fuel / 2);
        expect(report.usage.memory_bytes).toBe(65_536);
      }
      if (bytes > 1) {
        expect(header.calls).toBeGreaterThan(0);
        expect(header.fuel).toBeGreaterThan(0);
      }
      // It is whole as a file, and is replayed as far as it goes.
      const read = await readRecording(recording.bytes);
      const replayed = await host.kernel.replay(read, { module });
      expect(replayed).toMatchObject({
        identical: true,
        difference: null,
        cut: 'lost',
        calls: header.calls,
        callsRecorded: header.calls,
      });
      // It comes to the call that is kept no more.
      expect(replayed.fuel).toBeGreaterThanOrEqual(header.fuel);
      expect(replayed.notes.join()).toContain('died');

      const receipt = await host.kernel.receipt(agent.pid, {
        outputs: { recording: recording.digest },
      });
      const keys = [host.kernel.audit?.key ?? ''];
      expect(verifyReceipt(JSON.stringify(receipt), keys)).toMatchObject({
        exit: { code: -1, reason: 'worker_lost' },
        outputs: { recording: recording.digest },
        usage: { fuel: report.usage.fuel },
      });
      await host.kernel.audit?.flush();
      expect(await verifyChain(join(root, 'chain'), { keys })).toMatchObject({ valid: true });
    });
  },
);

test('one that is not lost says nothing of that', async () => {
  const agent = await host.kernel.spawn({ module, record: true, limits: { fuel: 1_000_000 } });
  await agent.exited;
  expect((await agent.recording)?.header).toMatchObject({ cut: null, exit: { reason: 'fuel' } });
});
