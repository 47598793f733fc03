/**
 * The benchmark suite: one command, one table, one file of JSON and one page.
 *
 *     npm run bench                      all parts; results/ gets their files and the page
 *     npm run bench -- metering start    these parts
 *     npm run bench -- --json            the rows as JSON
 *     npm run bench -- --out DIR peers   elsewhere than results/
 *     npm run bench -- --figures         measures nothing; puts the results into the README
 *     npm run bench -- --against REF     these files and another commit's, in turns: what changed
 *
 * Absolute times depend on the machine; the ratios are taken in one run, in turns.
 */

import { writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { against } from './against.ts';
import { audit } from './audit.ts';
import { ends } from './ends.ts';
import { writeFigures } from './figures.ts';
import { gate } from './gate.ts';
import { installBenchPackages } from './installed.ts';
import { isolation } from './isolation.ts';
import { kernel } from './kernel.ts';
import { kit } from './kit.ts';
import type { Part, Row } from './measure.ts';
import { metering } from './metering/part.ts';
import { network } from './network.ts';
import { peers } from './peers/part.ts';
import {
  commitNow,
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
  ends,
  scheduler,
  kernel,
  network,
  audit,
  sdk,
  kit,
  isolation,
  scale,
  peers,
];

class Usage extends Error {}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        json: { type: 'boolean', default: false },
        out: { type: 'string', default: RESULTS },
        against: { type: 'string' },
        figures: { type: 'boolean', default: false },
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

async function measure(parts: readonly Part[], folder: string): Promise<Row[]> {
  const machine = machineNow(loadavg()[0] ?? 0);
  const commit = commitNow();
  const rows: Row[] = [];
  for (const part of parts) {
    if (process.stderr.isTTY) process.stderr.write(`${part.name}: ${part.what}\n`);
    const measured = await part.run();
    const date = new Date().toISOString();
    writeResults(folder, { part: part.name, commit, date, machine, rows: measured });
    rows.push(...measured);
  }
  installBenchPackages();
  await writePage(folder);
  return rows;
}

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
  const rows =
    values.against === undefined
      ? await measure(parts, resolve(values.out))
      : await against(values.against, parts);
  console.log(values.json ? JSON.stringify(rows) : table(rows));
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof Usage)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 2;
}
