/**
 * The thread inside a preparing child process that ends the process from within.
 *
 * The parent watches the child too, but it may die, and only on Linux can it see the child's memory.
 * The child's own main thread can't watch: one call into a compiler may keep it busy for minutes.
 */

import { parentPort, workerData } from 'node:worker_threads';
import type { ChildSettings } from './settings.ts';

/** V8's compilers allocate about 1 GB/s: between two looks some 15 MB pass. */
const LOOK_EVERY_MS = 15;
/** How much longer than the parent this thread waits, so that it is the parent who reports. */
const DEADLINE_GRACE_MS = 500;

const settings = workerData as ChildSettings;
const endsAt = performance.now() + settings.deadlineMs + DEADLINE_GRACE_MS;

setInterval(() => {
  const orphaned = process.ppid !== settings.parentPid;
  const tooLarge = process.memoryUsage.rss() > settings.rssBytes;
  const tooLate = performance.now() > endsAt;
  if (orphaned || tooLarge || tooLate) process.kill(process.pid, 'SIGKILL');
}, LOOK_EVERY_MS);

parentPort?.postMessage('watching');
