/**
 * Goal: jobs do what they say, belong to whom they say, and outlive their kernel where they are to.
 * Method: real agents and short intervals; when jobs are due is tested in src/schedule/ on a clock of its
 * own.
 */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type JobOptions, type JobRun, type LoadedModule, openKernel } from '../../src/index.ts';
import { guest, type TestKernel, testKernel } from '../support/kernel.ts';

const folder = mkdtempSync(join(tmpdir(), 'ringfence-jobs-'));
afterAll(() => rmSync(folder, { recursive: true }));

let host: TestKernel;
let hello: LoadedModule;
let sleeper: LoadedModule;
beforeAll(async () => {
  host = await testKernel();
  [hello, sleeper] = (await Promise.all(
    ['hello', 'sleeper-in-poll'].map((name) => host.kernel.load(guest(name))),
  )) as [LoadedModule, LoadedModule];
});
afterAll(() => host.kernel.close());

const EVERY_SECOND = '* * * * * *';
const jobOf = (id: string) => host.kernel.jobs().find((job) => job.id === id);

describe('a job', () => {
  test('calls a function, until it is cancelled, and tells the run under way', async () => {
    const runs: JobRun[] = [];
    const third = Promise.withResolvers<void>();
    const job = await host.kernel.schedule({
      name: 'counts',
      every: 100,
      call: (run) => {
        runs.push(run);
        if (run.run === 3) {
          third.resolve();
          return new Promise((resolve) => run.signal.addEventListener('abort', resolve));
        }
        return undefined;
      },
    });
    expect(job).toMatchObject({ name: 'counts', does: 'call', missedPolicy: 'once', runs: 0 });
    expect(job.nextMs).toBeGreaterThan(job.createdAtMs);
    await third.promise;
    expect(jobOf(job.id)).toMatchObject({ isRunning: true, runs: 3 });
    expect(await host.kernel.cancelJob(job.id)).toBe(true);
    expect(await host.kernel.cancelJob(job.id)).toBe(false);
    expect(runs.map(({ run }) => run)).toEqual([1, 2, 3]);
    expect(runs[2]?.signal.aborted).toBe(true);
    expect(jobOf(job.id)).toBeUndefined();
  });

  test('sends a message, and is gone with the receiver', async () => {
    const { kernel } = host;
    const agent = await kernel.spawn({ module: sleeper, grants: { ipc: 'all' } });
    const job = await kernel.schedule({
      cron: EVERY_SECOND,
      send: { to: agent.pid, message: 'tick' },
    });
    expect(job.when).toEqual({ cron: EVERY_SECOND, timezone: 'UTC' });
    await expect.poll(() => kernel.inspect(agent.pid).mailbox).toBeGreaterThan(0);
    agent.kill();
    await agent.exited;
    expect(jobOf(job.id)).toBeUndefined();
  });

  test('spawns an agent, one at a time, and says when that ends badly', async () => {
    const { kernel } = host;
    const trap = await kernel.load(guest('trap'));
    const good = await kernel.schedule({ every: 100, spawn: { module: hello, agentId: 'daily' } });
    const bad = await kernel.schedule({ name: 'bad', every: 100, spawn: { module: trap } });
    const long = await kernel.schedule({
      every: 100,
      spawn: { module: sleeper, agentId: 'long', grants: { ipc: 'all' } },
    });
    await expect.poll(() => jobOf(good.id)?.runs).toBeGreaterThan(2);
    await expect.poll(() => jobOf(bad.id)?.failures).toBeGreaterThan(1);
    expect(jobOf(bad.id)?.lastError).toMatch(/ended by trap/);
    expect((await kernel.health()).reasons).toContain(
      "schedule: the last run of 1 jobs failed: 'bad'",
    );
    expect(host.warnings.filter((text) => text.startsWith("the job 'bad' failed"))).toHaveLength(1);
    expect(jobOf(long.id)).toMatchObject({ runs: 1, isRunning: true });
    expect(kernel.list().filter(({ agentId }) => agentId === 'long')).toHaveLength(1);
    for (const { id } of kernel.jobs()) {
      await kernel.cancelJob(id);
    }
  });

  test('is gone with its owner, and others are not', async () => {
    const { kernel } = host;
    const agent = await kernel.spawn({ module: sleeper, grants: { ipc: 'all' } });
    const call = (): void => {};
    const owned = await kernel.schedule({ every: 60_000, owner: agent.pid, call });
    const other = await kernel.schedule({ every: 60_000, call });
    agent.kill();
    await agent.exited;
    expect(jobOf(owned.id)).toBeUndefined();
    expect(jobOf(other.id)).toBeDefined();
    await kernel.cancelJob(other.id);
  });
});

describe('is refused', () => {
  const call = (): void => {};
  test.each<[JobOptions, RegExp]>([
    [{ call }, /'every' and 'cron'/],
    [{ every: 100, cron: EVERY_SECOND, call }, /'every' and 'cron'/],
    [{ every: 99, call }, /'every'/],
    [{ every: Number.NaN, call }, /'every'/],
    [{ every: 100, timezone: 'UTC', call }, /'timezone'/],
    [{ cron: '* * *', call }, /cron expression/],
    [{ cron: '0 0 30 2 *', call }, /no time/],
    [{ cron: EVERY_SECOND, timezone: 'Mars/Base', call }, /Mars\/Base/],
    [{ every: 100 }, /'call', 'send' and 'spawn'/],
    [{ every: 100, call, send: { to: 1, message: '' } }, /'call', 'send' and 'spawn'/],
    [{ every: 100, call: 'nobody' }, /no handler 'nobody'/],
    [{ every: 100, call: 'constructor' }, /no handler 'constructor'/],
    [{ every: 100, call, missed: 'never' as 'skip' }, /'missed'/],
    [{ every: 100, call: 'x', persist: true, owner: 1 }, /no handler 'x'/],
    [{ every: 100, call, persist: true }, /calls a function/],
    [{ every: 100, send: { to: 1, message: '' }, persist: true }, /somebody else/],
    [{ every: 100, spawn: { module: {} as LoadedModule } }, /none that this kernel has loaded/],
  ])('what can not be understood: %#', async (options, message) => {
    await expect(host.kernel.schedule(options)).rejects.toMatchObject({
      code: 'RF_USAGE',
      message: expect.stringMatching(message),
    });
    expect(host.kernel.jobs()).toEqual([]);
  });

  test('an owner or a receiver that does not run', async () => {
    for (const options of [
      { every: 100, owner: 999_999, call },
      { every: 100, send: { to: 999_999, message: 'x' } },
    ]) {
      await expect(host.kernel.schedule(options)).rejects.toMatchObject({
        code: 'RF_PROCESS_NOT_FOUND',
      });
    }
  });

  test('one more than an owner may have, and one more than there may be', async () => {
    const { kernel } = await testKernel();
    const module = await kernel.load(guest('sleeper-in-poll'));
    const agent = await kernel.spawn({ module, grants: { ipc: 'all' } });
    const job = { every: 3_600_000, owner: agent.pid, call };
    for (let count = 0; count < 64; count += 1) {
      await kernel.schedule(job);
    }
    await expect(kernel.schedule(job)).rejects.toMatchObject({ code: 'RF_LIMIT_EXCEEDED' });
    const { owner: _, ...free } = job;
    for (let count = 64; count < 1_000; count += 1) {
      await kernel.schedule(free);
    }
    await expect(kernel.schedule(free)).rejects.toMatchObject({ code: 'RF_LIMIT_EXCEEDED' });
    await kernel.close();
    await expect(kernel.schedule(free)).rejects.toMatchObject({ code: 'RF_CLOSED' });
  });
});

describe('a job that is kept', () => {
  test('goes on in the next kernel: a handler by its name, a spawn when its module is loaded', async () => {
    const file = join(folder, 'kept.json');
    const ran: string[] = [];
    const schedule = { file, handlers: { note: ({ name }: JobRun) => void ran.push(name ?? '') } };
    const first = (await testKernel({ schedule })).kernel;
    const module = await first.load(guest('hello'));
    const noted = await first.schedule({ name: 'noted', every: 100, call: 'note', persist: true });
    const spawned = await first.schedule({
      name: 'spawned',
      every: 100,
      persist: true,
      spawn: { module, agentId: 'again', grants: { ipc: 'parent_only' } },
    });
    await first.schedule({ name: 'forgotten', every: 100, call: () => {} });
    await expect.poll(() => ran.length).toBeGreaterThan(0);
    await first.close();

    const made = ran.length;
    const { kernel, warnings } = await testKernel({ schedule });
    expect(kernel.jobs().map(({ id, name, does }) => [id, name, does])).toEqual([
      [noted.id, 'noted', 'call'],
      [spawned.id, 'spawned', 'spawn'],
    ]);
    expect(kernel.jobs()[0]?.runs).toBe(made);
    await expect
      .poll(() => warnings)
      .toEqual([expect.stringMatching(/'spawned' failed.*not loaded/)]);
    await kernel.load(guest('hello'));
    await expect
      .poll(() => kernel.list({ state: 'exited' }).some(({ agentId }) => agentId === 'again'))
      .toBe(true);
    await expect.poll(() => ran.length).toBeGreaterThan(made);
    await kernel.cancelJob(noted.id);
    expect(readFileSync(file, 'utf8')).not.toContain(noted.id);
    await kernel.close();
    expect(readFileSync(file, 'utf8')).toContain(spawned.id);
  });

  test('is refused where something of it means nothing in another process', async () => {
    const { kernel } = await testKernel({ schedule: { file: join(folder, 'refused.json') } });
    const module = await kernel.load(guest('hello'));
    const refused = (spawn: object) =>
      expect(
        kernel.schedule({ every: 100, persist: true, spawn: { module, ...spawn } }),
      ).rejects.toMatchObject({ code: 'RF_USAGE', message: expect.stringMatching(/as JSON/) });
    await refused({ stdout: async () => {} });
    await refused({ stdin: new Uint8Array(3) });
    await expect(
      kernel.schedule({ every: 100, persist: true, spawn: { work: () => {} } }),
    ).rejects.toMatchObject({ code: 'RF_USAGE', message: expect.stringMatching(/a function/) });
    await kernel.close();
    await expect(
      host.kernel.schedule({ every: 100, persist: true, spawn: { module: hello } }),
    ).rejects.toMatchObject({ code: 'RF_USAGE', message: expect.stringMatching(/no file/) });
  });

  test('a file that can not be understood, or needs a handler that there is not, opens no kernel', async () => {
    const file = join(folder, 'broken.json');
    writeFileSync(file, '{');
    await expect(openKernel({ schedule: { file } })).rejects.toMatchObject({ code: 'RF_FILE' });
    const other = join(folder, 'handler.json');
    const handlers = { gone: () => {} };
    const { kernel } = await testKernel({ schedule: { file: other, handlers } });
    await kernel.schedule({ every: 100, call: 'gone', persist: true });
    await kernel.close();
    await expect(openKernel({ schedule: { file: other } })).rejects.toMatchObject({
      code: 'RF_USAGE',
      message: expect.stringMatching(/'gone'/),
    });
  });

  test('is not scheduled where it can’t be written', async () => {
    const file = join(folder, 'no folder', 'jobs.json');
    const { kernel } = await testKernel({ schedule: { file, handlers: { note: () => {} } } });
    const job = { every: 100, call: 'note' };
    await expect(kernel.schedule({ ...job, persist: true })).rejects.toMatchObject({
      code: 'RF_FILE',
    });
    expect(kernel.jobs()).toEqual([]);
    await kernel.schedule(job);
    expect(kernel.jobs()).toHaveLength(1);
    await kernel.close();
  });
});

test('nothing runs once the kernel is closed, and no timer is left', async () => {
  const timers = (): number =>
    process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
  const before = timers();
  const { kernel } = await testKernel();
  let runs = 0;
  const count = (): void => {
    runs += 1;
  };
  await kernel.schedule({ every: 100, call: count });
  await kernel.schedule({ every: 3_600_000, call: count });
  await expect.poll(() => runs).toBeGreaterThan(0);
  await kernel.close();
  const made = runs;
  expect(kernel.jobs()).toEqual([]);
  expect(timers()).toBeLessThanOrEqual(before);
  expect(runs).toBe(made);
});
