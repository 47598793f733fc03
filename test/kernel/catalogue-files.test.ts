/**
 * Goal: the tools of files reach the directories that are mounted for whoever calls, with their modes and the
 * agent's limit of disk, and nothing beside them; no path of the host is ever said. Method: a guest that calls
 * what the test tells it, in each isolation.
 */

import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Isolation, LoadedModule, SpawnOptions } from '../../src/index.ts';
import { guest, type TestKernel, testKernel } from '../support/kernel.ts';
import { type Puppet, spawnPuppet } from '../support/puppet.ts';
import { titled, WHY_NO_MOUNTS } from '../support/skipped.ts';

let host: TestKernel;
let module: LoadedModule;
let directory: string;
const puppets: Puppet[] = [];
const said: string[] = [];

beforeAll(async () => {
  host = await testKernel({ catalogue: { tools: 'all' } });
  module = await host.kernel.load(guest('puppet'));
});
afterAll(() => host.kernel.close());
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'ringfence-tools-'));
  for (const name of ['data', 'read', 'secret', 'data2']) {
    mkdirSync(join(directory, name));
    writeFileSync(join(directory, name, 'file'), `in ${name}`);
  }
  symlinkSync('../secret', join(directory, 'data', 'out'));
  symlinkSync(join(directory, 'secret', 'file'), join(directory, 'data', 'absolute'));
});
afterEach(async () => {
  await Promise.all(puppets.splice(0).map((puppet) => puppet.end()));
  // Nothing that an agent was told says where the host is.
  for (const line of said.splice(0)) {
    expect(line).not.toContain(directory);
  }
  rmSync(directory, { recursive: true, force: true });
});

async function puppet(options: Omit<SpawnOptions, 'module'> = {}): Promise<Puppet> {
  const made = await spawnPuppet(host.kernel, module, {
    grants: {
      tools: 'all',
      files: [
        { host: join(directory, 'data'), guest: '/data', modes: ['read', 'write', 'create'] },
        { host: join(directory, 'read'), guest: '/data/ro' },
      ],
    },
    ...options,
  });
  puppets.push(made);
  return made;
}

async function call(by: Puppet, name: string, args: object): Promise<unknown> {
  const line = (await by.tell(`tool fs.${name} ${JSON.stringify(args)}`)).replace('tool ', '');
  said.push(line);
  return line.startsWith('ok ') ? JSON.parse(line.slice(3)) : line.replace(/^err (\S+).*$/, '$1');
}

describe.skipIf(WHY_NO_MOUNTS !== null).each<Isolation>(['shared', 'process'])(
  titled('%s', WHY_NO_MOUNTS),
  (isolation) => {
    test('files are read, written, listed and removed where that is granted', async () => {
      const agent = await puppet({ isolation });
      expect(await call(agent, 'read', { path: '/data/file' })).toEqual({
        content: 'in data',
        bytes: 7,
        end: true,
      });
      expect(await call(agent, 'read', { path: '/data/file', offset: 3, length: 2 })).toEqual({
        content: 'da',
        bytes: 2,
        end: false,
      });
      expect(await call(agent, 'read', { path: '/data/none' })).toBe('not-found');
      const made = { path: '/data/new', content: 'AP8=', encoding: 'base64' };
      expect(await call(agent, 'write', made)).toEqual({ bytes: 2 });
      expect([...readFileSync(join(directory, 'data', 'new'))]).toEqual([0, 255]);
      expect(await call(agent, 'write', { ...made, mode: 'create' })).toBe('invalid');
      expect(await call(agent, 'write', { ...made, mode: 'append' })).toEqual({ bytes: 2 });
      expect(await call(agent, 'stat', { path: '/data/new' })).toMatchObject({
        type: 'regular-file',
        size: 4,
      });
      expect(await call(agent, 'mkdir', { path: '/data/sub' })).toEqual({});
      const { entries } = (await call(agent, 'list', { path: '/data' })) as {
        entries: { name: string; type: string }[];
      };
      expect(entries.map(({ name }) => name).sort()).toEqual([
        'absolute',
        'file',
        'new',
        'out',
        'sub',
      ]);
      expect(await call(agent, 'delete', { path: '/data/new' })).toEqual({});
      expect(await call(agent, 'delete', { path: '/data/sub', directory: true })).toEqual({});
      expect(existsSync(join(directory, 'data', 'sub'))).toBe(false);
    });

    test.each([
      ['/data/../secret/file', 'denied'],
      ['/data/out/file', 'denied'],
      ['/data/absolute', 'denied'],
      ['/data/sub/../../secret/file', 'denied'],
      ['/data2/file', 'denied'],
      ['/secret/file', 'denied'],
      ['/etc/passwd', 'denied'],
      ['/', 'denied'],
      ['data/file', 'invalid'],
      ['', 'invalid'],
      ['/data/fi\0le', 'invalid'],
    ])('nothing else is reached: %j', async (path, why) => {
      const agent = await puppet({ isolation });
      expect(await call(agent, 'read', { path })).toMatch(
        new RegExp(`^(${why}|not-found|invalid)$`),
      );
      expect(await call(agent, 'write', { path, content: 'x' })).not.toMatchObject({ bytes: 1 });
      expect(readFileSync(join(directory, 'secret', 'file'), 'utf8')).toBe('in secret');
      expect(await call(agent, 'read', { path: '/data/file' })).toMatchObject({ bytes: 7 });
    });

    test('a directory that may be read only is', async () => {
      const agent = await puppet({ isolation });
      expect(await call(agent, 'read', { path: '/data/ro/file' })).toMatchObject({
        content: 'in read',
      });
      for (const path of ['/data/ro/file', '/data/ro/new']) {
        expect(await call(agent, 'write', { path, content: 'x' })).toBe('denied');
      }
      expect(await call(agent, 'delete', { path: '/data/ro/file' })).toBe('denied');
      expect(await call(agent, 'mkdir', { path: '/data/ro/new' })).toBe('denied');
      expect(readFileSync(join(directory, 'read', 'file'), 'utf8')).toBe('in read');
    });

    test('what is written counts towards the limit of disk', async () => {
      const agent = await puppet({ isolation, limits: { diskBytes: 64 * 1024 } });
      const content = 'x'.repeat(32 * 1024);
      expect(await call(agent, 'write', { path: '/data/one', content })).toMatchObject({
        bytes: 32_768,
      });
      expect(await call(agent, 'write', { path: '/data/two', content })).toBe('limit-exceeded');
      expect(await call(agent, 'write', { path: '/data/three', content: 'x' })).toMatchObject({
        bytes: 1,
      });
      agent.say('end');
      const { usage } = await agent.agent.exited;
      expect(usage.disk_bytes).toBeGreaterThan(32 * 1024);
      expect(usage.disk_bytes).toBeLessThanOrEqual(64 * 1024);
    });

    test('what is revoked is gone, and so is what nobody granted', async () => {
      const agent = await puppet({ isolation });
      expect(await call(agent, 'read', { path: '/data/file' })).toMatchObject({ bytes: 7 });
      for (const { id, kind } of agent.agent.grants()) {
        if (kind === 'files') {
          await host.kernel.revoke(id);
        }
      }
      expect(await call(agent, 'read', { path: '/data/file' })).toBe('denied');
      const without = await puppet({ isolation, grants: { tools: 'all' } });
      expect(await call(without, 'list', { path: '/' })).toBe('denied');
    });
  },
);

test.skipIf(WHY_NO_MOUNTS !== null)(
  titled('a directory with a quota of its own is read by tools, and not written', WHY_NO_MOUNTS),
  async () => {
    const mount = {
      host: join(directory, 'data'),
      guest: '/data',
      modes: ['read' as const, 'write' as const, 'create' as const],
      quota: { bytes: 4_096 },
    };
    const agent = await puppet({ grants: { tools: 'all', files: [mount] } });
    expect(await call(agent, 'read', { path: '/data/file' })).toMatchObject({ bytes: 7 });
    expect(await call(agent, 'write', { path: '/data/new', content: 'x' })).toBe('denied');
  },
);
