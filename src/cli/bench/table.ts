/** The lines of `ringfence bench` for people. Names are the module's own, and so made printable. */

import { printableLine } from '../printable.ts';
import type { Spread } from './spread.ts';
import { isUnmeasured, type Told } from './told.ts';

const MIB = 1024 ** 2;

const count = (value: number): string => Math.round(value).toLocaleString('en-US');

/** Three digits of a number are what a measurement is worth. */
function digits(value: number): string {
  return value >= 100
    ? count(value)
    : value.toLocaleString('en-US', { maximumSignificantDigits: 3 });
}

const millions = (value: number): string =>
  value >= 1_000_000 ? `${digits(value / 1_000_000)} million` : count(value);

const bytesOf = (value: number): string =>
  value >= MIB ? `${digits(value / MIB)} MiB` : `${digits(value / 1024)} KiB`;

const row = (label: string, value: string): string => `${label.padEnd(12)} ${printableLine(value)}`;

const COLUMNS = ['least', 'median', 'p99', 'most', 'rounds'] as const;

function spreadRow(label: string, spread: Spread | null): string[] {
  if (spread === null) {
    return [];
  }
  const { min, median, p99, max, rounds } = spread;
  const cells = [...[min, median, p99, max].map((ms) => `${digits(ms)} ms`), count(rounds)];
  return [`${label.padEnd(28)}${cells.map((cell) => cell.padStart(11)).join('')}`];
}

/** All lines. */
export function tableOf(told: Told): string {
  const lines = [...headOf(told), ...timesOf(told), ...partsOf(told)];
  return `${lines.join('\n')}\n`;
}

function headOf({ module, machine, run }: Told): string[] {
  const { node, v8, platform, arch, cores, cpu } = machine;
  return [
    row('module', `${module.path}, ${module.world}, isolation '${module.isolation}'`),
    row('machine', `Node ${node} (V8 ${v8}), ${platform} ${arch}, ${cores} cores of ${cpu}`),
    ...(run === null ? [] : [row('run', runWords(run))]),
  ];
}

function runWords({
  kind,
  exit,
  status,
  wall_ms,
  input_bytes,
  output_bytes,
}: NonNullable<Told['run']>) {
  const streams = `${count(input_bytes)} bytes read and ${count(output_bytes)} written`;
  switch (kind) {
    case 'ends':
      return `it ends after ${digits(wall_ms)} ms (${exit?.reason}), ${streams}`;
    case 'waits':
      return `it waits: it has not ended after ${digits(wall_ms)} ms, ${streams}`;
    case 'computes':
      return `it computes on: it has not ended after ${digits(wall_ms)} ms, ${streams}`;
    case 'serves':
      return `it handles HTTP requests: one for / is answered with ${status} after ${digits(wall_ms)} ms, by ${count(output_bytes)} bytes`;
  }
}

function timesOf({ prepare, start, plain, run }: Told): string[] {
  const exit = run?.kind === 'serves' ? 'request to response' : 'start to exit';
  const rows = [
    ...spreadRow('prepare, at first sight', prepare?.cold_ms ?? null),
    ...spreadRow('prepare, from the cache', prepare?.cached_ms ?? null),
    ...spreadRow('start to first instruction', start?.first_instruction_ms ?? null),
    ...spreadRow(exit, start?.exit_ms ?? null),
    ...(plain === null || isUnmeasured(plain)
      ? []
      : [
          ...spreadRow('CPU time in a process', plain.metered_cpu_ms),
          ...spreadRow('the same without metering', plain.plain_cpu_ms),
        ]),
  ];
  const head = `${''.padEnd(28)}${COLUMNS.map((column) => column.padStart(11)).join('')}`;
  return rows.length === 0 ? [] : ['', head, ...rows, ''];
}

function partsOf({ start, fuel, plain, memory, run }: Told): string[] {
  const lines: string[] = [];
  if (start !== null) {
    const { sustained } = start;
    const what = run?.kind === 'serves' ? 'requests' : 'runs';
    lines.push(
      row(
        'sustained',
        isUnmeasured(sustained)
          ? `not measured: ${sustained.unmeasured}`
          : `${digits(sustained.per_second)} ${what} a second, ${sustained.at_a_time} at a time (${count(sustained.runs)} ${what})`,
      ),
    );
  }
  if (fuel !== null) {
    lines.push(
      row('fuel', isUnmeasured(fuel) ? `not measured: ${fuel.unmeasured}` : fuelWords(fuel)),
    );
  }
  if (plain !== null) {
    const words = isUnmeasured(plain) ? `not measured: ${plain.unmeasured}` : plainWords(plain);
    lines.push(row('against V8', words));
  }
  if (memory !== null) {
    lines.push(
      ...(isUnmeasured(memory)
        ? [row('memory', `not measured: ${memory.unmeasured}`)]
        : memoryRows(memory)),
    );
  }
  return lines;
}

type Measured<Part> = Exclude<NonNullable<Part>, { readonly unmeasured: string }>;

function fuelWords({ least, most, same, runs, per_second }: Measured<Told['fuel']>): string {
  const used =
    runs === 1
      ? `${count(most)} units in one run`
      : same
        ? `${count(most)} units in each of ${count(runs)} runs`
        : `${count(least)} to ${count(most)} units in ${count(runs)} runs, which did not do the same`;
  const speed =
    per_second === null
      ? 'a run is too short to say how many a second'
      : `${millions(per_second)} a second of CPU time`;
  return `${used}; ${speed}`;
}

/** Rounds of each side from which on the least of them says something. */
const ROUNDS_ENOUGH = 3;

function plainWords({ ratio_least, ratio_median, plain_cpu_ms }: Measured<Told['plain']>): string {
  const few =
    plain_cpu_ms.rounds < ROUNDS_ENOUGH
      ? '; so few rounds say little, give it more time (--seconds)'
      : '';
  return `${ratio_least.toFixed(2)} times the CPU time of a run without metering (the least of each), ${ratio_median.toFixed(2)} (the median)${few}`;
}

function memoryRows(memory: Measured<Told['memory']>): string[] {
  const { declared_bytes, resident_bytes_per_agent: each, agents_held, fit } = memory;
  return [
    row(
      'memory',
      `${bytesOf(each)} resident for each that has started, by ${count(agents_held)} held at a time; it declares ${bytesOf(declared_bytes)}`,
    ),
    row('how many fit', `${count(fit.agents)} in ${bytesOf(fit.in_bytes)}, ${boundWords(fit)}`),
  ];
}

function boundWords({ bound_by, refusal, reached }: Measured<Told['memory']>['fit']): string {
  const how = reached ? 'as was tried' : 'as reckoned from those that were held';
  switch (bound_by) {
    case 'memory':
      return `where the memory is full, ${how}`;
    case 'capacity':
      return `the most that a kernel takes (docs/limits.md), ${how}`;
    case 'refused':
      return `then one was refused: ${refusal}`;
  }
}
