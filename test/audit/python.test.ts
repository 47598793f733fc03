/** An independent verifier, written from the format's page alone, agrees with ours: on good chains and bad. */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { hashOf, lineOf, splitLine } from '../../src/audit/event.ts';
import { verifyFile } from '../../src/audit/verify-lines.ts';
import { newSigner, TestChain } from '../support/audit/chain.ts';
import { titled } from '../support/skipped.ts';

const SCRIPT = fileURLToPath(new URL('verify.py', import.meta.url));
const hasPython = spawnSync('python3', ['-c', '']).status === 0;
const hasOpenssl = spawnSync('openssl', ['version']).status === 0;
const WHY_NO_PYTHON = hasPython ? null : 'python3 is not installed';
const WHY_NO_OPENSSL = hasOpenssl ? null : 'openssl is not installed';

const directory = mkdtempSync(join(tmpdir(), 'ringfence-audit-py-'));
const path = join(directory, 'chain.jsonl');

afterAll(() => {
  rmSync(directory, { recursive: true });
});

/** What both say of a chain; they agree. */
async function both(lines: readonly string[], key?: string) {
  writeFileSync(path, lines.map((line) => `${line}\n`).join(''));
  const ours = await verifyFile(path, key === undefined ? {} : { keys: [key] });
  const args = key === undefined ? [SCRIPT, path] : [SCRIPT, path, key];
  const { status, stdout } = spawnSync('python3', args, { encoding: 'utf8' });
  expect({ valid: status === 0, stdout }).toMatchObject({ valid: ours.valid });
  if (ours.valid) {
    expect(JSON.parse(stdout)).toMatchObject({
      events: ours.events,
      signed: ours.signed,
      root: ours.root,
      unchecked: hasOpenssl ? 0 : expect.any(Number),
    });
  } else {
    expect(stdout).toMatch(/^event \d+: /);
  }
  return ours;
}

describe.skipIf(WHY_NO_PYTHON !== null)(titled('the independent verifier', WHY_NO_PYTHON), () => {
  it('agrees on the example of the page', async () => {
    const page = readFileSync(new URL('../../docs/audit-format.md', import.meta.url), 'utf8');
    const lines = /```jsonl\n([\s\S]*?)\n```/.exec(page)?.[1]?.split('\n') ?? [];
    expect(await both(lines)).toMatchObject({ valid: true, events: 3, signed: 3 });
  });

  it('agrees on a chain of 10,000 events, signed by its key', async () => {
    const chain = new TestChain().fill(10_000);
    expect(await both(chain.lines, chain.signer.verifier.text)).toMatchObject({
      valid: true,
      events: 10_000,
    });
    expect(await both(chain.lines, newSigner().verifier.text)).toMatchObject({ valid: false });
  });

  it.each([
    [
      'altered',
      (lines: string[]) => lines.splice(77, 1, (lines[77] ?? '').replace('agent-', 'other-')),
    ],
    ['missing', (lines: string[]) => lines.splice(77, 1)],
    ['reordered', (lines: string[]) => lines.splice(77, 2, lines[78] ?? '', lines[77] ?? '')],
    ['duplicated', (lines: string[]) => lines.splice(77, 0, lines[77] ?? '')],
    [
      'forked',
      (lines: string[]) => {
        const { body } = splitLine(lines[77] ?? '') ?? { body: '' };
        const other = body.replace('agent-', 'other-');
        lines.splice(77, 1, lineOf(other, hashOf(other)));
      },
    ],
    [
      'unsigned',
      (lines: string[]) =>
        lines.splice(0, lines.length, ...lines.filter((line) => line.startsWith('{"e'))),
    ],
  ])('agrees that a chain is %s', async (reason, tamper) => {
    const chain = new TestChain(newSigner(), 100).fill(500);
    const lines = [...chain.lines];
    tamper(lines);
    expect(await both(lines)).toMatchObject({ valid: false, problem: { reason } });
  });

  it.skipIf(WHY_NO_OPENSSL !== null)(
    titled('agrees that a checkpoint is of the wrong key', WHY_NO_OPENSSL),
    async () => {
      const lines = new TestChain(newSigner(), 100).fill(100).lines;
      const { signature } = /(?<signature>— .*)\\n"\}$/.exec(lines[100] ?? '')?.groups ?? {};
      const broken = (signature ?? '').replace(/.{9}$/, 'AAAAAAAA=');
      lines[100] = (lines[100] ?? '').replace(signature ?? '', broken);
      expect(await both(lines)).toMatchObject({ valid: false, problem: { reason: 'wrong_key' } });
    },
  );
});
