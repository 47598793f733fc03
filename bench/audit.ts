/**
 * The audit chain: events appended and verified by one core, beside plain SHA-256 over the same bytes; and
 * what it costs agents' starts to be recorded, and host calls to be kept for a replay.
 */

import { hash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildGuests } from '../scripts/build-guests.ts';
import { Chain, newChain } from '../src/audit/chain.ts';
import { draft } from '../src/audit/event.ts';
import { draftsOfText, type ToThread, textOfDraft } from '../src/audit/store/protocol.ts';
import { ChainWriter } from '../src/audit/store/writer.ts';
import { verifyFile } from '../src/audit/verify-lines.ts';
import { createAuditKey, type Kernel, type LoadedModule, openKernel } from '../src/index.ts';
import { CHAIN_ID, exampleEvent, TestChain } from '../test/support/audit/chain.ts';
import { keptRows } from './kept-calls.ts';
import { cpuTime, type Part, type Row, statsOf, timeAsync } from './measure.ts';
import { valuesInTurns } from './rounds.ts';

const EVENTS = 100_000;
const BATCH = 1000;
const ROUNDS = 4;
/** Agents that are started one after the other, so many at a time. */
const STARTS = 600;
const AT_A_TIME = 16;
const START_ROUNDS = 20;

const perSecond = (count: number, ms: number): string =>
  `${Math.round((count / ms) * 1000).toLocaleString('en-US')}/s`;

/** Batches of drafts as the program's thread hands them on. */
function batches(): string[] {
  return Array.from({ length: EVENTS / BATCH }, (_, batch) =>
    Array.from({ length: BATCH }, (_, index) =>
      textOfDraft(draft(exampleEvent(batch * BATCH + index), 0)),
    ).join(''),
  );
}

/** Milliseconds of CPU time in which a store takes all batches, each a commit. */
async function stored(directory: string, texts: readonly string[]): Promise<number> {
  const writer = new ChainWriter(
    {
      directory,
      chain: CHAIN_ID,
      maxBytes: 2 ** 40,
      checkpointEvents: BATCH,
      checkpointMs: 60_000,
      software: 'bench',
      key: createAuditKey(`${directory}.key`),
      committed: new SharedArrayBuffer(4),
      retention: null,
      anchored: [],
    },
    { done: () => {}, refused: () => {}, failing: () => {} },
    () => 0,
  );
  const ms = await cpuTime(() => {
    texts.forEach((drafts, id) => {
      writer.take([{ tag: 'write', id, drafts, isAhead: false } satisfies ToThread]);
    });
  });
  writer.close();
  return ms;
}

async function starts(kernel: Kernel, module: LoadedModule): Promise<void> {
  let left = STARTS;
  const one = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      const agent = await kernel.spawn({ module });
      await agent.exited;
    }
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, one));
}

/** What recording costs starts on so many workers, in time and in CPU time of all threads. */
async function startRows(root: string, workers: number): Promise<Row[]> {
  const { files } = await buildGuests({ only: ['hello'] });
  const key = join(root, `kernel-${workers}.key`);
  createAuditKey(key);
  const plain = await openKernel({ workers });
  const directory = join(root, `kernel-${workers}`);
  const audited = await openKernel({ workers, audit: { directory, key } });
  const cpuUs: [number[], number[]] = [[], []];
  const runs = await Promise.all(
    [plain, audited].map(async (kernel, index) => {
      const module = await kernel.load(files.get('hello') ?? '');
      await starts(kernel, module);
      return async (): Promise<number> => {
        const before = process.cpuUsage();
        const ms = await timeAsync(() => starts(kernel, module));
        // What is recorded is written in this round, and not in the other kernel's.
        await kernel.audit?.flush();
        const { user, system } = process.cpuUsage(before);
        cpuUs[index]?.push((user + system) / STARTS);
        return ms;
      };
    }),
  );
  const [plainMs = [], auditedMs = []] = await valuesInTurns(START_ROUNDS, runs);
  await plain.close();
  await audited.close();
  const [without, withAudit] = [Math.min(...plainMs), Math.min(...auditedMs)];
  const [cpuWithout, cpuWithAudit] = [Math.min(...cpuUs[0]), Math.min(...cpuUs[1])];
  const each = (micros: number): string => `${Math.round(micros)} µs`;
  const name = `spawn, run and exit, recorded, ${workers} worker${workers === 1 ? '' : 's'}`;
  return [
    {
      part: 'audit',
      name,
      value: perSecond(STARTS, withAudit),
      ratio: withAudit / without,
      against: `not recorded: ${perSecond(STARTS, without)}`,
      stats: statsOf(
        auditedMs.map((ms) => (STARTS / ms) * 1000),
        'a second',
        'more',
      ),
    },
    {
      part: 'audit',
      name: `${name}: CPU of all threads`,
      value: each(cpuWithAudit),
      ratio: cpuWithAudit / cpuWithout,
      against: `not recorded: ${each(cpuWithout)}`,
      stats: statsOf(cpuUs[1], 'µs'),
    },
  ];
}

async function run(): Promise<Row[]> {
  const root = mkdtempSync(join(tmpdir(), 'ringfence-bench-audit-'));
  try {
    const built = new TestChain().fill(EVENTS);
    const path = join(root, 'chain.jsonl');
    writeFileSync(path, built.lines.map((line) => `${line}\n`).join(''));
    const key = built.signer.verifier.text;
    const texts = batches();
    let turn = 0;
    const [shas = [], append = [], store = [], verify = [], strict = []] = await valuesInTurns(
      ROUNDS,
      [
        () =>
          cpuTime(() => {
            for (const line of built.lines) {
              hash('sha256', line);
            }
          }),
        () =>
          cpuTime(() => {
            const chain = new Chain(newChain(CHAIN_ID));
            for (const text of texts) {
              chain.append(draftsOfText(text));
            }
          }),
        () => {
          turn += 1;
          return stored(join(root, `store-${turn}`), texts);
        },
        () => cpuTime(() => verifyFile(path, { keys: [key] })),
        () => cpuTime(() => verifyFile(path, { keys: [key], strict: true })),
      ],
    );
    const sha = Math.min(...shas);
    const row = (name: string, rounds: readonly number[]): Row => ({
      part: 'audit',
      name,
      value: perSecond(EVENTS, Math.min(...rounds)),
      ratio: Math.min(...rounds) / sha,
      against: `SHA-256 alone: ${perSecond(EVENTS, sha)}`,
      stats: statsOf(
        rounds.map((ms) => (EVENTS / ms) * 1000),
        'a second',
        'more',
      ),
      plot: 'events of the audit chain',
    });
    return [
      row('appended: chain and tree', append),
      row('appended and on disk, 1,000 a commit', store),
      row('verified: chain, tree and signatures', verify),
      row('verified, every event canonical', strict),
      ...(await startRows(root, 1)),
      ...(await startRows(root, 2)),
      ...(await keptRows()),
    ];
  } finally {
    rmSync(root, { recursive: true });
  }
}

export const audit: Part = {
  name: 'audit',
  what: 'events of the audit chain appended and verified, and what recording costs starts and host calls',
  run,
};
