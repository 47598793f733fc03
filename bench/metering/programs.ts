/** Whole programs that others wrote, each with something to do for a part of a second. */

import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import type { ProgramStatus } from '../../scripts/build-programs.ts';
import type { Running } from './subjects.ts';
import { type CommandInput, type CommandOutcome, Wasip1Command } from './wasip1.ts';

const BUILT = new URL('../../guest-examples/build/programs/', import.meta.url);
const WORKLOADS = new URL('workloads/', import.meta.url);

const ENCODER = new TextEncoder();

/** A module among the programs that scripts/build-programs.ts builds. */
export type ProgramName = 'bzip2' | 'lua' | 'sqlite3' | 'duk' | 'python';

/** A program and what it is given. */
export interface Workload {
  readonly name: string;
  readonly program: ProgramName;
  /** `before`: what the workloads before it wrote to their output, by their names. */
  input(before: ReadonlyMap<string, Uint8Array>): CommandInput;
}

/** So that it takes about as long as the other. */
const SQLITE_COLD_TIMES = 2;

const COMPRESS = 'bzip2, compress';

/** Steady state: each is run over and over. */
export const WORKLOADS_STEADY: readonly Workload[] = [
  {
    name: COMPRESS,
    program: 'bzip2',
    input: () => ({ args: ['bzip2', '-c', 'text'], files: { text: TEXT } }),
  },
  {
    name: 'bzip2, decompress',
    program: 'bzip2',
    input: (before) => ({
      args: ['bzip2', '-dc', 'text.bz2'],
      files: { 'text.bz2': before.get(COMPRESS)! },
    }),
  },
  { name: 'lua', program: 'lua', input: () => script('lua', 'work.lua') },
  { name: 'sqlite3', program: 'sqlite3', input: () => sqlite(workload('work.sql')) },
  { name: 'duk', program: 'duk', input: () => script('duk', 'work.es5') },
  { name: 'python', program: 'python', input: () => script('python', 'work.py') },
];

/** The large ones, for their first second. */
export const WORKLOADS_COLD: readonly Workload[] = [
  {
    name: 'sqlite3',
    program: 'sqlite3',
    input: () => sqlite(workload('work.sql').repeat(SQLITE_COLD_TIMES)),
  },
  { name: 'python', program: 'python', input: () => script('python', 'work.py') },
];

/** The bytes of a program, or why they aren't there. */
export function readProgram(name: ProgramName): Uint8Array<ArrayBuffer> | string {
  const statusFile = new URL('status.json', BUILT);
  const status: Record<string, ProgramStatus> = existsSync(statusFile)
    ? JSON.parse(readFileSync(statusFile, 'utf8'))
    : {};
  const built = status[name];
  if (built === undefined) {
    return 'not built; node scripts/build-programs.ts does it';
  }
  return built.built ? new Uint8Array(readFileSync(new URL(`${name}.wasm`, BUILT))) : built.why;
}

/** Runs a program from its start to its end in a new instance. */
export async function runProgram(
  module: WebAssembly.Module,
  instantiate: (module: WebAssembly.Module, imports: WebAssembly.Imports) => Promise<Running>,
  input: CommandInput,
): Promise<{ readonly outcome: CommandOutcome; readonly unitsUsed: number | null }> {
  const command = new Wasip1Command(input);
  const running = await instantiate(module, command.imports(module));
  const outcome = await command.run(running.exports.memory, () => running.call('_start'));
  return { outcome, unitsUsed: running.unitsUsed() };
}

/**
 * All that a run says, to be compared with another's.
 *
 * @throws {Error} when it failed: then it wasn't the work that is to be measured.
 */
export function answerOf(name: string, { code, stdout, stderr }: CommandOutcome): string {
  if (code !== 0) {
    throw new Error(`${name} ended with ${code}: ${stderr}`);
  }
  return `${createHash('sha256').update(stdout).digest('hex')} ${stderr}`;
}

function workload(name: string): string {
  return readFileSync(new URL(name, WORKLOADS), 'utf8');
}

function script(program: ProgramName, name: string): CommandInput {
  return { args: [program, name], files: { [name]: ENCODER.encode(workload(name)) } };
}

function sqlite(statements: string): CommandInput {
  return { args: ['sqlite3', ':memory:', statements] };
}

/** Words that come back, between numbers that don't: text that packs to about a third. */
function prose(length: number): Uint8Array {
  let seed = 42;
  const next = (below: number): number => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
    return (seed >>> 8) % below;
  };
  const words = Array.from({ length: 700 }, () =>
    Array.from({ length: 2 + next(8) }, () => String.fromCharCode(97 + next(26))).join(''),
  );
  const parts: string[] = [];
  for (let written = 0; written < length; ) {
    const part = next(12) === 0 ? `${next(100_000)}\n` : `${words[next(next(700) + 1)]} `;
    parts.push(part);
    written += part.length;
  }
  return ENCODER.encode(parts.join('').slice(0, length));
}

const TEXT = prose(6_000_000);
