/**
 * Goal: the text is what Prometheus reads, and its counters never go down. Method: samples made by hand;
 * the page of documentation is held against the definitions.
 */

import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { DeadLetters } from '../ipc/dead-letters.ts';
import { DEFINITIONS, type Sample } from './definitions.ts';
import { Exposition } from './exposition.ts';
import { Tally } from './tally.ts';

const sample = (change: Partial<Sample> = {}): Sample => ({
  tally: new Tally(),
  spawned: 0,
  states: { starting: 0, running: 0, suspended: 0, stopping: 0, exited: 0 },
  mailboxMessages: 0,
  memoryBytes: 0,
  descriptors: 0,
  capacity: 4_096,
  modules: 0,
  elevationsWaiting: 0,
  deadLetters: new DeadLetters({ now: () => 0, ownerOf: () => 'program' }),
  tools: [],
  served: { requests: new Map(), active: 0, idle: 0 },
  jobs: 0,
  jobRuns: { runs: 0, failures: 0, missed: 0 },
  ...change,
});

const seriesIn = (text: string, series: string): number | null => {
  const line = text.split('\n').find((each) => each.startsWith(`${series} `));
  return line === undefined ? null : Number(line.slice(series.length + 1));
};

test('says what is read, with its type and its labels', async () => {
  const tally = new Tally();
  tally.exits.set('fuel', 3).set('normal', 4).set('killed', 1);
  const states = { starting: 1, running: 2, suspended: 0, stopping: 0, exited: 8 };
  const text = await new Exposition().text(sample({ tally, states, spawned: 11 }));
  expect(text).toContain('# TYPE ringfence_agent_spawns_total counter');
  expect(text).toContain('# TYPE ringfence_agents gauge');
  expect(seriesIn(text, 'ringfence_agent_spawns_total')).toBe(11);
  expect(seriesIn(text, 'ringfence_agent_exits_total{reason="fuel"}')).toBe(3);
  expect(seriesIn(text, 'ringfence_agent_crashes_total')).toBe(3);
  expect(seriesIn(text, 'ringfence_agents{state="running"}')).toBe(2);
  expect(seriesIn(text, 'ringfence_agents{state="exited"}')).toBeNull();
});

test('a counter never goes down; a gauge does', async () => {
  const exposition = new Exposition();
  const fuel = async (units: number): Promise<number | null> => {
    const tally = new Tally();
    tally.fuel = units;
    const text = await exposition.text(sample({ tally, memoryBytes: units }));
    expect(seriesIn(text, 'ringfence_memory_bytes')).toBe(units);
    return seriesIn(text, 'ringfence_fuel_units_total');
  };
  expect([await fuel(100), await fuel(90), await fuel(101)]).toEqual([100, 100, 101]);
});

test('two kernels have their own', async () => {
  const [one, other] = [new Exposition(), new Exposition()];
  await one.text(sample({ spawned: 5 }));
  expect(seriesIn(await other.text(sample()), 'ringfence_agent_spawns_total')).toBe(0);
});

test('docs/observing.md names every metric, and no other', () => {
  const page = readFileSync(new URL('../../docs/observing.md', import.meta.url), 'utf8');
  const named = [...page.matchAll(/^\| `(ringfence_\w+)/gm)].map(([, name]) => name);
  expect(named).toEqual(DEFINITIONS.map(({ name }) => name));
});
