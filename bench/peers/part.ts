/** What else runs code of others, doing the same work in turns with ringfence, each in a process of its own. */

import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { installBenchPackages } from '../installed.ts';
import { type Part, type Row, type Stats, statsOf } from '../measure.ts';
import { buildPeerGuests } from './build-guests.ts';
import { ofErlang } from './erlang.ts';
import { messageRows } from './messages.ts';
import { publishedRows } from './not-measured.ts';
import { measurePrograms, programRows } from './programs.ts';
import { rowsOf } from './rows.ts';
import { type Measured, Running, workOf } from './running.ts';
import type { Fences, Guests } from './subject.ts';

const ROUNDS = 5;
const OURS = 'ringfence';
const PLAIN = 'plain-v8';
const SUBJECTS = fileURLToPath(new URL('subjects/', import.meta.url));

async function round(running: Running): Promise<void> {
  const { measured, introduction } = running;
  const count = Math.ceil(introduction.lives / ROUNDS);
  measured.lives.push(...((await running.ask({ kind: 'lives', count })) ?? []));
  measured.rates.push(...((await running.ask({ kind: 'rate', count })) ?? []));
  measured.computes.push(...((await running.ask({ kind: 'job', job: 'compute' })) ?? []));
  measured.calls.push(...((await running.ask({ kind: 'job', job: 'calls' })) ?? []));
}

/** What was measured of all, and the rows of programs. */
async function ofSubjects(guests: Guests): Promise<{ all: Measured[]; programs: Row[] }> {
  const names = readdirSync(SUBJECTS)
    .map((file) => basename(file, '.ts'))
    .sort();
  const running: Running[] = [];
  try {
    for (const name of names) {
      const opened = await Running.open(name, JSON.stringify(guests)).catch(notHere);
      if (opened !== null) running.push(opened);
    }
    const missing = [OURS, PLAIN].find((name) => !running.some(({ subject }) => subject === name));
    if (missing !== undefined) throw new Error(`${missing} does not run here`);
    for (let turn = 0; turn < ROUNDS; turn += 1) {
      for (let index = 0; index < running.length; index += 1) {
        await round(running[(index + turn) % running.length]!);
      }
    }
    const programs = programRows(await measurePrograms(running, guests.programs), PLAIN);
    for (const each of running) each.measured.bytes = await bytesOfOne(each, guests);
    return { all: running.map(({ measured }) => measured), programs };
  } finally {
    for (const each of running) each.close();
  }
}

/** In a process that has done nothing else: what work leaves behind is given back later, at any time. */
async function bytesOfOne(running: Running, guests: Guests): Promise<number | null> {
  const { kept: count } = running.introduction;
  if (count === 0) return null;
  const fresh = await Running.open(running.subject, JSON.stringify(guests));
  try {
    return (await fresh.ask({ kind: 'kept', count }))?.[0] ?? null;
  } finally {
    fresh.close();
  }
}

/** A peer whose program is not made for this machine is left out, and that is said. */
function notHere(error: unknown): null {
  process.stderr.write(`${String(error)}: it is left out\n`);
  return null;
}

function lackOf({ endsLoops, boundsMemory, fuel, capabilities, caveat }: Fences): string {
  const lacks = [
    endsLoops ? '' : 'ends no endless loop',
    boundsMemory ? '' : 'bounds not all memory',
    fuel ? '' : 'counts no fuel',
    capabilities ? '' : 'has no capabilities',
  ].filter((lack) => lack !== '');
  const said = lacks.length === 0 ? 'lacks none of these' : lacks.join(', ');
  return caveat === undefined ? said : `${said}; ${caveat}`;
}

/** Peers, on the same work. */
export const peers: Part = {
  name: 'peers',
  what: 'what else runs code of others, on the same work (some minutes)',
  async run() {
    installBenchPackages();
    const folder = mkdtempSync(join(tmpdir(), 'ringfence-bench-'));
    try {
      const guests = await buildPeerGuests(folder);
      const erlang = ofErlang();
      const subjects = await ofSubjects(guests);
      const all = [...subjects.all, ...(erlang === null ? [] : [erlang])];
      return [
        ...rowsOf('start to end', all, ({ lives }) => statsOf(toMicros(lives), 'µs'), OURS),
        ...rowsOf('sustained', all, ({ rates }) => statsOf(rates, 'a second', 'more'), OURS),
        ...rowsOf('compute', all, (each) => statsOf(workOf(each, each.computes), 'ms'), PLAIN),
        ...subjects.programs,
        ...rowsOf('host call', all, (each) => statsOf(nanosOfCalls(each), 'ns'), OURS),
        ...rowsOf('memory of one', all, ({ bytes }) => memoryOf(bytes), OURS),
        ...all.map(({ name, fences }) => ({
          part: 'peers',
          name: `fences: ${name}`,
          value: lackOf(fences),
          ratio: null,
          against: '',
        })),
        ...(await messageRows(guests)),
        ...publishedRows(),
      ];
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
};

const toMicros = (times: readonly number[]): number[] => times.map((ms) => ms * 1000);
const nanosOfCalls = (measured: Measured): number[] =>
  workOf(measured, measured.calls).map((ms) => (ms * 1e6) / measured.callsInJob);
const memoryOf = (bytes: number | null): Stats | null =>
  bytes === null ? null : statsOf([bytes / 1024], 'KiB');
