/**
 * Goal: who is ended or woken runs soon, and nobody starves. Method: agents that only say how long they
 * run, and a clock that they turn themselves.
 */

import { expect, test } from 'vitest';
import { FIRST_RUN_MS, type Schedulable, Scheduler } from './scheduler.ts';

/** What a run ends with. */
type Then = 'spent' | 'waits';

class Bench {
  nowMs = 0;
  /** Of the time, while the system had stopped the thread. */
  stoppedMs = 0;
  readonly scheduler = new Scheduler(
    () => this.nowMs,
    () => (this.nowMs - this.stoppedMs) * 1_000,
  );
  readonly ran: string[] = [];
  readonly time = new Map<string, number>();
  /** Stops everybody. */
  over = false;

  /** An agent that runs for so long at a time; `then` may do something first. */
  agent(name: string, runMs: number, then: (self: Schedulable) => Then) {
    const waits: number[] = [];
    const self: Schedulable = {
      readySinceMs: null,
      aheadMs: 0,
      aheadAtMs: 0,
      expectedMs: FIRST_RUN_MS,
      addCpuTime: () => {},
      addWait: (ms) => void waits.push(ms),
      resume: () => {
        if (this.over) {
          return false;
        }
        this.ran.push(name);
        this.time.set(name, (this.time.get(name) ?? 0) + runMs);
        queueMicrotask(() => {
          this.nowMs += runMs;
          if (then(self) === 'spent') {
            this.scheduler.stoppedAtSliceEnd(self);
          } else {
            this.scheduler.stopped(self);
          }
        });
        return true;
      },
    };
    return { self, waits };
  }

  /** As many turns of the event loop. */
  async turns(count: number): Promise<void> {
    for (let turn = 0; turn < count; turn += 1) {
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}

test('the event loop has a turn before each slice, so that who is woken runs behind the one under way', async () => {
  const bench = new Bench();
  for (let index = 0; index < 50; index += 1) {
    bench.scheduler.wake(bench.agent(`loop ${index}`, 1, () => 'spent').self);
  }
  await bench.turns(120);
  const echo = bench.agent('echo', 0.05, () => 'waits');
  for (let round = 0; round < 5; round += 1) {
    const before = bench.ran.length;
    bench.scheduler.wake(echo.self);
    await bench.turns(3);
    expect(bench.ran.indexOf('echo', before) - before).toBeLessThanOrEqual(1);
  }
  expect(Math.max(...echo.waits)).toBeLessThanOrEqual(1);
  bench.over = true;
});

test('who was ended runs before those that woke up, and they before those whose slices are used up', async () => {
  const bench = new Bench();
  bench.scheduler.wake(bench.agent('first', 1, () => 'spent').self);
  await bench.turns(1);
  for (const name of ['woken 1', 'woken 2']) {
    bench.scheduler.wake(bench.agent(name, 0.1, () => 'waits').self);
  }
  bench.scheduler.hurry(bench.agent('ended', 0, () => 'waits').self);
  const before = bench.ran.length;
  await bench.turns(4);
  expect(bench.ran.slice(before, before + 4)).toEqual(['ended', 'woken 1', 'woken 2', 'first']);
  bench.over = true;
});

test('two that wake each other without end leave those that compute half of the time', async () => {
  const bench = new Bench();
  const ping = bench.agent('ping', 0.2, () => {
    bench.scheduler.wake(pong.self);
    return 'waits';
  });
  const pong = bench.agent('pong', 0.2, () => {
    bench.scheduler.wake(ping.self);
    return 'waits';
  });
  const loop = bench.agent('loop', 1, () => 'spent');
  bench.scheduler.wake(ping.self);
  bench.scheduler.wake(loop.self);
  await bench.turns(2_000);
  bench.over = true;
  const share = (bench.time.get('loop') ?? 0) / bench.nowMs;
  expect(share).toBeGreaterThan(0.3);
});

test('one that computes much and wakes up often gets its share, not that of all who wake up', async () => {
  const bench = new Bench();
  const loops = 20;
  for (let index = 0; index < loops; index += 1) {
    bench.scheduler.wake(bench.agent(`loop ${index}`, 1, () => 'spent').self);
  }
  const hog = bench.agent('hog', 0.9, (self) => {
    setImmediate(() => bench.scheduler.wake(self));
    return 'waits';
  });
  bench.scheduler.wake(hog.self);
  await bench.turns(3_000);
  bench.over = true;
  const fair = bench.nowMs / (loops + 1);
  expect(bench.time.get('hog')).toBeLessThan(1.3 * fair);
  expect(bench.time.get('hog')).toBeGreaterThan(0.5 * fair);
});

test('who wakes up is not made to pay for a thread that the system has stopped', async () => {
  const bench = new Bench();
  for (let index = 0; index < 20; index += 1) {
    bench.scheduler.wake(bench.agent(`loop ${index}`, 1, () => 'spent').self);
  }
  await bench.turns(50);
  const echo = bench.agent('echo', 0.05, () => {
    bench.nowMs += 50;
    bench.stoppedMs += 50;
    return 'waits';
  });
  for (let round = 0; round < 20; round += 1) {
    const before = bench.ran.length;
    bench.scheduler.wake(echo.self);
    await bench.turns(3);
    expect(bench.ran.indexOf('echo', before) - before).toBeLessThanOrEqual(1);
  }
  bench.over = true;
});

/** Wakes an echo a few times by itself, so that it is known to run for a short time. */
async function knownEcho(bench: Bench, runMs: number) {
  const echo = bench.agent('echo', runMs, () => 'waits');
  for (let round = 0; round < 12; round += 1) {
    bench.scheduler.wake(echo.self);
    await bench.turns(2);
  }
  return echo;
}

test('who is known to run shortly does not wait for those that were just started', async () => {
  const bench = new Bench();
  const echo = await knownEcho(bench, 0.05);
  for (let index = 0; index < 50; index += 1) {
    bench.scheduler.wake(bench.agent(`started ${index}`, 1, () => 'spent').self);
  }
  for (let round = 0; round < 10; round += 1) {
    const before = bench.ran.length;
    bench.scheduler.wake(echo.self);
    await bench.turns(3);
    expect(bench.ran.indexOf('echo', before) - before).toBeLessThanOrEqual(1);
  }
  bench.over = true;
});

test('one run that the system has stopped puts nobody behind those that were just started', async () => {
  const bench = new Bench();
  let stopMs = 0;
  const echo = bench.agent('echo', 0.05, () => {
    bench.nowMs += stopMs;
    stopMs = 0;
    return 'waits';
  });
  for (let round = 0; round < 12; round += 1) {
    bench.scheduler.wake(echo.self);
    await bench.turns(2);
  }
  stopMs = 20;
  bench.scheduler.wake(echo.self);
  await bench.turns(2);
  for (let index = 0; index < 20; index += 1) {
    bench.scheduler.wake(bench.agent(`started ${index}`, 1, () => 'spent').self);
  }
  const before = bench.ran.length;
  bench.scheduler.wake(echo.self);
  await bench.turns(3);
  expect(bench.ran.indexOf('echo', before) - before).toBeLessThanOrEqual(1);
  bench.over = true;
});

test('who is known to run shortly goes on before those that compute, once, where its slice comes to an end', async () => {
  const bench = new Bench();
  let ends = 0;
  const echo = bench.agent('echo', 0.05, () => {
    ends = Math.max(0, ends - 1);
    return ends > 0 ? 'spent' : 'waits';
  });
  for (let round = 0; round < 12; round += 1) {
    bench.scheduler.wake(echo.self);
    await bench.turns(2);
  }
  for (let index = 0; index < 20; index += 1) {
    bench.scheduler.wake(bench.agent(`loop ${index}`, 1, () => 'spent').self);
  }
  await bench.turns(60);
  const places = async (slices: number): Promise<number[]> => {
    ends = slices;
    const before = bench.ran.length;
    bench.scheduler.wake(echo.self);
    await bench.turns(50);
    return bench.ran.slice(before).flatMap((name, place) => (name === 'echo' ? [place] : []));
  };
  const [first, second] = await places(2);
  expect(second! - first!).toBeLessThanOrEqual(2);
  const [, again, third] = await places(3);
  expect(third! - again!).toBeGreaterThan(15);
  bench.over = true;
});

test('beside many that compute, who runs shortly may run more than one of them, and less than ten', async () => {
  for (const [everyMs, isHeldUp] of [
    [4, false],
    [0.2, true],
  ] as const) {
    const bench = new Bench();
    const echo = await knownEcho(bench, 0.1);
    for (let index = 0; index < 99; index += 1) {
      bench.scheduler.wake(bench.agent(`loop ${index}`, 1, () => 'spent').self);
    }
    let nextAtMs = bench.nowMs;
    for (let turn = 0; turn < 3_000; turn += 1) {
      if (bench.nowMs >= nextAtMs && echo.self.readySinceMs === null) {
        bench.scheduler.wake(echo.self);
        nextAtMs = bench.nowMs + everyMs;
      }
      await bench.turns(1);
    }
    bench.over = true;
    expect(Math.max(...echo.waits) > 50).toBe(isHeldUp);
    expect(bench.time.get('echo')! / bench.nowMs).toBeLessThan(0.1);
  }
});

test('who is known to run shortly does not wait for many that wake up, compute and wait again', async () => {
  const bench = new Bench();
  const echo = await knownEcho(bench, 0.05);
  for (let index = 0; index < 50; index += 1) {
    const hog = bench.agent(`hog ${index}`, 0.9, (self) => {
      setImmediate(() => bench.scheduler.wake(self));
      return 'waits';
    });
    bench.scheduler.wake(hog.self);
  }
  await bench.turns(200);
  for (let round = 0; round < 20; round += 1) {
    const before = bench.ran.length;
    bench.scheduler.wake(echo.self);
    await bench.turns(3);
    expect(bench.ran.indexOf('echo', before) - before).toBeLessThanOrEqual(1);
  }
  bench.over = true;
});

test('many that run shortly and without end leave those that start, wake up and compute their parts', async () => {
  const bench = new Bench();
  for (let index = 0; index < 20; index += 1) {
    const { self } = bench.agent('short', 0.05, (own) => {
      setImmediate(() => bench.scheduler.wake(own));
      return 'waits';
    });
    self.expectedMs = 0.05;
    bench.scheduler.wake(self);
  }
  const hog = bench.agent('hog', 0.9, (self) => {
    setImmediate(() => bench.scheduler.wake(self));
    return 'waits';
  });
  bench.scheduler.wake(hog.self);
  bench.scheduler.wake(bench.agent('loop', 1, () => 'spent').self);
  await bench.turns(3_000);
  bench.over = true;
  const shareOf = (name: string) => (bench.time.get(name) ?? 0) / bench.nowMs;
  expect(shareOf('short')).toBeGreaterThan(0.2);
  expect(shareOf('hog')).toBeGreaterThan(0.15);
  expect(shareOf('loop')).toBeGreaterThan(0.3);
});

test('two that write to each other without end delay no start by more than a few of their runs', async () => {
  const bench = new Bench();
  const pair = ['ping', 'pong'].map((name, index) => {
    const { self } = bench.agent(name, 0.05, () => {
      bench.scheduler.wake(pair[1 - index]!);
      return 'waits';
    });
    self.expectedMs = 0.05;
    return self;
  });
  bench.scheduler.wake(pair[0]!);
  await bench.turns(20);
  for (let round = 0; round < 5; round += 1) {
    const start = bench.agent('start', 0.2, () => 'waits');
    bench.scheduler.wake(start.self);
    await bench.turns(10);
    expect(start.waits).toHaveLength(1);
    expect(start.waits[0]).toBeLessThanOrEqual(1.1);
  }
  expect(bench.time.get('pong')).toBeGreaterThan(0);
  bench.over = true;
});
