/**
 * Goal: whoever builds a project that they were sent gets what is built in its `build/`, or one sentence.
 * Method: a project in which something is not what it should be, beside the same project without that.
 */

import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test, vi } from 'vitest';
import { buildProject, writeBindings } from '../../src/kit/index.ts';
import { temporaryDirectory } from '../cli/ringfence.ts';
import { edit, project as projectIn } from './project.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 });

const scratch = temporaryDirectory();
afterAll(() => scratch.remove());

const project = () => projectIn(scratch.path, 'sent', 'assemblyscript');
const directory = (...names: string[]): string => {
  const folder = join(scratch.path, ...names);
  mkdirSync(folder, { recursive: true });
  return folder;
};
const pipe = (file: string) => execFileSync('mkfifo', [file]);

test.each(['build', 'build/bindings', 'build/bindings/ringfence'])(
  'nothing is written through %s where that is a link',
  async (linked) => {
    const outside = directory('outside', linked.replaceAll('/', '-'));
    const folder = project();
    const link = join(folder, linked);
    mkdirSync(join(link, '..'), { recursive: true });
    symlinkSync(outside, link);
    await expect(buildProject(folder)).rejects.toMatchObject({
      code: 'RF_FILE',
      message: `Cannot write below ${link} as it is a symbolic link, which may lead anywhere: remove it.`,
    });
    expect(readdirSync(outside)).toEqual([]);
  },
);

test('where it is a directory, the component is there', async () => {
  const folder = project();
  mkdirSync(join(folder, 'build/bindings/ringfence'), { recursive: true });
  const { file } = await buildProject(folder);
  expect(file).toBe(join(folder, 'build/sent.wasm'));
});

test('bindings are not written through a link below their folder, which may be one itself', () => {
  const [outside, chosen] = [directory('elsewhere'), directory('chosen')];
  const files = new Map([['wasi/io/streams.ts', 'generated']]);
  symlinkSync(chosen, join(scratch.path, 'out'));
  symlinkSync(outside, join(chosen, 'wasi'));
  const write = () => writeBindings({ files }, join(scratch.path, 'out'));
  expect(write).toThrow(`${join('out', 'wasi')} as it is a symbolic link`);
  expect(readdirSync(outside)).toEqual([]);
  rmSync(join(chosen, 'wasi'));
  write();
  expect(readdirSync(join(chosen, 'wasi/io'))).toEqual(['streams.ts']);
});

describe('what is no file, or has no end, is not read', () => {
  test.each<[what: string, make: (folder: string) => void, message: RegExp]>([
    [
      'a package.json that is a pipe',
      (folder) => {
        rmSync(join(folder, 'package.json'));
        pipe(join(folder, 'package.json'));
      },
      /^Cannot read '.*package\.json' \(not a file\): it has to be a file/,
    ],
    [
      'a package.json of gigabytes',
      (folder) => truncateSync(join(folder, 'package.json'), 2 ** 32),
      /^Cannot read '.*package\.json' \(too large\)/,
    ],
    [
      'WIT that is a device',
      (folder) => symlinkSync('/dev/zero', join(folder, 'wit/more.wit')),
      /more\.wit can't be read \(not a file\)/,
    ],
    [
      'an entry that is a pipe',
      (folder) => {
        rmSync(join(folder, 'src/agent.ts'));
        pipe(join(folder, 'src/agent.ts'));
      },
      /^There is no 'src\/agent\.ts' in /,
    ],
    [
      'a file that is imported and is a pipe',
      (folder) => {
        pipe(join(folder, 'src/late.ts'));
        edit(join(folder, 'src/agent.ts'), 'import {', "import './late';\nimport {");
      },
      /^Cannot build with 'src\/late\.ts', which is a pipe or a device .*: move it out of the project\.$/,
    ],
    [
      'a file that is a link to a device',
      (folder) => symlinkSync('/dev/zero', join(folder, 'src/more.ts')),
      /^Cannot build with 'src\/more\.ts', which is a pipe or a device/,
    ],
  ])('%s', async (_, make, message) => {
    const folder = project();
    make(folder);
    await expect(buildProject(folder)).rejects.toMatchObject({
      code: 'RF_FILE',
      message: expect.stringMatching(message),
    });
  });
});

test('files beside, links to files, and pipes where no source is looked for, hold up nothing', async () => {
  const folder = project();
  symlinkSync(join(folder, 'README.md'), join(folder, 'src/readme'));
  symlinkSync('nowhere', join(folder, 'src/dangling'));
  mkdirSync(join(folder, '.cache'));
  pipe(join(folder, '.cache/pipe'));
  expect((await buildProject(folder)).bytes).toBeGreaterThan(0);
});

test('a build/ that is a file is told so', async () => {
  const folder = project();
  writeFileSync(join(folder, 'build'), '');
  await expect(buildProject(folder)).rejects.toMatchObject({
    code: 'RF_FILE',
    message: expect.stringMatching(/^Cannot write .*: it needs a folder that you may write to/),
  });
});
