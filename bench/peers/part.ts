/** What else runs code of others, doing the same work in turns with ringfence, each in a process of its own. */

import { type ChildProcess, execFileSync, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { installBenchPackages } from '../installed.ts';
import { median, type Part, type Row, type Stats, statsOf } from '../measure.ts';
import { buildPeerGuests } from './build-guests.ts';
import type { Answer, Introduction, Question } from './child.ts';
import { CALLS } from './job.ts';
import { type Fences, NO_FENCES } from './subject.ts';

const ROUNDS = 5;
/** Rounds that a quantile says something of. */
const MANY = 100;
/** What their documentation asks Node to be started with. */
const FLAGS: Readonly<Record<string, readonly string[]>> = {
  'isolated-vm': ['--no-node-snapshot'],
};
const OURS = 'ringfence';
const PLAIN = 'plain-v8';
const CHILD = fileURLToPath(new URL('child.ts', import.meta.url));
const SUBJECTS = fileURLToPath(new URL('subjects/', import.meta.url));
const BUILD = fileURLToPath(new URL('../../scripts/build.ts', import.meta.url));
const ERLANG = fileURLToPath(new URL('erlang.escript', import.meta.url));

/** What was measured of one subject. */
interface Measured {
  readonly name: string;
  readonly fences: Fences;
  readonly lives: number[];
  readonly rates: number[];
  readonly computes: number[];
  /** Nanoseconds of one. */
  readonly calls: number[];
  /** Null: it keeps none, or the system does not tell. */
  bytes: number | null;
}

/** A subject's process. */
class Running {
  readonly subject: string;
  readonly introduction: Introduction;
  readonly measured: Measured;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, subject: string, introduction: Introduction) {
    const { version, fences } = introduction;
    this.#child = child;
    this.subject = subject;
    this.introduction = introduction;
    this.measured = {
      name: version === null ? subject : `${subject} ${version}`,
      fences,
      lives: [],
      rates: [],
      computes: [],
      calls: [],
      bytes: null,
    };
  }

  static async open(subject: string, guests: string): Promise<Running> {
    const child = fork(CHILD, [subject, guests], {
      execArgv: ['--expose-gc', '--no-warnings', ...(FLAGS[subject] ?? [])],
      serialization: 'advanced',
    });
    return new Running(child, subject, (await told(child, subject)) as Introduction);
  }

  async ask(question: Question): Promise<Answer> {
    this.#child.send(question);
    return (await told(this.#child, this.measured.name)) as Answer;
  }

  close(): void {
    this.#child.kill();
  }
}

async function told(child: ChildProcess, name: string): Promise<unknown> {
  const ended = new AbortController();
  const { signal } = ended;
  const answer = await Promise.race([
    once(child, 'message', { signal }).then(([message]) => ({ message: message as unknown })),
    once(child, 'exit', { signal }).then(() => null),
  ]).finally(() => ended.abort());
  if (answer === null) throw new Error(`${name} ended before it answered`);
  return answer.message;
}

async function round(running: Running): Promise<void> {
  const { measured, introduction } = running;
  const count = Math.ceil(introduction.lives / ROUNDS);
  measured.lives.push(...((await running.ask({ kind: 'lives', count })) ?? []));
  measured.rates.push(...((await running.ask({ kind: 'rate', count })) ?? []));
  const nothing = median(measured.lives);
  const [compute = Number.NaN] = (await running.ask({ kind: 'job', job: 'compute' })) ?? [];
  measured.computes.push(compute - nothing);
  const [calls = Number.NaN] = (await running.ask({ kind: 'job', job: 'calls' })) ?? [];
  measured.calls.push(((calls - nothing) * 1e6) / introduction.calls);
}

async function ofSubjects(guests: string): Promise<Measured[]> {
  const names = readdirSync(SUBJECTS)
    .map((file) => basename(file, '.ts'))
    .sort();
  const running: Running[] = [];
  try {
    for (const name of names) {
      const opened = await Running.open(name, guests).catch(notHere);
      if (opened !== null) running.push(opened);
    }
    const missing = [OURS, PLAIN].find((name) => !running.some(({ subject }) => subject === name));
    if (missing !== undefined) throw new Error(`${missing} does not run here`);
    for (let turn = 0; turn < ROUNDS; turn += 1) {
      for (let index = 0; index < running.length; index += 1) {
        await round(running[(index + turn) % running.length]!);
      }
    }
    for (const each of running) {
      const { kept: count } = each.introduction;
      const answer = count === 0 ? null : await each.ask({ kind: 'kept', count });
      each.measured.bytes = answer?.[0] ?? null;
    }
    return running.map(({ measured }) => measured);
  } finally {
    for (const each of running) each.close();
  }
}

/** A peer whose program is not made for this machine is left out, and that is said. */
function notHere(error: unknown): null {
  process.stderr.write(`${String(error)}: it is left out\n`);
  return null;
}

/** Null: Erlang is not installed. */
function ofErlang(): Measured | null {
  try {
    const text = execFileSync('escript', [ERLANG], { encoding: 'utf8', timeout: 120_000 });
    const { version, lives, rates, compute, calls, bytes } = JSON.parse(text) as {
      version: string;
      lives: number[];
      rates: number[];
      compute: number[];
      calls: number[];
      bytes: number | null;
    };
    return {
      name: `Erlang ${version}`,
      // A process can be killed at any time, and its heap bounded; what it may call is not.
      fences: { ...NO_FENCES, endsLoops: true, boundsMemory: true },
      lives,
      rates,
      computes: compute,
      calls: calls.map((ms) => (ms * 1e6) / CALLS),
      bytes,
    };
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ENOENT') return null;
    throw error;
  }
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

/** Of many lives the middle; of few rounds the best, as others use the machine at times. */
function typical({ rounds, median: middle, better, min, max }: Stats): number {
  if (rounds > MANY) return middle;
  return better === 'less' ? min : max;
}

/** How people write a number of a unit. */
function shown(stats: Stats): string {
  const { unit, p99, min, median: middle, max, rounds } = stats;
  const number = (value: number): string =>
    value >= 100 ? Math.round(value).toLocaleString('en') : value.toPrecision(3);
  const first = `${number(typical(stats))} ${unit}`;
  if (rounds === 1) return first;
  return rounds > MANY
    ? `${first}, ${number(min)} to ${number(p99)} (p99)`
    : `${first}, ${number(min)} to ${number(max)}, median ${number(middle)}`;
}

/** One measure of all subjects, each against ringfence's or plain V8's. */
function rowsOf(
  title: string,
  all: readonly Measured[],
  stats: (measured: Measured) => Stats | null,
  base: string,
): Row[] {
  const found = all.flatMap((measured) => {
    const of = stats(measured);
    return of === null ? [] : [{ name: measured.name, of }];
  });
  const against = found.find(({ name }) => name === base)?.of ?? null;
  return found.map(({ name, of }) => ({
    part: 'peers',
    name: `${title}: ${name}`,
    value: shown(of),
    ratio: against === null ? null : typical(of) / typical(against),
    against: base,
    stats: of,
    plot: title,
  }));
}

/** Peers, on the same work. */
export const peers: Part = {
  name: 'peers',
  what: 'what else runs code of others, on the same work (some minutes)',
  async run() {
    installBenchPackages();
    execFileSync(process.execPath, [BUILD]);
    const folder = mkdtempSync(join(tmpdir(), 'ringfence-bench-'));
    try {
      const guests = await buildPeerGuests(folder);
      const erlang = ofErlang();
      const all = [
        ...(await ofSubjects(JSON.stringify(guests))),
        ...(erlang === null ? [] : [erlang]),
      ];
      return [
        ...rowsOf('start to end', all, ({ lives }) => statsOf(toMicros(lives), 'µs'), OURS),
        ...rowsOf('sustained', all, ({ rates }) => statsOf(rates, 'a second', 'more'), OURS),
        ...rowsOf('compute', all, ({ computes }) => statsOf(computes, 'ms'), PLAIN),
        ...rowsOf('host call', all, ({ calls }) => statsOf(calls, 'ns'), OURS),
        ...rowsOf('memory of one', all, ({ bytes }) => memoryOf(bytes), OURS),
        ...all.map(({ name, fences }) => ({
          part: 'peers',
          name: `fences: ${name}`,
          value: lackOf(fences),
          ratio: null,
          against: '',
        })),
      ];
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
};

const toMicros = (times: readonly number[]): number[] => times.map((ms) => ms * 1000);
const memoryOf = (bytes: number | null): Stats | null =>
  bytes === null ? null : statsOf([bytes / 1024], 'KiB');
