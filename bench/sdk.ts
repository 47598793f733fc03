/** What an agent in AssemblyScript pays for a million messages: time of each, and memory, which must not grow. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Kernel, type LoadedModule, openKernel } from '../src/index.ts';
import { buildAgent } from '../test/kit/sdk/build.ts';
import { CONVERSATION } from '../test/support/conversation.ts';
import { type Part, type Row, statsOf } from './measure.ts';
import { number } from './table.ts';

const FEW = 100_000;
const MANY = 1_000_000;
const UNLIMITED = { messages: 0, cpuTimeMs: 0 };

/** What both agents have used at the most after so many messages in JSON, and how long those took. */
async function talk(kernel: Kernel, module: LoadedModule, times: number) {
  const spawn = () => kernel.spawn({ module, grants: { ipc: 'all' }, limits: UNLIMITED });
  const [speaker, hearer] = [await spawn(), await spawn()];
  const told = JSON.stringify({ tell: hearer.pid, times });
  const started = performance.now();
  const answer = await speaker.request({ tag: 'json', val: told }, { timeoutMs: 3_600_000 });
  const elapsedMs = performance.now() - started;
  if (answer.val !== `{"told":${times}}`) throw new Error(`the agents failed: ${answer.val}`);
  for (const agent of [speaker, hearer]) agent.stop();
  const reports = await Promise.all([speaker.exited, hearer.exited]);
  return { elapsedMs, bytes: reports.reduce((sum, { usage }) => sum + usage.memory_bytes, 0) };
}

export const sdk: Part = {
  name: 'sdk',
  what: 'a million messages in JSON between two agents in AssemblyScript',
  async run() {
    const folder = mkdtempSync(join(tmpdir(), 'ringfence-bench-'));
    await using kernel = await openKernel({ workers: 1 });
    try {
      const module = await kernel.load(await buildAgent(folder, 'conversation', CONVERSATION));
      const few = await talk(kernel, module, FEW);
      const many = await talk(kernel, module, MANY);
      const row = (name: string, value: number, unit: string, ratio: number): Row => ({
        part: 'sdk',
        name,
        value: `${number(value)} ${unit}`,
        ratio,
        against: `${FEW.toLocaleString('en')} messages`,
        stats: statsOf([value], unit),
      });
      const microsOf = ({ elapsedMs }: { elapsedMs: number }, times: number) =>
        (elapsedMs * 1_000) / times;
      const each = microsOf(many, MANY);
      return [
        row('memory after 1,000,000 messages', many.bytes / 1_024, 'KiB', many.bytes / few.bytes),
        row('a message in JSON, made, sent and read', each, 'µs', each / microsOf(few, FEW)),
      ];
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
};
