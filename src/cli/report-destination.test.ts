import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Captured, fakeReport } from '../../test/support/cli/fake-environment.ts';
import { Outlet } from './outlet.ts';
import { openReportDestination } from './report-destination.ts';

let directory = '';
let stdout = new Captured();
let outlets = { stdout: new Outlet(stdout, -1), stderr: new Outlet(new Captured(), -1) };

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'ringfence-report-'));
  stdout = new Captured();
  outlets = { stdout: new Outlet(stdout, -1), stderr: new Outlet(new Captured(), -1) };
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const at = (name: string) => join(directory, name);
const read = (name: string) => JSON.parse(readFileSync(at(name), 'utf8')) as unknown;

async function write(path: string): Promise<void> {
  await (await openReportDestination(path, outlets)).write(fakeReport());
}

test('a new file is written, and nothing is left beside it', async () => {
  await write(at('report.json'));
  expect(read('report.json')).toEqual(fakeReport());
  expect(readdirSync(directory)).toEqual(['report.json']);
});

test('an old file is replaced whole and keeps its mode; a link to it stays', async () => {
  writeFileSync(at('report.json'), 'x'.repeat(100_000), { mode: 0o640 });
  symlinkSync('report.json', at('link.json'));
  await write(at('link.json'));
  expect(read('report.json')).toEqual(fakeReport());
  expect(statSync(at('report.json')).mode & 0o777).toBe(0o640);
  expect(readdirSync(directory).sort()).toEqual(['link.json', 'report.json']);
});

test('looking whether it can be written changes nothing', async () => {
  writeFileSync(at('report.json'), 'before');
  await openReportDestination(at('report.json'), outlets);
  await openReportDestination(at('new.json'), outlets);
  expect(readFileSync(at('report.json'), 'utf8')).toBe('before');
  expect(readdirSync(directory)).toEqual(['report.json']);
});

test('standard output gets it on a line of its own', async () => {
  await outlets.stdout.write(Buffer.from('half a line'));
  await write('-');
  expect(stdout.text).toMatch(/^half a line\n\{\n/);
  expect(JSON.parse(stdout.text.slice('half a line\n'.length))).toEqual(fakeReport());
});

test('a path that is standard output under another name does not replace it', async () => {
  writeFileSync(at('output.txt'), '');
  const descriptor = openSync(at('output.txt'), 'a');
  try {
    outlets = { ...outlets, stdout: new Outlet(stdout, descriptor) };
    await write(at('output.txt'));
  } finally {
    closeSync(descriptor);
  }
  expect(JSON.parse(stdout.text)).toEqual(fakeReport());
  expect(readFileSync(at('output.txt'), 'utf8')).toBe('');
});

describe('what can not be written is found before the run', () => {
  test.each<[string, () => string]>([
    ['a directory', () => directory],
    ['a name that says directory', () => `${at('new')}/`],
    ['a place that is not there', () => at('no/report.json')],
    ['a place in a file', () => join(writeFile('file'), 'report.json')],
    ['a name that is too long', () => at('x'.repeat(300))],
    ['a NUL in the name', () => at('a\0b')],
  ])('%s', async (_, path) => {
    await expect(openReportDestination(path(), outlets)).rejects.toMatchObject({ code: 'RF_FILE' });
  });

  function writeFile(name: string): string {
    writeFileSync(at(name), '');
    return at(name);
  }

  test.skipIf(process.getuid?.() === 0)('what is write-protected', async () => {
    chmodSync(writeFile('file'), 0o400);
    await expect(openReportDestination(at('file'), outlets)).rejects.toMatchObject({
      code: 'RF_FILE',
    });
    chmodSync(directory, 0o500);
    await expect(openReportDestination(at('new'), outlets)).rejects.toMatchObject({
      code: 'RF_FILE',
    });
    chmodSync(directory, 0o700);
  });
});

describe('what can not be written after all is said, and leaves nothing behind', () => {
  test('a directory that has gone meanwhile', async () => {
    const destination = await openReportDestination(at('report.json'), outlets);
    rmSync(directory, { recursive: true });
    await expect(destination.write(fakeReport())).rejects.toMatchObject({ code: 'RF_INTERNAL' });
  });

  test('a directory in its place', async () => {
    const destination = await openReportDestination(at('report.json'), outlets);
    mkdirSync(at('report.json'));
    await expect(destination.write(fakeReport())).rejects.toMatchObject({ code: 'RF_INTERNAL' });
    expect(readdirSync(directory)).toEqual(['report.json']);
  });

  test.skipIf(process.platform === 'win32')('a pipe that nobody reads', async () => {
    execFileSync('mkfifo', [at('pipe')]);
    const destination = await openReportDestination(at('pipe'), outlets);
    await expect(destination.write(fakeReport())).rejects.toMatchObject({ code: 'RF_INTERNAL' });
  });
});
