/**
 * Goal: each host call of an agent is told of in its order, as a recording of it would have it, and its last
 * ones at its end without what has crossed in them; who tells of many waits for who listens, and nobody's
 * memory grows. Method: guests whose calls are known, with listeners that are slow, fail or never answer.
 */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Findings, HostCall, Isolation, Report, SpawnOptions } from '../../src/index.ts';
import { guest, type TestKernel, testKernel } from '../support/kernel.ts';

let host: TestKernel;
beforeAll(async () => {
  host = await testKernel();
});
afterAll(() => host.kernel.close());

interface Traced {
  readonly report: Report;
  readonly calls: readonly HostCall[];
  readonly findings: Findings | null;
}

/** Runs a guest, and answers what was told of its calls. */
async function traced(
  name: string,
  options: Partial<Omit<SpawnOptions, 'module'>> = {},
): Promise<Traced> {
  const calls: HostCall[] = [];
  const module = await host.kernel.load(guest(name));
  const agent = await host.kernel.spawn({
    module,
    ...options,
    diagnosis: { lastCalls: 10, ...options.diagnosis, trace: (call) => void calls.push(call) },
  });
  const report = await agent.exited;
  return { report, calls, findings: agent.findings() };
}

const inOrder = (calls: readonly HostCall[]) => calls.map(({ call }) => call);
const upTo = (count: number) => Array.from({ length: count }, (_, index) => index + 1);

describe.each<Isolation>(['shared', 'thread', 'process'])(
  'isolation %s',
  { timeout: 120_000 },
  (isolation) => {
    test('calls are told as their recording has them, each once it has answered', async () => {
      const calls: HostCall[] = [];
      const module = await host.kernel.load(guest('ungranted'));
      const agent = await host.kernel.spawn({
        module,
        isolation,
        record: true,
        diagnosis: { trace: (call) => void calls.push(call) },
      });
      await agent.exited;
      const recorded = [...(await agent.recording)!.trace()];
      const told = calls
        .filter(({ outcome }) => outcome !== 'waiting')
        .map(({ outcome: _, ...call }) => call);
      expect(recorded.length).toBeGreaterThan(100);
      expect(told).toEqual(recorded);
      expect(agent.findings()).toMatchObject({ hostCalls: recorded.length, lastCalls: [] });
    });

    test('what was denied says so, what was not does not', async () => {
      const denied = await traced('host-calls', {
        isolation,
        arguments: ['host-calls', 'denied', '3'],
      });
      const sockets = ({ function: name }: HostCall) => name.endsWith('#create-tcp-socket');
      expect(denied.calls.filter(sockets).map(({ outcome }) => outcome)).toEqual(
        Array.from({ length: 3 }, () => 'denied'),
      );
      const granted = await traced('host-calls', {
        isolation,
        arguments: ['host-calls', 'denied', '3'],
        grants: { network: ['127.0.0.1:1'] },
      });
      expect(granted.calls.filter(sockets).map(({ outcome }) => outcome)).toEqual(
        Array.from({ length: 3 }, () => 'answered'),
      );
    });

    test('a call that waits is told of before it has answered, and one that the agent ends in', async () => {
      const calls: HostCall[] = [];
      const waits = Promise.withResolvers<void>();
      const module = await host.kernel.load(guest('sleeper-in-poll'));
      const agent = await host.kernel.spawn({
        module,
        isolation,
        diagnosis: {
          trace: (call) => {
            calls.push(call);
            if (call.outcome === 'waiting') {
              waits.resolve();
            }
          },
        },
      });
      await waits.promise;
      agent.kill();
      await agent.exited;
      const [waiting, ended] = calls.slice(-2);
      expect(waiting).toMatchObject({ outcome: 'waiting', answer: null });
      expect(ended).toEqual({ ...waiting, outcome: 'ended' });
    });

    test('an agent that makes many calls waits for who hears them, and none is missing', async () => {
      const COUNT = 5_000;
      const taken: Array<() => void> = [];
      const calls: HostCall[] = [];
      const stalled = Promise.withResolvers<void>();
      let isStalled = true;
      const module = await host.kernel.load(guest('host-calls'));
      const agent = await host.kernel.spawn({
        module,
        isolation,
        arguments: ['host-calls', 'clock', String(COUNT)],
        diagnosis: {
          trace: (call) => {
            calls.push(call);
            if (calls.length === 256) {
              stalled.resolve();
            }
            return isStalled ? new Promise<void>((resolve) => taken.push(resolve)) : undefined;
          },
        },
      });
      await stalled.promise;
      // It has its turns, if it took any: what is told meanwhile is no more than the window.
      for (let turn = 0; turn < 20; turn += 1) {
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      expect(agent.state).toBe('running');
      expect(calls.length).toBeLessThan(1_024);
      isStalled = false;
      for (const resolve of taken) {
        resolve();
      }
      const report = await agent.exited;
      expect(report.exit.reason).toBe('normal');
      expect(inOrder(calls)).toEqual(upTo(calls.length));
      expect(calls.length).toBeGreaterThan(COUNT);
    });

    test('one that waits for who never hears is killed as any other', async () => {
      const module = await host.kernel.load(guest('host-calls'));
      const first = Promise.withResolvers<void>();
      let heard = 0;
      const agent = await host.kernel.spawn({
        module,
        isolation,
        arguments: ['host-calls', 'clock', '100000'],
        diagnosis: {
          trace: () => {
            heard += 1;
            if (heard === 256) {
              first.resolve();
            }
            return new Promise(() => {});
          },
        },
      });
      await first.promise;
      agent.kill();
      expect((await agent.exited).exit.reason).toBe('killed');
      expect(heard).toBeLessThanOrEqual(1_024);
    });

    test('the last calls are kept, the others are counted', async () => {
      const { findings, calls } = await traced('host-calls', {
        isolation,
        arguments: ['host-calls', 'clock', '50'],
      });
      expect(findings!.hostCalls).toBe(calls.at(-1)!.call);
      expect(inOrder(findings!.lastCalls)).toEqual(upTo(findings!.hostCalls).slice(-10));
      expect(findings!.lastCalls.at(-1)).toMatchObject({
        function: 'wasi:clocks/monotonic-clock#now',
        outcome: 'answered',
      });
    });
  },
);

test('code without a loop waits, too', async () => {
  const module = await host.kernel.load(guest('straight-line-few'));
  const stalled = Promise.withResolvers<void>();
  const goOn = Promise.withResolvers<void>();
  const calls: HostCall[] = [];
  const agent = await host.kernel.spawn({
    module,
    diagnosis: {
      trace: (call) => {
        calls.push(call);
        if (calls.length === 256) {
          stalled.resolve();
        }
        return goOn.promise;
      },
    },
  });
  await stalled.promise;
  // Another one that starts after it in the same kernel is through, and this one has got no further.
  await traced('hello');
  expect(calls.length).toBeLessThan(1_024);
  goOn.resolve();
  expect((await agent.exited).exit.reason).toBe('normal');
  expect(inOrder(calls)).toEqual(upTo(5_000));
});

test('neither changes what is used', async () => {
  const options = { arguments: ['host-calls', 'clock', '3000'] };
  const module = await host.kernel.load(guest('host-calls'));
  const plain = await (await host.kernel.spawn({ module, ...options })).exited;
  const { report } = await traced('host-calls', options);
  expect(report.usage.fuel).toBe(plain.usage.fuel);
});

test('of what was given to the agent only the names are told, and of what else crosses little at its end', async () => {
  const SECRET = 'hunter2-hunter2';
  const { calls, findings } = await traced('args-env', {
    environment: { TOKEN: SECRET },
    arguments: ['args-env', 'visible'],
    diagnosis: { lastCalls: 100 },
  });
  const answers = calls.map(({ answer }) => answer);
  expect(answers).toContain('[["TOKEN", text of 15 characters]]');
  expect(answers).toContain('["args-env", "visible"]');
  const last = findings!.lastCalls.map(({ answer }) => answer);
  expect(last).toContain('[["TOKEN", text of 15 characters]]');
  expect(last).not.toContain('["args-env", "visible"]');
  // The guest writes it out itself: of that the trace has the beginning, the last calls the size.
  expect(JSON.stringify(calls)).toContain('visible');
  expect(JSON.stringify(findings)).not.toContain('visible');
  expect(JSON.stringify(findings)).not.toContain(SECRET);
});

test('so does the trace of a recording tell only names of what was given to the agent', async () => {
  const module = await host.kernel.load(guest('args-env'));
  const agent = await host.kernel.spawn({
    module,
    record: true,
    environment: { TOKEN: 'hunter2-hunter2' },
  });
  await agent.exited;
  const answers = [...(await agent.recording)!.trace()].map(({ answer }) => answer);
  expect(answers).toContain('[["TOKEN", text of 15 characters]]');
});

test('a listener that fails is heard no less, and the agent runs on', async () => {
  const module = await host.kernel.load(guest('host-calls'));
  let heard = 0;
  const agent = await host.kernel.spawn({
    module,
    arguments: ['host-calls', 'clock', '2000'],
    diagnosis: {
      trace: () => {
        heard += 1;
        throw new Error('the listener is broken');
      },
    },
  });
  expect((await agent.exited).exit.reason).toBe('normal');
  expect(heard).toBeGreaterThan(2_000);
});

test.each([
  ['a listener that is no function', { trace: 'yes' as never }],
  ['more last calls than are kept', { lastCalls: 101 }],
  ['a part of a call', { lastCalls: 0.5 }],
])('%s is refused', async (_, diagnosis) => {
  const module = await host.kernel.load(guest('hello'));
  await expect(host.kernel.spawn({ module, diagnosis })).rejects.toMatchObject({
    code: 'RF_USAGE',
  });
});
