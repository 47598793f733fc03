/**
 * Goal: whatever the moment at which the process is killed, the chain verifies afterwards and no effect
 * stands without its record. Method: a program under load is killed by SIGKILL at random moments, and goes
 * on with the same chain; RINGFENCE_CRASHES says how often (300 take some minutes).
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, it } from 'vitest';
import { createAuditKey } from '../../src/audit/keys.ts';
import { readEvents } from '../../src/audit/query.ts';
import { verifyChain } from '../../src/audit/verify-store.ts';

const PROGRAM = fileURLToPath(new URL('../fixtures/audit/under-load.ts', import.meta.url));

const CRASHES = Number(process.env.RINGFENCE_CRASHES ?? 30);

/** It works for at most as long before it is killed, once its chain is open. */
const LIFE_MS = 120;

const root = mkdtempSync(join(tmpdir(), 'ringfence-crash-'));
afterAll(() => rmSync(root, { recursive: true }));

it(`survives ${CRASHES} kills at random moments`, { timeout: CRASHES * 20_000 }, async () => {
  const directory = join(root, 'chain');
  const effects = join(root, 'effects');
  const key = join(root, 'key');
  createAuditKey(key);
  writeFileSync(effects, '');
  let events = 0;
  for (let crash = 0; crash < CRASHES; crash += 1) {
    const child = spawn(process.execPath, [PROGRAM, directory, key, effects], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const ended = once(child, 'exit');
    await Promise.race([once(child.stdout, 'data'), ended]);
    await new Promise((resolve) => setTimeout(resolve, Math.random() * LIFE_MS));
    child.kill('SIGKILL');
    const [code, signal] = await ended;
    expect({ code, signal }).toEqual({ code: null, signal: 'SIGKILL' });
    const verdict = await verifyChain(directory, { strict: false });
    expect(verdict).toMatchObject({ valid: true, problem: null });
    expect(verdict.events).toBeGreaterThanOrEqual(events);
    events = verdict.events;
  }
  const recorded = new Set<unknown>();
  for await (const event of readEvents(directory, { kinds: ['app.event'] })) {
    recorded.add(event.payload.name);
  }
  const done = readFileSync(effects, 'utf8').split('\n').slice(0, -1);
  expect(done.length).toBeGreaterThan(0);
  expect(done.filter((name) => !recorded.has(name))).toEqual([]);
});
