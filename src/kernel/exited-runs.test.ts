/** What is kept of agents that have exited is what they were, of the last ones only. */

import { describe, expect, it } from 'vitest';
import { parseLimits } from '../resource/limits.ts';
import { NOTHING_USED } from '../resource/usage.ts';
import { type ExitedRun, ExitedRuns, RECEIPTS_MAX } from './exited-runs.ts';

const run = (pid: number): ExitedRun => ({
  pid,
  agentId: `agent-${pid}`,
  module: pid % 2 === 0 ? null : 'ab'.repeat(32),
  deterministic: pid % 3 === 0,
  first: pid * 10,
  grants: `[${pid}]`,
  exit: { code: pid % 5 === 0 ? null : -pid, reason: 'trap', message: pid % 7 === 0 ? null : 'm' },
  usage: { ...NOTHING_USED, fuel: 2 ** 53 - pid, wall_time_ms: pid / 8 },
  limits: parseLimits({ fuel: pid, messages: 7 }),
  denied: [{ capability: 'ipc', operation: 'ipc.send', count: pid }],
});

describe('agents that have exited', () => {
  it('are kept as they were', () => {
    const runs = new ExitedRuns();
    for (let pid = 1; pid <= 210; pid += 1) {
      runs.add(run(pid));
    }
    for (let pid = 1; pid <= 210; pid += 1) {
      expect(runs.find(pid)).toEqual(run(pid));
    }
  });

  it('are kept up to a bound: the first goes first, and nobody is taken for another', () => {
    const runs = new ExitedRuns();
    for (let pid = 1; pid <= RECEIPTS_MAX + 1; pid += 1) {
      runs.add(run(pid));
    }
    expect(runs.find(1)).toBeNull();
    expect(runs.find(2)).toEqual(run(2));
    expect(runs.find(RECEIPTS_MAX + 1)).toEqual(run(RECEIPTS_MAX + 1));
    for (const nobody of [0, -1, RECEIPTS_MAX + 2, Number.NaN]) {
      expect(runs.find(nobody)).toBeNull();
    }
  });
});
