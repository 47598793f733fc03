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

test('agents that are killed while they wait leave nothing mapped behind', async () => {
  const program = fileURLToPath(new URL('../fixtures/many-lives.ts', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [program]);
  const rounds = JSON.parse(stdout) as { mappings: number }[];
  const mappings = rounds.map((round) => round.mappings);
  // What is freed waits for the collector, for some rounds, so the numbers go up and down. Each of the 200 agents of a
  // round has a stack and a memory mapped: a leak would be thousands in the end.
  const early = Math.max(...mappings.slice(0, 4));
  const late = Math.min(...mappings.slice(-16));
  expect(late).toBeLessThan(early + 400);
});
