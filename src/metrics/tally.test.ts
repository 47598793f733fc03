/** Goal: sums are sums, whoever says what. Method: agents made of numbers. */

import { expect, test } from 'vitest';
import { NOTHING_USED } from '../resource/usage.ts';
import type { Denial } from '../supervisor/report.ts';
import { type Counted, Tally } from './tally.ts';

const agent = (fuel: number, denials: Denial[] = []): Counted => ({
  usage: {
    ...NOTHING_USED,
    fuel,
    messages_sent: 2,
    tool_calls: 3,
    cpu_time_ms: 0.5,
    slices: 4,
    network_requests: 5,
    network_bytes_out: 6,
    network_bytes_in: 7,
  },
  denials: new Map(denials.map((denial) => [`${denial.capability} ${denial.operation}`, denial])),
});

test('who has exited is added once, who runs each time that it is asked', () => {
  const tally = new Tally();
  tally.exited('normal', agent(10));
  tally.exited('normal', agent(10));
  tally.exited('trap', agent(1));
  const sum = tally.with([agent(100)]);
  expect(sum).toMatchObject({
    fuel: 121,
    messagesSent: 8,
    toolCalls: 12,
    cpuTimeMs: 2,
    slices: 16,
    networkRequests: 20,
    networkBytesOut: 24,
    networkBytesIn: 28,
  });
  expect(tally.with([agent(200)]).fuel).toBe(221);
  expect(tally.fuel).toBe(21);
  expect([...sum.exits]).toEqual([
    ['normal', 2],
    ['trap', 1],
  ]);
});

test('denials are told apart by capabilities that there are; what a process makes up is other', () => {
  const tally = new Tally();
  const denials = ['can_ipc', 'can_ipc', 'made up', 'too'].map((capability, index) => ({
    capability,
    operation: `call ${index}`,
    count: 5,
  }));
  tally.exited('normal', agent(0, denials));
  expect([...tally.denials]).toEqual([
    ['can_ipc', 10],
    ['other', 10],
  ]);
});
