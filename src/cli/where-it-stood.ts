/** Says where a module stood when it was stopped, and where its fuel went, by the file that it was loaded from. */

import { hash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import {
  type CpuProfile,
  cpuProfile,
  type Features,
  type Findings,
  type Frame,
  type Report,
  RingfenceError,
  symbolize,
} from '../index.ts';
import { callLineShort } from './call-line.ts';
import type { Environment } from './environment.ts';
import { printableLine } from './printable.ts';
import { printLine } from './say.ts';

/** What was found out of a run, and what it ran. */
export interface Diagnosed {
  /** The module's file. */
  readonly path: string;
  readonly findings: Findings;
  readonly features: Features;
}

/** Ends that happen somewhere in the module's code. */
const STOPPED_IN_CODE: ReadonlySet<Report['exit']['reason']> = new Set([
  'trap',
  'fuel',
  'cpu_time',
  'timeout',
]);

/** Lines that are printed: most of a deep recursion says nothing new. */
const LINES_MAX = 16;
/** The largest module, or source map, that is read: no larger module is run. */
const FILE_BYTES_MAX = 64 * 1024 * 1024;
/** Characters of a file's name. */
const FILE_NAME_MAX = 200;

/** Prints where it stood, what it had called of the host before, and what it had used. Nothing where it ended by itself, or in the host. */
export async function tellWhere(
  report: Report,
  diagnosed: Diagnosed,
  environment: Environment,
): Promise<void> {
  const { backtrace, lastCalls, hostCalls } = diagnosed.findings;
  if (
    !STOPPED_IN_CODE.has(report.exit.reason) ||
    (backtrace.length === 0 && lastCalls.length === 0)
  ) {
    return;
  }
  const { stderr } = environment;
  if (backtrace.length > 0) {
    await tellFrames(report, diagnosed, environment);
  }
  if (lastCalls.length > 0) {
    const which = lastCalls.length === hostCalls ? 'its' : `the last of its ${count(hostCalls)}`;
    printLine(stderr, `    ${which} host calls:`);
    for (const call of lastCalls) {
      printLine(stderr, `      ${callLineShort(call)}`);
    }
  }
  printLine(stderr, `    ${usedUp(report)}`);
}

/** A line for each function of the backtrace, by the module's own names. */
async function tellFrames(
  report: Report,
  diagnosed: Diagnosed,
  { stderr }: Environment,
): Promise<void> {
  try {
    const { bytes, options } = await fileOf(diagnosed, report);
    const frames = await symbolize(bytes, diagnosed.findings.backtrace, options);
    for (const line of linesOf(frames.filter((frame) => frame !== null))) {
      printLine(stderr, `    ${line}`);
    }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    printLine(
      stderr,
      `ringfence: warning: where it stood can't be shown: ${printableLine(reason)}`,
    );
  }
}

/**
 * Where its fuel went.
 *
 * @throws {RingfenceError} where the module's file can't be read any more
 */
export async function profileOf(diagnosed: Diagnosed, report: Report): Promise<CpuProfile> {
  const { profile } = diagnosed.findings;
  const { bytes, options } = await fileOf(diagnosed, report);
  return cpuProfile(bytes, profile ?? { every: 0, nodes: [], elsewhere: 0 }, options);
}

async function fileOf({ path, features }: Diagnosed, report: Report) {
  const bytes = await readFileOf(path).catch(() => null);
  if (bytes === null || hash('sha256', bytes) !== report.module.sha256) {
    throw new RingfenceError(
      'RF_FILE',
      `Cannot look into the module '${path}': it was changed or removed while it ran.`,
      { path },
    );
  }
  const sourceMap = await sourceMapOf(path);
  return { bytes, options: { features, sourceMap } };
}

/** The map that the build has put beside the module, where there is one. */
const sourceMapOf = async (path: string): Promise<string | undefined> =>
  (await readFileOf(`${path}.map`))?.toString();

/** A file of a size that a module or a map may have; null: there is none. */
async function readFileOf(path: string): Promise<Buffer | null> {
  const status = await stat(path).catch(() => null);
  return status?.isFile() && status.size <= FILE_BYTES_MAX ? await readFile(path) : null;
}

/** One line a frame; those that say the same one after another are counted. */
function linesOf(frames: readonly Frame[]): string[] {
  const lines: { text: string; times: number }[] = [];
  for (const frame of frames) {
    const text = lineOf(frame);
    const last = lines.at(-1);
    if (last?.text === text) {
      last.times += 1;
    } else {
      lines.push({ text, times: 1 });
    }
  }
  const shown = lines
    .slice(0, LINES_MAX)
    .map(({ text, times }) => `at ${text}${times === 1 ? '' : `, ${times} times`}`);
  const hidden = lines.length - shown.length;
  return hidden === 0 ? shown : [...shown, `… and ${hidden} more`];
}

function lineOf({ name, function: index, module, offset, source }: Frame): string {
  const what = printableLine(name ?? `function ${index}`);
  if (source !== null) {
    const file = printableLine(source.file.slice(-FILE_NAME_MAX));
    return `${what} (${file}:${source.line}:${source.column})`;
  }
  const of = module === 0 ? '' : `core module ${module}, `;
  return `${what} (${of}0x${offset.toString(16)})`;
}

const count = (value: number): string => value.toLocaleString('en-US');

function usedUp({ usage, limits }: Report): string {
  const fuel =
    limits.fuel === 0 ? count(usage.fuel) : `${count(usage.fuel)} of ${count(limits.fuel)}`;
  const memory =
    limits.memory_bytes === 0
      ? count(usage.memory_bytes)
      : `${count(usage.memory_bytes)} of ${count(limits.memory_bytes)}`;
  return `fuel used: ${fuel}; bytes of memory: ${memory}`;
}
