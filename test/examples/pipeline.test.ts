/**
 * Goal: a file goes through three agents in three languages and comes out right to the byte, and each has
 * what it needs and no more. Method: the pipeline of guest-examples, joined as its README says; the result
 * is compared with what JavaScript makes of the file.
 */

import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { command, Unavailable } from '../../scripts/programs/command.ts';
import { compilerVersion } from '../../scripts/programs/compile.ts';
import type { Isolation, SpawnOptions } from '../../src/index.ts';
import { guest, type TestKernel, testKernel } from '../support/kernel.ts';
import { wat } from '../support/metering/wat.ts';

const fileOf = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));

const MANY_BYTES = Uint8Array.from({ length: 700_001 }, (_, at) => (at * 7 + (at >>> 8)) & 0xff);

/** Why there is nothing to compile C with; null where there is. */
const whyNot = await compilerVersion().then(
  () => null,
  (error: Error) => {
    if (error instanceof Unavailable) return error.message.split('\n')[0];
    throw error;
  },
);

const title = `the pipeline${whyNot === null ? '' : ` (skipped: ${whyNot})`}`;

describe.skipIf(whyNot !== null)(title, () => {
  const base = mkdtempSync(join(tmpdir(), 'ringfence-pipeline-'));
  const rot13File = join(base, 'rot13.wasm');
  const from = join(base, 'in');
  const to = join(base, 'out');
  let tallyBytes: Uint8Array;

  beforeAll(async () => {
    mkdirSync(from);
    mkdirSync(to);
    const sources = [
      'guest-examples/pipeline/rot13/rot13.c',
      'scripts/programs/support/cabi-realloc.c',
    ];
    await command('clang', ['--target=wasm32-wasi', ...sources.map(fileOf), '-o', rot13File]);
    tallyBytes = await wat(readFileSync(fileOf('guest-examples/pipeline/tally/tally.wat'), 'utf8'));
  });
  afterAll(() => rmSync(base, { recursive: true, force: true }));

  type Given = Partial<Record<'reader' | 'tally', NonNullable<SpawnOptions['grants']>>>;

  /** Sends a file through; answers how each has ended, and what the last one says. */
  async function pass(name: string, isolation: Isolation = 'shared', given: Given = {}) {
    const first = new TransformStream<Uint8Array, Uint8Array>();
    const second = new TransformStream<Uint8Array, Uint8Array>();
    const into = first.writable.getWriter();
    const between = second.writable.getWriter();
    const { kernel }: TestKernel = await testKernel({
      onMessage: ({ payload, reply }) => {
        const piece = payload.val as Uint8Array;
        const taken = piece.length === 0 ? into.close() : into.write(piece.slice());
        void taken
          .then(
            () => 'taken',
            () => 'gone',
          )
          .then((val) => reply?.({ tag: 'text', val }));
      },
    });
    try {
      const tally = await kernel.spawn({
        module: await kernel.load(tallyBytes),
        grants: given.tally ?? {
          files: [{ host: to, guest: '/', modes: ['read', 'write', 'create'] }],
        },
        stdin: second.readable,
        isolation,
      });
      const rot13 = await kernel.spawn({
        module: await kernel.load(rot13File),
        stdin: first.readable,
        stdout: (bytes) => between.write(bytes.slice()),
        isolation,
      });
      // Who ends early leaves nobody waiting for room in what it no longer reads.
      void tally.exited.then(() => between.abort()).catch(() => {});
      void rot13.exited.then(() => into.abort()).catch(() => {});
      const reader = await kernel.spawn({
        module: await kernel.load(guest('file-reader')),
        arguments: ['file-reader', name],
        grants: given.reader ?? { ipc: 'parent_only', files: [{ host: from, guest: '/' }] },
        isolation,
      });
      const read = await reader.exited;
      // A reader that has ended early has said no end.
      await into.close().catch(() => {});
      const turned = await rot13.exited;
      await between.close().catch(() => {});
      const counted = await tally.exited;
      return { exits: [read, turned, counted].map(({ exit }) => exit), said: tally.stdout };
    } finally {
      await kernel.close();
    }
  }

  const turn = (text: string): string =>
    text.replace(/[a-z]/gi, (letter) => {
      const base = letter <= 'Z' ? 65 : 97;
      return String.fromCharCode(((letter.charCodeAt(0) - base + 13) % 26) + base);
    });

  async function requireTurned(name: string, isolation?: Isolation): Promise<void> {
    const { exits, said } = await pass(name, isolation);
    expect(exits.map(({ reason }) => reason)).toEqual(['normal', 'normal', 'normal']);
    const text = readFileSync(join(from, name), 'latin1');
    expect(readFileSync(join(to, 'out.txt'), 'latin1') === turn(text)).toBe(true);
    expect(Buffer.from(said).toString()).toBe(`${text.length} ${text.split('\n').length - 1}\n`);
  }

  test.each<Isolation>(['shared', 'process'])(
    'passes a licence through, isolation %s',
    async (isolation) => {
      copyFileSync(fileOf('LICENSE'), join(from, 'LICENSE'));
      await requireTurned('LICENSE', isolation);
    },
  );

  test('passes every byte there is, and more of them than any buffer holds', async () => {
    writeFileSync(join(from, 'bytes'), MANY_BYTES);
    await requireTurned('bytes');
  });

  test('passes an empty file', async () => {
    writeFileSync(join(from, 'empty'), '');
    await requireTurned('empty');
  });

  test('ends with an error where one of it lacks what it needs', async () => {
    copyFileSync(fileOf('LICENSE'), join(from, 'LICENSE'));
    const unread = await pass('LICENSE', 'shared', { reader: { ipc: 'parent_only' } });
    expect(unread.exits[0]).toMatchObject({ reason: 'error' });
    expect(unread.exits[0]?.message).toContain('no directory is granted');
    const outside = await pass('../in/LICENSE');
    expect(outside.exits[0]?.message).toContain('not-permitted');
    writeFileSync(join(from, 'bytes'), MANY_BYTES);
    const unwritten = await pass('bytes', 'shared', {
      tally: { files: [{ host: to, guest: '/' }] },
    });
    expect(unwritten.exits[2]).toMatchObject({ reason: 'error', code: 1 });
    // Those before it hear that nobody reads on.
    expect(unwritten.exits[1]).toMatchObject({ reason: 'error', code: 1 });
    expect(unwritten.exits[0]?.message).toContain('not taken');
  });
});
