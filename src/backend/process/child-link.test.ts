/**
 * Goal: a process that can't be started is one that has ended, and nothing else. Method: programs that
 * are not there, and a program of its own that has no descriptor left.
 */

import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { ChildLink } from './child-link.ts';

test.each([false, true])(
  'a program that is not there: ready never, gone at once (%s)',
  async (wrapped) => {
    const link = new ChildLink({
      file: '/nowhere/program',
      arguments: [],
      pipes: [3, 4, 5],
      filter: new Uint8Array(8),
      wrapped,
    });
    const heard: string[] = [];
    link.listen({
      frame: () => heard.push('frame'),
      broken: () => heard.push('broken'),
      gone: () => heard.push('gone'),
    });
    link.holdsProgram = true;
    expect(heard).toEqual([]);
    expect(await link.ready).toBe(false);
    expect(await link.systemPid).toBeNull();
    await link.gone;
    link.kill();
    expect(heard).toEqual(['gone']);
  },
);

test.runIf(process.platform === 'linux')(
  'without descriptors none gets ready and the program lives on; with some they do',
  async () => {
    const program = fileURLToPath(
      new URL('../../../test/fixtures/isolation/no-descriptors.ts', import.meta.url),
    );
    const { stdout } = await promisify(execFile)('/bin/sh', [
      '-c',
      'ulimit -n 512 && exec "$0" "$1"',
      process.execPath,
      program,
    ]);
    const { ready, uncaught } = JSON.parse(stdout) as { ready: boolean[]; uncaught: string[] };
    expect(uncaught).toEqual([]);
    expect(ready[0]).toBe(false);
    expect(ready.at(-1)).toBe(true);
  },
);
