/** The programs of the benchmark of metering, by each who runs core WebAssembly, against plain V8. */

import { geometricMean, type Row, statsOf } from '../measure.ts';
import { type Running, workOf } from './running.ts';
import type { Program } from './subject.ts';

const ROUNDS = 5;
/** So that V8's best code runs, as it comes after the first of some functions' loops. */
const WARM_UP = 2;

/** What a subject took for a program: milliseconds of each round. */
interface Times {
  readonly name: string;
  readonly program: string;
  readonly ms: number[];
}

/** Each program by each subject in turns; what the start and the end of a life take is left out. */
export async function measurePrograms(
  running: readonly Running[],
  programs: readonly Program[],
): Promise<Times[]> {
  const able = running.filter(({ introduction }) => introduction.programs);
  const all: Times[] = [];
  for (const program of programs) {
    const times = able.map(({ measured }) => ({
      name: measured.name,
      program: program.name,
      ms: [] as number[],
    }));
    for (let round = -WARM_UP; round < ROUNDS; round += 1) {
      for (let turn = 0; turn < able.length; turn += 1) {
        const index = (round + WARM_UP + turn) % able.length;
        const subject = able[index]!;
        const [ms = Number.NaN] = (await subject.ask({ kind: 'program', program })) ?? [];
        if (round >= 0) times[index]!.ms.push(...workOf(subject.measured, [ms]));
      }
    }
    all.push(...times);
  }
  return all;
}

/** A row for each subject's geometric mean, and one for each program of each. */
export function programRows(all: readonly Times[], base: string): Row[] {
  const least = new Map(
    all.map(({ name, program, ms }) => [`${name} ${program}`, Math.min(...ms)]),
  );
  const ratioOf = ({ name, program }: Times): number =>
    least.get(`${name} ${program}`)! / least.get(`${base} ${program}`)!;
  const means = [...new Set(all.map(({ name }) => name))].map((name): Row => {
    const own = all.filter((times) => times.name === name);
    const ratios = own.map(ratioOf);
    const worst = own[ratios.indexOf(Math.max(...ratios))]!;
    const mean = geometricMean(ratios);
    return {
      part: 'peers',
      name: `programs: ${name}`,
      value: `${mean.toFixed(2)}, geometric mean of ${own.length}; worst ${ratioOf(worst).toFixed(2)} (${worst.program})`,
      ratio: mean,
      against: base,
      stats: statsOf(ratios, '× plain V8'),
      plot: 'programs',
    };
  });
  const each = all.map(
    (times): Row => ({
      part: 'peers',
      name: `program ${times.program}: ${times.name}`,
      value: `${Math.min(...times.ms).toFixed(1)} ms`,
      ratio: ratioOf(times),
      against: base,
      stats: statsOf(times.ms, 'ms'),
    }),
  );
  return [...means, ...each];
}
