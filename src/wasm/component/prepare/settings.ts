/** What the parent tells a child process as its only argument, and how the child starts by it. */

import { once } from 'node:events';
import { readSync, writeSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { z } from 'zod';

const settingsSchema = z.strictObject({
  /** Length of what comes on stdin: the module, or several one after another. */
  sizes: z.array(z.int().positive()),
  deadlineMs: z.int().positive(),
  rssBytes: z.int().positive(),
  parentPid: z.int().positive(),
  /** Features that the module may use. */
  features: z.strictObject({ gc: z.boolean(), relaxedSimd: z.boolean() }),
});

/** Limits by which a child also watches itself, and what it is to read. */
export type ChildSettings = z.infer<typeof settingsSchema>;

/** The settings out of this process's arguments. */
export function ownSettings(): ChildSettings {
  return settingsSchema.parse(JSON.parse(process.argv[2] ?? 'null'));
}

/** Starts the thread that ends this process when it should not go on; answers when it watches. */
export async function startWatchdog(settings: ChildSettings): Promise<void> {
  // Ctrl-C goes to the whole group of the terminal: the parent decides what it means for us.
  process.on('SIGINT', () => {});
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  const watchdog = new Worker(new URL(`./watchdog.${extension}`, import.meta.url), {
    workerData: settings,
    resourceLimits: { maxOldGenerationSizeMb: 16, stackSizeMb: 1 },
  });
  await once(watchdog, 'message');
}

/** Reads stdin, which has to be exactly as long as was announced. */
export function readInput(settings: ChildSettings): Uint8Array[] {
  return settings.sizes.map((size) => {
    const bytes = new Uint8Array(size);
    let filled = 0;
    while (filled < size) {
      const taken = retrying(() => readSync(0, bytes, filled, size - filled, null));
      if (taken === 0) throw new Error('stdin ended before the module did');
      filled += taken;
    }
    return bytes;
  });
}

/** Writes frames to stdout, whole. */
export function writeFrames(frames: readonly Uint8Array[]): void {
  for (const bytes of frames) {
    let written = 0;
    while (written < bytes.length) {
      written += retrying(() => writeSync(1, bytes, written, bytes.length - written));
    }
  }
}

const pause = new Int32Array(new SharedArrayBuffer(4));

/** A pipe may be set to not block, and then answers EAGAIN for "not now". */
function retrying(transfer: () => number): number {
  for (;;) {
    try {
      return transfer();
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : null;
      if (code === 'EOF') return 0;
      if (code !== 'EAGAIN') throw error;
      Atomics.wait(pause, 0, 0, 1);
    }
  }
}
