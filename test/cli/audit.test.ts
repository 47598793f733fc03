/** The commands of `ringfence audit`, from a key to a proof, on the chain of a real run. */

import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { guest, start, temporaryDirectory } from './ringfence.ts';

/** Each of these starts the command line several times, one after the other. */
const SEVERAL = { timeout: 120_000 };

const directory = temporaryDirectory();
const at = (name: string): string => join(directory.path, name);
const ringfence = (...args: string[]) => start(args).ended;
let key: string;

beforeAll(async () => {
  expect(await ringfence('audit', 'key', at('key'))).toMatchObject({ status: 0, stderr: '' });
  const run = ['run', '--audit', at('chain'), '--audit-key', at('key'), '--receipt', at('receipt')];
  expect(await ringfence(...run, guest('ungranted'))).toMatchObject({ status: 0 });
  const { stdout } = await ringfence('audit', 'key', '--public', at('chain'), at('key'));
  key = stdout.trimEnd();
});
afterAll(() => directory.remove());

test('the public key is that by which the chain was signed; of another key it is another', async () => {
  const { stdout } = await ringfence('audit', 'verify', '--json', at('chain'));
  expect((JSON.parse(stdout) as { key: string }).key).toBe(key);
  await ringfence('audit', 'key', at('other-key'));
  const other = await ringfence('audit', 'key', '--public', at('chain'), at('other-key'));
  expect(other).toMatchObject({ status: 0, stderr: '' });
  expect(other.stdout).not.toBe(`${key}\n`);
  const bad = await ringfence('audit', 'verify', '--key', other.stdout.trimEnd(), at('chain'));
  expect(bad.status).toBe(1);
});

test('verify says that the chain is valid, and whose it is', async () => {
  const { status, stdout } = await ringfence('audit', 'verify', '--key', key, at('chain'));
  expect(status).toBe(0);
  expect(stdout).toMatch(/^valid\n/);
  expect(stdout).toContain('the one that was given');
});

test('an anchor without a checkpoint is no anchor', async () => {
  const verify = ['audit', 'verify', '--key', key, '--anchor'];
  for (const [name, text] of [
    ['empty', ''],
    ['foreign', '{"x":1}'],
  ] as const) {
    writeFileSync(at(name), text);
    const { status, stdout, stderr } = await ringfence(...verify, at(name), at('chain'));
    expect([status, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(/^ringfence: Cannot (use|read) the anchor /);
  }
});

test(
  'an endpoint is sent its token, which stands in no event and no warning',
  SEVERAL,
  async () => {
    const token = 'token-0123456789';
    const got: (string | undefined)[] = [];
    const server = createServer((request, response) => {
      got.push(request.headers.authorization);
      response.writeHead(500).end(request.headers.authorization);
    }).listen(0, '127.0.0.1');
    onTestFinished(() => void server.close());
    await once(server, 'listening');
    const anchor = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    const options = ['--audit-anchor', anchor, '--audit-anchor-token-env', 'ANCHOR_TOKEN'];
    const chain = ['--audit', at('anchored'), '--audit-key', at('key')];
    const { stdout, stderr } = await start(['run', ...chain, ...options, guest('ungranted')], {
      variables: { ANCHOR_TOKEN: token },
    }).ended;
    expect(got[0]).toBe(`Bearer ${token}`);
    const exported = await ringfence('audit', 'export', at('anchored'));
    expect(stderr).toContain('answered 500');
    expect(exported.stdout).toContain('chain.close');
    expect(stdout + stderr + exported.stdout).not.toContain(token);
  },
);

test('show prints events that fit, and no others', async () => {
  const { stdout } = await ringfence('audit', 'show', '--kind', 'capability.', at('chain'));
  expect(stdout).toMatch(/^\d+ \S+ capability\.deny \[1 ungranted\] \{/m);
  expect(stdout).not.toContain('agent.');
  const other = await ringfence('audit', 'show', '--pid', '77', at('chain'));
  expect(other).toMatchObject({ status: 0, stdout: '' });
  const json = await ringfence('audit', 'show', '--json', '--kind', 'agent.exit', at('chain'));
  expect(JSON.parse(json.stdout)).toMatchObject({ kind: 'agent.exit', pid: 1 });
});

test('export verifies as the chain does, and a changed one is bad', async () => {
  const { stdout } = await ringfence('audit', 'export', at('chain'));
  writeFileSync(at('good.jsonl'), stdout);
  expect(await ringfence('audit', 'verify', '--key', key, at('good.jsonl'))).toMatchObject({
    status: 0,
  });
  writeFileSync(at('bad.jsonl'), stdout.replace('"agent.exit"', '"agent.exxt"'));
  const bad = await ringfence('audit', 'verify', '--key', key, at('bad.jsonl'));
  expect(bad.status).toBe(1);
  expect(bad.stdout).toMatch(/^bad {7}Event \d+ is altered \(line \d+\)/);
});

test('a proof and a receipt are checked with the public key alone', SEVERAL, async () => {
  const { stdout } = await ringfence('audit', 'prove', '2', at('chain'));
  writeFileSync(at('proof'), stdout);
  const proved = await ringfence('audit', 'check', '--key', key, at('proof'));
  expect(JSON.parse(proved.stdout)).toMatchObject({ seq: 2 });
  const receipt = await ringfence('audit', 'check', '--key', key, at('receipt'));
  expect(JSON.parse(receipt.stdout)).toMatchObject({ pid: 1, exit: { reason: 'normal' } });
  const text = readFileSync(at('receipt'), 'utf8');
  writeFileSync(at('forged'), text.replace('"payload":"ey', '"payload":"ez'));
  expect(await ringfence('audit', 'check', '--key', key, at('forged'))).toMatchObject({
    status: 1,
  });
});

test('the resource tree is shown, and what was in it is proved', SEVERAL, async () => {
  const shown = await ringfence('audit', 'tree', at('chain'));
  expect(shown.stdout).toMatch(/^agent "ungranted" \{.*"runs":1/m);
  const json = await ringfence('audit', 'tree', '--json', at('chain'));
  const entries = json.stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { kind: string; name: string[] });
  const module = entries.find(({ kind }) => kind === 'module');
  for (const named of [
    ['--agent', 'ungranted'],
    ['--module', module?.name[0] ?? ''],
  ]) {
    const { stdout } = await ringfence('audit', 'prove', ...named, at('chain'));
    writeFileSync(at('entry'), stdout);
    const proved = await ringfence('audit', 'check', '--key', key, at('entry'));
    expect(entries).toContainEqual(JSON.parse(proved.stdout));
  }
  const verified = await ringfence('audit', 'verify', at('chain'));
  expect(verified.stdout).toMatch(/^resources \d+, root [0-9a-f]{64}$/m);
});

test(
  'a receipt is compared with its chain, and the chain is shown to have only grown',
  SEVERAL,
  async () => {
    const compare = ['audit', 'check', '--key', key, '--chain', at('chain'), at('receipt')];
    expect(JSON.parse((await ringfence(...compare)).stdout)).toMatchObject({ pid: 1 });
    const { stdout: old } = await ringfence('audit', 'export', at('chain'));
    const [first = ''] = old.split('\n').filter((line) => line.startsWith('{"checkpoint"'));
    writeFileSync(at('anchor'), `${first}\n`);
    for (const from of [at('anchor'), '1']) {
      const { stdout } = await ringfence('audit', 'prove', '--from', from, at('chain'));
      writeFileSync(at('growth'), stdout);
      const grown = await ringfence('audit', 'check', '--key', key, at('growth'));
      expect(JSON.parse(grown.stdout)).toMatchObject({ from: 1 });
    }
    const text = readFileSync(at('growth'), 'utf8');
    writeFileSync(at('forged-growth'), text.replace('"proof":["', '"proof":["AAAA'));
    const forged = await ringfence('audit', 'check', '--key', key, at('forged-growth'));
    expect(forged).toMatchObject({ status: 1 });
  },
);

test.each([
  [['audit', 'prove', '--agent', 'nobody', at('chain')], 2],
  [['audit', 'prove', '--agent', 'a', '--tool', 'b', at('chain')], 2],
  [['audit', 'prove', '--at', '1', at('chain')], 2],
  [['audit', 'prove', at('chain')], 2],
  [['audit', 'prove', '--from', '777', at('chain')], 2],
  [['audit', 'prove', '--from', '1', '2', at('chain')], 2],
  [['audit', 'check', '--key', 'nonsense', at('receipt')], 2],
  [['audit', 'verify', at('nowhere')], 2],
  [['audit', 'verify', '--key', 'nonsense', at('chain')], 2],
  [['audit', 'check', at('receipt')], 2],
  [['audit', 'prove', '9999', at('chain')], 2],
  [['audit', 'key', at('key')], 2],
  [['run', '--receipt', at('r'), guest('hello')], 2],
  [['run', '--audit', at('new'), '--receipt', at('r'), guest('hello')], 2],
])('wrong use is said in a sentence: %j', async (args, expected) => {
  const { status, stderr } = await ringfence(...args);
  expect({ status, stderr }).toMatchObject({
    status: expected,
    stderr: expect.stringMatching(/^ringfence: .*\.\n$/),
  });
});
