/** Goal: what is mounted is what was opened, and only directories are. */

import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { hostMountsSupported, openRoot } from './root.ts';

describe.runIf(hostMountsSupported)('opening a directory to be mounted', () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'ringfence-root-'));
    mkdirSync(join(directory, 'real'));
    symlinkSync('real', join(directory, 'link'));
    writeFileSync(join(directory, 'file'), '');
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  test('tells its canonical path, which is that of what is open', () => {
    for (const name of ['real', 'link', 'link/.', 'real/../link']) {
      const root = openRoot(join(directory, 'real', '..', name));
      expect(root.canonicalPath).toBe(join(directory, 'real'));
      root.close();
    }
  });

  test('is closed once, however often that is asked for', () => {
    const root = openRoot(directory);
    root.close();
    const other = openRoot(directory);
    expect(other.fd).toBe(root.fd);
    root.close();
    expect(readdirSync(`/proc/self/fd/${other.fd}/`)).toContain('real');
    other.close();
  });

  test('what the path leads to afterwards does not matter', () => {
    const root = openRoot(join(directory, 'link'));
    writeFileSync(join(directory, 'real', 'inside'), '');
    renameSync(join(directory, 'real'), join(directory, 'moved'));
    mkdirSync(join(directory, 'real'));
    expect(readdirSync(`/proc/self/fd/${root.fd}/`)).toEqual(['inside']);
    root.close();
  });

  test.each([
    ['none', 'it does not exist'],
    ['file', 'it is no directory'],
    ['file/x', 'it is no directory'],
    ['loop', 'it has too many symbolic links'],
    ['real/\0', 'its path has a NUL character in it'],
    ['x'.repeat(300), 'its path is too long'],
  ])('%j: %s, and nothing stays open', (name, why) => {
    symlinkSync('loop', join(directory, 'loop'));
    const before = readdirSync('/proc/self/fd').length;
    const path = `${directory}/${name}`;
    expect(() => openRoot(path)).toThrow(
      expect.objectContaining({
        code: 'RF_FILE',
        message: `Cannot mount the directory ${JSON.stringify(path)}: ${why}.`,
      }),
    );
    expect(readdirSync('/proc/self/fd')).toHaveLength(before);
  });

  test.each(['/proc', '/proc/self', '/proc/self/task', '/sys', '/proc/sys/net'])(
    '%s is a view of the system, no place for files',
    (path) => {
      expect(() => openRoot(path)).toThrow('a view of the system');
    },
  );
});
