/**
 * Goal: no agent reaches what proves what it did, what others keep, or what its program writes. Method: each way of
 * starting an agent is given a directory that holds the chain or its key, or lies in the chain's, beside one that is
 * apart from both; the file of values, an anchor and files of the program in the same way.
 */

import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createAuditKey, fileAnchor, type GrantsInput } from '../../src/index.ts';
import { hostMountsSupported } from '../../src/wasm/host/files/root.ts';
import { guest, type TestKernel, testKernel } from '../support/kernel.ts';

const root = realpathSync(mkdtempSync(join(tmpdir(), 'ringfence-apart-')));
const at = (...names: string[]): string => join(root, ...names);
let world: TestKernel;
beforeAll(async () => {
  for (const name of ['logs', 'keys', 'data', 'logs-of-others', 'anchors', 'values', 'reports']) {
    mkdirSync(at(name));
  }
  symlinkSync(at('logs'), at('link'));
  const key = at('keys', 'key');
  createAuditKey(key);
  world = await testKernel({
    audit: { directory: at('logs', 'chain'), key, anchors: [fileAnchor(at('anchors', 'notes'))] },
    kv: { path: at('values', 'values.sqlite') },
    apart: [at('reports', 'report.json')],
  });
  mkdirSync(at('logs', 'chain', 'inside'));
});
afterAll(async () => {
  await world.kernel.close();
  rmSync(root, { recursive: true });
});

const mounting = (
  host: string,
  modes: ('read' | 'write' | 'create')[] = ['read'],
): GrantsInput => ({
  files: [{ host, guest: '/', modes }],
});

describe.runIf(hostMountsSupported)('a directory', { timeout: 60_000 }, () => {
  test.each([
    ['that holds the chain', 'logs'],
    ['that leads there', 'link'],
    ['of the chain', join('logs', 'chain')],
    ['in it', join('logs', 'chain', 'inside')],
    ['that holds its key', 'keys'],
    ['that holds all', '.'],
  ])('%s is mounted for nobody', async (_, name) => {
    const { kernel } = world;
    const [hello, served] = [
      await kernel.load(guest('hello')),
      await kernel.load(guest('web-hello')),
    ];
    const grants = mounting(at(name));
    const refused = { code: 'RF_USAGE', message: expect.stringContaining('audit chain') };
    await expect(kernel.spawn({ module: hello, grants })).rejects.toMatchObject(refused);
    await expect(kernel.spawn({ work: () => 1, grants })).rejects.toMatchObject(refused);
    const children = [{ id: 'a', module: hello, grants }];
    await expect(kernel.supervise({ children })).rejects.toMatchObject(refused);
    expect(() => kernel.serve({ module: served, grants })).toThrow(/audit chain/);
  });

  test.each(['data', 'logs-of-others'])('apart from both is mounted: %s', async (name) => {
    const { kernel } = world;
    const module = await kernel.load(guest('hello'));
    const agent = await kernel.spawn({ module, grants: mounting(at(name)) });
    expect((await agent.exited).exit.reason).toBe('normal');
  });

  test.each([
    ['an anchor', 'anchors', 'an anchor of the audit chain', true],
    ['the file of values', 'values', 'the file of the values that agents keep', false],
    ['a file of the program', 'reports', 'a file that the program writes', true],
  ])('that holds %s is mounted for nobody who may write there', async (_, name, what, readable) => {
    const { kernel } = world;
    const module = await kernel.load(guest('hello'));
    for (const modes of [
      ['read', 'write'],
      ['read', 'create'],
      ['read', 'write', 'create'],
    ]) {
      const grants = mounting(at(name), modes as ('read' | 'write' | 'create')[]);
      await expect(kernel.spawn({ module, grants })).rejects.toMatchObject({
        code: 'RF_USAGE',
        message: expect.stringContaining(`as ${what} lies there`),
      });
    }
    const reading = kernel.spawn({ module, grants: mounting(at(name)) });
    if (readable) expect((await (await reading).exited).exit.reason).toBe('normal');
    else await expect(reading).rejects.toMatchObject({ code: 'RF_USAGE' });
    const beside = kernel.spawn({ module, grants: mounting(at('data'), ['read', 'write']) });
    expect((await (await beside).exited).exit.reason).toBe('normal');
  });
});
