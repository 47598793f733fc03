/**
 * Goal: what is kept is found again, whole, and nothing that can't be understood is overwritten. Method:
 * files that are sound, cut off, from elsewhere, and folders that take no more.
 */

import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { JobFile, readJobs, type SavedJob } from './file.ts';

const folder = mkdtempSync(join(tmpdir(), 'ringfence-schedule-'));
afterAll(() => rmSync(folder, { recursive: true }));
let nextFile = 0;
const fresh = (): string => join(folder, `jobs-${nextFile++}.json`);

const job = (change: Partial<SavedJob> = {}): SavedJob => ({
  id: '0194f2a3-2f0c-7cc0-8f1e-9d3c5a1b2c3d',
  name: 'nightly',
  when: { cron: '0 3 * * *', timezone: 'UTC' },
  missed_policy: 'once',
  does: { call: 'backup' },
  created_at_ms: 1,
  next_ms: 2,
  runs: 3,
  failures: 1,
  missed: 0,
  last_run_ms: null,
  ...change,
});

test('what was written is read again; only its owner may', async () => {
  const path = fresh();
  const jobs = [
    job(),
    job({
      when: { every_ms: 100 },
      does: { spawn: { arguments: ['x'], grants: { ipc: 'all' } }, module: 'a'.repeat(64) },
    }),
  ];
  await new JobFile(path, () => jobs).save();
  expect(await readJobs(path)).toEqual(jobs);
  expect(statSync(path).mode & 0o777).toBe(0o600);
});

test('where there is no file yet there are no jobs', async () => {
  expect(await readJobs(fresh())).toEqual([]);
});

test('saves that come while one is under way are one save more, of what is so then', async () => {
  const path = fresh();
  let jobs: SavedJob[] = [];
  let asked = 0;
  const file = new JobFile(path, () => {
    asked += 1;
    return jobs;
  });
  const saves = [file.save()];
  jobs = [job()];
  saves.push(file.save(), file.save(), file.save());
  await Promise.all(saves);
  expect(asked).toBe(2);
  expect(await readJobs(path)).toEqual(jobs);
});

test.each([
  ['', /JSON/],
  ['{"version":1,"jobs":[', /JSON/],
  ['{"version":2,"jobs":[]}', /version/],
  [JSON.stringify({ version: 1, jobs: [{ ...job(), command: 'rm' }] }), /jobs\.0/],
  [JSON.stringify({ version: 1, jobs: [job({ next_ms: -1 })] }), /next_ms/],
  [JSON.stringify({ version: 1, jobs: [job({ when: { every_ms: 1 } })] }), /when/],
  [JSON.stringify({ version: 1, jobs: Array.from({ length: 1_001 }, () => job()) }), /jobs/],
])('a file that can not be understood is an error, and stays as it is: %#', async (text, why) => {
  const path = fresh();
  writeFileSync(path, text);
  await expect(readJobs(path)).rejects.toMatchObject({
    code: 'RF_FILE',
    message: expect.stringMatching(why),
  });
  expect(readFileSync(path, 'utf8')).toBe(text);
});

test('a write that fails says so, leaves nothing beside, and the next one is tried', async () => {
  const path = join(folder, 'not there', 'jobs.json');
  const file = new JobFile(path, () => []);
  await expect(file.save()).rejects.toMatchObject({ code: 'RF_FILE' });
  await expect(Promise.all([file.save(), file.save()])).rejects.toMatchObject({ code: 'RF_FILE' });
  expect(readdirSync(folder).filter((name) => name.endsWith('.tmp'))).toEqual([]);
});
