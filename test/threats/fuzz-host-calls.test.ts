/**
 * Goal: whatever core values a guest passes to whichever host function, it ends in one of the ways that
 * guests end: never as a failure of ours, and never with more than it may have. Method: a guest that
 * calls all functions of the offered world with random values, hundreds of times with other seeds, with
 * and without grants, a directory of the host among them.
 */

import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Agent, ExitReason, GrantsInput, LoadedModule, Report } from '../../src/index.ts';
import { hostMountsSupported } from '../../src/wasm/host/files/root.ts';
import { useFence } from './support/fence.ts';
import { type Fuzzed, fuzzGuest } from './support/fuzz-guest.ts';
import { CALLS_PER_AGENT } from './support/fuzz-text.ts';

const fence = useFence();
const MEBIBYTE = 1024 * 1024;

/** Agents, each with a seed of its own, and how many of them live at a time. */
const AGENTS = Number(process.env.RINGFENCE_FUZZ_AGENTS ?? 720);
const AT_A_TIME = Number(process.env.RINGFENCE_FUZZ_AT_A_TIME ?? 60);
/** The first seed; another one for each run would find more, and fail where nobody has changed anything. */
const FIRST_SEED = Number(process.env.RINGFENCE_FUZZ_SEED ?? 1);
/** What this process may grow by: its agents, their lines, and what is not collected yet. */
const GROWTH_BYTES_MAX = 500 * MEBIBYTE;
/** An agent that has called nothing for two looks waits for ever, and is killed. */
const LOOK_INTERVAL_MS = 30;

/** A directory of the host with a few files, and what lies beside it and must stay as it is. */
const outside = mkdtempSync(join(tmpdir(), 'ringfence-fuzz-'));
const directory = join(outside, 'directory');
mkdirSync(join(directory, 'a'), { recursive: true });
writeFileSync(join(directory, 'file.txt'), 'a file');
writeFileSync(join(outside, 'b'), 'nobody may touch this');
symlinkSync('../b', join(directory, 'link'));

const MOUNTS: GrantsInput['files'] = [
  { memory: true, guest: '/memory' },
  ...(hostMountsSupported
    ? [
        {
          host: directory,
          guest: '/host',
          modes: ['read' as const, 'write' as const, 'create' as const],
        },
      ]
    : []),
];
const EVERYTHING: GrantsInput = {
  ipc: 'all',
  network: 'all',
  tools: 'all',
  spawn: 8,
  files: MOUNTS,
};

/** How an agent may end that calls anything at all. */
const ENDS: ReadonlySet<ExitReason> = new Set(['normal', 'error', 'trap', 'fuel', 'killed']);

/** What each agent has called, by its lines in the log. */
class Calls {
  readonly of = new Map<number, number[]>();
  #seen = 0;

  /** Reads the lines that are new. */
  read(): void {
    const { lines } = fence();
    for (; this.#seen < lines.length; this.#seen += 1) {
      const { pid, message } = lines[this.#seen]!;
      const number = /^#(\d{3})$/.exec(message)?.[1];
      if (number === undefined) continue;
      const calls = this.of.get(pid) ?? [];
      calls.push(Number(number));
      this.of.set(pid, calls);
    }
  }
}

describe('33 and 58: every host function with any arguments', () => {
  let functions: readonly Fuzzed[] = [];
  let module: LoadedModule;
  beforeAll(async () => {
    const guest = await fuzzGuest();
    functions = guest.functions;
    module = await fence().load(guest.component);
    const { kernel } = fence();
    kernel.registerTool({ name: 'echo', description: 'Answers its arguments.' }, (args) => args);
  });

  const limits = { fuel: 3_000_000, wallTimeMs: 0, hostBytes: 4 * MEBIBYTE, messages: 200 };
  const start = (seed: number): Promise<Agent> => {
    // Each function is the first of some agent, so that all of them are called.
    const first = seed - FIRST_SEED;
    return fence().spawn(module, {
      arguments: [String(seed), ...(first < functions.length ? [String(first)] : [])],
      agentId: `seed ${seed}`,
      environment: { NAME: 'value' },
      stdin: 'some input\n'.repeat(20),
      terminal: { stdin: true, stdout: true },
      grants: seed % 3 === 0 ? {} : EVERYTHING,
      limits,
    });
  };

  /** Runs agents side by side to their reports. */
  async function live(seeds: readonly number[], calls: Calls): Promise<Report[]> {
    const agents = await Promise.all(seeds.map(start));
    const before = new Map<number, number>();
    while (agents.some((agent) => agent.state !== 'exited')) {
      await new Promise((resolve) => setTimeout(resolve, LOOK_INTERVAL_MS));
      calls.read();
      for (const agent of agents) {
        const count = calls.of.get(agent.pid)?.length ?? 0;
        if (count > 0 && before.get(agent.pid) === count) agent.kill();
        before.set(agent.pid, count);
      }
    }
    const ended = await Promise.all(agents.map((agent) => fence().ended(agent)));
    return ended.map(({ report }) => report);
  }

  afterAll(() => rmSync(outside, { recursive: true, force: true }));

  it('33 and 58: they end as guests end, and the host is as it was', async () => {
    const before = process.memoryUsage.rss();
    const reports: Report[] = [];
    const calls = new Calls();
    for (let done = 0; done < AGENTS; done += AT_A_TIME) {
      const seeds = Array.from({ length: AT_A_TIME }, (_, at) => FIRST_SEED + done + at);
      reports.push(...(await live(seeds, calls)));
    }
    calls.read();
    expect(process.memoryUsage.rss() - before).toBeLessThan(GROWTH_BYTES_MAX);

    const strange = reports
      .filter(({ exit }) => !ENDS.has(exit.reason))
      .map(({ pid, agent_id: seed, exit }) => {
        const last = functions[calls.of.get(pid ?? 0)?.at(-1) ?? -1];
        return { seed, exit, last: `${last?.interface}#${last?.name}` };
      });
    expect(strange).toEqual([]);
    expect(fence().warnings).toEqual([]);
    expect(readdirSync(outside).sort()).toEqual(['b', 'directory']);
    expect(readFileSync(join(outside, 'b'), 'utf8')).toBe('nobody may touch this');

    // It was worth it: all of them were called, and many agents came far.
    const called = new Set([...calls.of.values()].flat());
    const never = functions.filter((_, index) => !called.has(index));
    expect(never.map(({ interface: owner, name }) => `${owner}#${name}`)).toEqual([]);
    const far = [...calls.of.values()].filter((numbers) => numbers.length > CALLS_PER_AGENT / 10);
    expect(far.length).toBeGreaterThan(AGENTS / 20);
    const messages = new Set(reports.map(({ exit }) => exit.message?.replace(/\d+/g, 'N')));
    expect(messages.size).toBeGreaterThan(12);
  }, 120_000);
});
