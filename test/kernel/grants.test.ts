/**
 * Goal: without a grant every function that needs one is denied, typed, counted and reported; with the
 * grants none is. Method: the guest that calls every host function there is, against the gate's own
 * table of what needs a capability.
 */

import { afterAll, beforeAll, expect, test } from 'vitest';
import { CAPABILITY_NAME, type GrantKind } from '../../src/capability/grant.ts';
import type { GrantsInput } from '../../src/index.ts';
import { HOST } from '../../src/wasm/host/index.ts';
import { guest, type TestKernel, testKernel } from '../support/kernel.ts';

let host: TestKernel;
beforeAll(async () => {
  host = await testKernel({ catalogue: { tools: 'all' } });
});
afterAll(() => host.kernel.close());

async function callEverything(grants: GrantsInput) {
  const module = await host.kernel.load(guest('ungranted'));
  const agent = await host.kernel.spawn({ module, grants, limits: { wallTimeMs: 20_000 } });
  return agent.exited;
}

const EVERYTHING: GrantsInput = {
  ipc: 'all',
  // The guest asks for localhost, which is not public.
  network: ['*', 'localhost'],
  tools: 'all',
  services: 'all',
  spawn: 8,
};

/** Functions of what nobody can have without the grant: sockets, and buckets of wasi:keyvalue. */
const OF_WHAT_IS_GRANTED = new RegExp(
  [
    '^\\[method\\](?:tcp-socket|udp-socket|outgoing-datagram-stream|incoming-datagram-stream)\\.',
    '^\\[method\\](?:bucket|cas)\\.',
    '^(?:\\[static\\]cas\\.new|increment|swap|(?:get|set|delete)-many)$',
  ].join('|'),
);

/** What the gate asks for, by the capability, over all functions that an agent can reach. */
function gatedFunctions(): Map<string, number> {
  // Clocks and random are granted anyway; without a mount there is no descriptor to call a function of.
  const granted = new Set(['clocks', 'random', 'files']);
  const counts = new Map<string, number>();
  for (const functions of HOST.values()) {
    for (const [operation, { capability }] of functions) {
      if (capability !== null && !granted.has(capability) && !OF_WHAT_IS_GRANTED.test(operation)) {
        const name = CAPABILITY_NAME[capability as GrantKind];
        counts.set(name, (counts.get(name) ?? 0) + 1);
      }
    }
  }
  return counts;
}

test('without a grant each is denied once, and the agent goes on', async () => {
  const report = await callEverything({});
  expect(report.exit).toEqual({ code: 0, reason: 'normal', message: null });
  const denied = new Map<string, number>();
  for (const { capability, count } of report.denied) {
    expect(count).toBe(1);
    denied.set(capability, (denied.get(capability) ?? 0) + 1);
  }
  expect(denied).toEqual(gatedFunctions());
  expect(report.usage).toMatchObject({ messages_sent: 0, tool_calls: 0, disk_bytes: 0 });
});

test('with all grants none is denied, and what is not there says so', async () => {
  const first = host.lines.length;
  const report = await callEverything(EVERYTHING);
  expect(report.denied).toEqual([]);
  const said = host.lines.slice(first).map(({ message }) => message);
  expect(said.some((message) => /stop: (not-found|invalid)/.test(message))).toBe(true);
  const ofStores = said.filter((message) => message.startsWith('wasi:keyvalue/'));
  expect(ofStores.filter((message) => message.endsWith(': ok'))).toHaveLength(13);
}, 60_000);

test.each([
  ['clocks', { clocks: false }],
  ['random', { random: false }],
])('where %s are withdrawn a call traps and names the grant', async (capability, grants) => {
  const report = await callEverything(grants);
  expect(report.exit).toMatchObject({ code: -3, reason: 'trap' });
  expect(report.exit.message).toMatch(new RegExp(`grant ${capability}`));
  expect(report.denied).toContainEqual(expect.objectContaining({ capability, count: 1 }));
});
