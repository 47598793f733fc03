import { expect, it } from 'vitest';
import type { ChildEnd, StartedChild } from './specification.ts';
import { SupervisorTree } from './tree.ts';

it('starts again what became due while it still decided', async () => {
  let nowMs = 1_000;
  const ends: PromiseWithResolvers<ChildEnd>[] = [];
  const start = (): StartedChild => {
    const end = Promise.withResolvers<ChildEnd>();
    ends.push(end);
    return {
      ready: Promise.resolve(ends.length),
      ended: end.promise,
      children: null,
      stop: () => end.resolve({ normally: true, report: null }),
      kill: () => end.resolve({ normally: false, report: null }),
    };
  };
  const tree = new SupervisorTree(
    {
      rules: {
        strategy: 'one_for_one',
        intensity: 5,
        periodMs: 60_000,
        autoShutdown: 'never',
        backOff: { initialMs: 1, maxMs: 1, stableMs: 60_000 },
      },
      children: [
        {
          id: 'a',
          restart: 'permanent',
          significant: false,
          shutdownMs: 0,
          starter: { kind: 'agent', start, release: () => {} },
        },
      ],
      onExit: undefined,
    },
    // A machine so busy that 10 ms pass whenever somebody looks at the clock.
    {
      now: () => {
        nowMs += 10;
        return nowMs;
      },
      warn: () => {},
    },
  );
  await tree.opened;
  ends[0]?.resolve({ normally: false, report: null });
  await expect
    .poll(() => tree.children())
    .toMatchObject([{ id: 'a', state: 'running', pid: 2, restarts: 1 }]);
  await tree.close();
});
