/**
 * Goal: what an agent may have is what the process grows by. Method: a process of its own, whose
 * resident memory is sampled while the bomb is at its work.
 */

import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const MEBIBYTE = 1024 * 1024;

test('a memory bomb within 32 MiB keeps the process within 64 MiB over what it had', async () => {
  const program = fileURLToPath(new URL('../fixtures/memory-bomb.ts', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [program]);
  const { exit, usage, grown } = JSON.parse(stdout) as {
    exit: { reason: string };
    usage: { memory_bytes: number };
    grown: number;
  };
  expect(exit.reason).toBe('fuel');
  expect(usage.memory_bytes).toBe(32 * MEBIBYTE);
  expect(grown).toBeLessThan(64 * MEBIBYTE);
});
