/**
 * Goal: a mounted directory stays open for exactly as long as an agent has it. Method: what a
 * descriptor leads to is asked of the system while parents, children and failed children give it back.
 */

import { mkdtempSync, readlinkSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import type { GrantSpec } from '../capability/grant.ts';
import { parseGrants } from '../capability/input.ts';
import { hostMountsSupported } from '../wasm/host/files/root.ts';
import { closeRoots, type OpenedGrants, openRoots, shareRoots } from './roots.ts';

const directory = realpathSync(mkdtempSync(join(tmpdir(), 'ringfence-roots-')));
afterAll(() => rmSync(directory, { recursive: true }));

const specs: readonly GrantSpec[] = parseGrants({ files: [{ host: directory, guest: '/data' }] });

/** Where a descriptor of this process leads; null: it is closed. */
function target(descriptor: number): string | null {
  try {
    return readlinkSync(`/proc/self/fd/${descriptor}`);
  } catch {
    return null;
  }
}

const descriptorOf = ({ roots }: OpenedGrants): number => roots.get('/data')?.fd ?? -1;

describe.runIf(hostMountsSupported)('a mounted directory', () => {
  let parent: OpenedGrants;
  let descriptor: number;
  beforeEach(() => {
    parent = openRoots(specs);
    descriptor = descriptorOf(parent);
    expect(target(descriptor)).toBe(directory);
  });

  test('is closed with the last agent that has it, a child included', () => {
    const child = shareRoots(specs, parent.roots);
    expect(descriptorOf(child)).toBe(descriptor);
    closeRoots(parent.roots);
    expect(target(descriptor)).toBe(directory);
    closeRoots(child.roots);
    expect(target(descriptor)).toBeNull();
  });

  test('stays open for the parent of a child that was given up twice', () => {
    const child = shareRoots(specs, parent.roots);
    closeRoots(child.roots);
    closeRoots(child.roots);
    expect(target(descriptor)).toBe(directory);
    closeRoots(parent.roots);
    expect(target(descriptor)).toBeNull();
  });

  test('is shared by nobody once it was given back', () => {
    const child = shareRoots(specs, parent.roots);
    closeRoots(parent.roots);
    expect(shareRoots(specs, parent.roots).roots.size).toBe(0);
    closeRoots(child.roots);
    expect(target(descriptor)).toBeNull();
  });
});
