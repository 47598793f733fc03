/**
 * Goal: a process that can't be started is one that has ended, and nothing else. Method: programs that
 * are not there, and a program of its own that has no descriptor left.
 */

import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout as later } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, describe, expect, test, vi } from 'vitest';
import { ChildLink } from './child-link.ts';
import { childCommand } from './command.ts';
import { findTools, wallPlans } from './walls.ts';

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

describe('one that is killed while it starts leaves nothing behind', () => {
  const directory = mkdtempSync(join(tmpdir(), 'ringfence-killed-'));
  afterAll(() => rmSync(directory, { recursive: true }));
  // As a process that does not look whether the kernel is there.
  const entry = join(directory, 'entry.js');
  writeFileSync(entry, 'setInterval(() => {}, 1_000);');

  /** Processes whose command line names the program, whoever is their parent by now. */
  const left = (): string[] =>
    readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .filter((name) => {
        try {
          return readFileSync(`/proc/${name}/cmdline`, 'latin1').includes(basename(directory));
        } catch {
          return false;
        }
      });

  test.runIf(process.platform === 'linux').each(wallPlans(findTools()))(
    'within bubblewrap $bwrap, setpriv $setpriv',
    async (plan) => {
      const command = childCommand(plan, entry);
      // Where in its start it is then is different each time.
      const links = Array.from({ length: 16 }, async (_, milliseconds) => {
        const link = new ChildLink(command);
        await later(milliseconds);
        link.kill();
        await link.gone;
      });
      await Promise.all(links);
      await vi.waitFor(() => expect(left()).toEqual([]), { timeout: 5_000 });
    },
    20_000,
  );
});
