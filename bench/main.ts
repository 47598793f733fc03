/**
 * The benchmark suite: one command, one table, one file of JSON and one page.
 *
 *     npm run bench                      all parts; results/ gets results.json and the page
 *     npm run bench -- metering start    these parts; of the others stays what was measured before
 *     npm run bench -- --json            prints what was measured as JSON, in the shape of results.json
 *     npm run bench -- --out DIR peers   elsewhere than results/
 *     npm run bench -- --no-page peers   without the page
 *     npm run bench -- --figures         measures nothing; puts the results into the README
 *     npm run bench -- --against REF     these files and another commit's, in turns: what changed
 *
 * Ends with 1 where a part failed or became worse, with 2 where it was called in a wrong way.
 *
 * Absolute times depend on the machine; the ratios are taken in one run, in turns.
 */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { constants, loadavg, tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { against, tableOfChanges } from './against.ts';
import { audit } from './audit.ts';
import { ends } from './ends.ts';
import { writeFigures } from './figures.ts';
import { gate } from './gate.ts';
import { hostcalls } from './hostcalls.ts';
import { installBenchPackages } from './installed.ts';
import { isolation } from './isolation.ts';
import { kernel } from './kernel.ts';
import { kit } from './kit.ts';
import type { Part } from './measure.ts';
import { memory } from './memory.ts';
import { messages } from './messages.ts';
import { metering } from './metering/part.ts';
import { network } from './network.ts';
import { peers } from './peers/part.ts';
import { published } from './published.ts';
import {
  commitNow,
  describeMachine,
  machineNow,
  RESULTS,
  type Results,
  readResults,
  writeResults,
} from './results.ts';
import { scale } from './scale.ts';
import { scheduler } from './scheduler.ts';
import { sdk } from './sdk.ts';
import { start } from './start.ts';
import { table } from './table.ts';

const PARTS: readonly Part[] = [
  metering,
  start,
  gate,
  hostcalls,
  ends,
  scheduler,
  kernel,
  messages,
  memory,
  network,
  audit,
  sdk,
  kit,
  isolation,
  scale,
  published,
  peers,
];

class Usage extends Error {}

function progress({ name, what }: Part): void {
  if (process.stderr.isTTY) process.stderr.write(`${name}: ${what}\n`);
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      allowNegative: true,
      options: {
        json: { type: 'boolean', default: false },
        out: { type: 'string', default: RESULTS },
        against: { type: 'string' },
        figures: { type: 'boolean', default: false },
        page: { type: 'boolean', default: true },
      },
    });
  } catch (error) {
    throw new Usage(error instanceof Error ? error.message : String(error));
  }
}

function partsOf(names: readonly string[]): readonly Part[] {
  const unknown = names.find((name) => !PARTS.some((part) => part.name === name));
  if (unknown !== undefined) {
    const known = PARTS.map(({ name }) => name).join(', ');
    throw new Usage(`There is no part '${unknown}': choose among ${known}.`);
  }
  return names.length === 0 ? PARTS : PARTS.filter(({ name }) => names.includes(name));
}

/** What was measured, and the names of the parts that failed. */
interface Outcome {
  readonly measured: readonly Results[];
  readonly failed: readonly string[];
}

/** Keeps what each part measured as soon as it has. One that fails is told, and the others go on. */
async function measure(parts: readonly Part[], folder: string): Promise<Outcome> {
  const machine = machineNow(loadavg()[0] ?? 0);
  const commit = commitNow();
  const measured: Results[] = [];
  const failed: string[] = [];
  for (const part of parts) {
    progress(part);
    try {
      const rows = await part.run();
      const date = new Date().toISOString();
      measured.push({ part: part.name, commit, date, machine, rows });
      writeResults(folder, measured.slice(-1));
    } catch (error) {
      failed.push(part.name);
      process.stderr.write(`The part ${part.name} failed, and is left out: ${told(error)}\n`);
    }
  }
  return { measured, failed };
}

const told = (error: unknown): string => (error instanceof Error && error.stack) || String(error);

/** By a name that is not seen by the type check: its packages are there from the first run on only. */
async function writePage(folder: string): Promise<void> {
  const specifier = './page.ts';
  const { pageOf } = (await import(specifier)) as {
    pageOf(all: readonly Results[]): Promise<string>;
  };
  const page = join(folder, 'index.html');
  writeFileSync(page, await pageOf(readResults(folder)));
  process.stderr.write(`The page is ${relative(process.cwd(), page)}.\n`);
}

async function main(args: readonly string[]): Promise<void> {
  const { values, positionals } = parse(args);
  if (values.figures) return writeFigures();
  const parts = partsOf(positionals);
  if (values.against !== undefined) return compare(values.against, parts, values.json);
  const folder = resolve(values.out);
  const { measured, failed } = await measure(parts, folder);
  if (values.page) {
    installBenchPackages();
    await writePage(folder);
  }
  console.log(values.json ? JSON.stringify(measured) : shownOf(measured));
  if (failed.length > 0) process.exitCode = 1;
}

/** The rows, and what they were measured on. */
function shownOf(measured: readonly Results[]): string {
  const [first] = measured;
  if (first === undefined) return 'Nothing was measured.';
  const rows = measured.flatMap((results) => results.rows);
  return `${table(rows)}\n\nCommit ${first.commit}; ${describeMachine(first.machine)}`;
}

async function compare(ref: string, parts: readonly Part[], json: boolean): Promise<void> {
  const changes = against(ref, parts, progress);
  console.log(json ? JSON.stringify(changes) : tableOfChanges(changes));
  if (changes.some(({ verdict }) => verdict === 'worse')) process.exitCode = 1;
}

/**
 * What parts make of files goes into one folder, also of the processes that they start, and is gone however this ends.
 * Ctrl-C reaches those processes too; who is ended alone takes them along, as they end when nobody listens.
 */
function keepTidy(): void {
  const folder = mkdtempSync(join(tmpdir(), 'ringfence-bench-'));
  process.env.TMPDIR = folder;
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => process.exit(128 + constants.signals[signal]));
  }
}

try {
  keepTidy();
  await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof Usage)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 2;
}
