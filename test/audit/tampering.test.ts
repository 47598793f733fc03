/**
 * Family 45: each way to tamper with a chain of 100,000 events is found, and the place named. The positive
 * control is the first test: the same chain, untouched, is valid.
 */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hashOf, lineOf, splitLine } from '../../src/audit/event.ts';
import { Frontier } from '../../src/audit/merkle.ts';
import {
  type Checkpoint,
  originOf,
  readCheckpoint,
  type Signer,
  signCheckpoint,
} from '../../src/audit/note.ts';
import type { BadPlace, Verdict, VerifyOptions } from '../../src/audit/verdict.ts';
import { verifyFile } from '../../src/audit/verify-lines.ts';
import { CHAIN_ID, newSigner, TestChain } from '../support/audit/chain.ts';

const EVENTS = 100_000;
const PLACE = 54_321;

let built: TestChain;
let directory: string;

beforeAll(() => {
  built = new TestChain().fill(EVENTS);
  directory = mkdtempSync(join(tmpdir(), 'ringfence-audit-'));
});

afterAll(() => {
  rmSync(directory, { recursive: true });
});

async function verified(
  lines: readonly string[],
  options: VerifyOptions = { keys: [built.signer.verifier.text] },
  end = '\n',
): Promise<Verdict> {
  const path = join(directory, 'chain.jsonl');
  writeFileSync(path, lines.join('\n') + end);
  return await verifyFile(path, options);
}

async function problemOf(
  tamper: (lines: string[], place: number) => void,
  options?: VerifyOptions,
): Promise<BadPlace | null> {
  const lines = [...built.lines];
  tamper(lines, built.lineOfEvent[PLACE] as number);
  const { valid, problem } = await verified(lines, options);
  expect(valid).toBe(problem === null);
  return problem;
}

/** Writes the events from a line on anew, with right hashes: what anybody can do who has no key. */
function rehash(lines: string[], from: number, change: (body: string) => string): void {
  let previous = '';
  for (let at = from; at < lines.length; at += 1) {
    const parts = splitLine(lines[at] as string);
    if (parts === null) {
      continue;
    }
    const body =
      previous === ''
        ? change(parts.body)
        : parts.body.replace(/"prev":"[0-9a-f]{64}"/, `"prev":"${previous}"`);
    previous = hashOf(body);
    lines[at] = lineOf(body, previous);
  }
}

describe('a chain of 100,000 events', { timeout: 180_000 }, () => {
  it('is valid as it was written', async () => {
    const verdict = await verified(built.lines);
    expect(verdict).toMatchObject({
      valid: true,
      problem: null,
      chain: CHAIN_ID,
      events: EVENTS,
      checkpoints: EVENTS / 1000,
      signed: EVENTS,
      trusted: true,
      head: built.chain.state.previous,
    });
  });

  it('is valid with every event parsed, against its own checkpoints as anchors', async () => {
    const anchors = [built.checkpoints[3] as string, built.checkpoints[99] as string];
    const verdict = await verified(built.lines, { anchors, strict: true });
    expect(verdict).toMatchObject({ valid: true, anchors: 2, trusted: false });
  });

  it.each([
    ['a letter of the payload', (line: string) => line.replace('"payload"', '"payloaD"')],
    [
      'a digit of the hash',
      (line: string) => line.replace(/.(?="\}$)/, (c) => (c === '0' ? '1' : '0')),
    ],
    ['a digit of the previous hash', (line: string) => line.replace(/"prev":"./, '"prev":"x')],
    ['a space between two names', (line: string) => line.replace(',"chain"', ', "chain"')],
    ['what is no event', () => 'nothing'],
    ['an empty line', () => ''],
  ])('is found altered: %s', async (_, change) => {
    const problem = await problemOf((lines, place) => {
      lines[place] = change(lines[place] as string);
    });
    expect(problem).toMatchObject({ reason: 'altered', seq: PLACE, lastSeq: PLACE });
  });

  it('is found altered where one byte is no UTF-8', async () => {
    const path = join(directory, 'bytes.jsonl');
    const bytes = Buffer.from(`${built.lines.join('\n')}\n`);
    const at = bytes.indexOf(built.lines[built.lineOfEvent[PLACE] as number] as string);
    bytes[at + 30] = 0xff;
    writeFileSync(path, bytes);
    expect((await verifyFile(path)).problem).toMatchObject({ reason: 'altered', seq: PLACE });
  });

  it('is found to miss an event', async () => {
    const problem = await problemOf((lines, place) => lines.splice(place, 1));
    expect(problem).toMatchObject({ reason: 'missing', seq: PLACE });
  });

  it('is found to miss its beginning', async () => {
    const problem = await problemOf((lines) => lines.splice(0, 10));
    expect(problem).toMatchObject({ reason: 'missing', seq: 0 });
  });

  it('is found reordered: two events that are swapped, and one that is moved', async () => {
    const swapped = await problemOf((lines, place) => {
      [lines[place], lines[place + 1]] = [lines[place + 1] as string, lines[place] as string];
    });
    expect(swapped).toMatchObject({ reason: 'reordered', seq: PLACE });
    const moved = await problemOf((lines, place) => {
      lines.splice(place + 5000, 0, ...lines.splice(place, 1));
    });
    expect(moved).toMatchObject({ reason: 'reordered', seq: PLACE });
  });

  it('is found to have an event twice: at once, and later', async () => {
    const atOnce = await problemOf((lines, place) => {
      lines.splice(place, 0, lines[place] as string);
    });
    expect(atOnce).toMatchObject({ reason: 'duplicated', seq: PLACE });
    const later = await problemOf((lines, place) => {
      lines.splice(place + 3000, 0, lines[place] as string);
    });
    expect(later).toMatchObject({ reason: 'duplicated', seq: PLACE });
  });

  it('is found forked: another event in the same place', async () => {
    const problem = await problemOf((lines, place) => {
      const { body } = splitLine(lines[place] as string) ?? { body: '' };
      const other = body.replace('"agent_id":"agent', '"agent_id":"other');
      lines.splice(place + 500, 0, lineOf(other, hashOf(other)));
    });
    expect(problem).toMatchObject({ reason: 'forked', seq: PLACE });
  });

  it('is found forked: an event that was written anew with its right hash', async () => {
    const problem = await problemOf((lines, place) => {
      const { body } = splitLine(lines[place] as string) ?? { body: '' };
      const other = body.replace('"agent_id":"agent', '"agent_id":"other');
      lines[place] = lineOf(other, hashOf(other));
    });
    // The event behind it says so, and the altered one is the one that it does not follow on.
    expect(problem).toMatchObject({ reason: 'forked', seq: PLACE + 1 });
  });

  it('is found forked: all from an event on written anew, right hashes included', async () => {
    const problem = await problemOf((lines, place) =>
      rehash(lines, place, (body) => body.replace('"agent_id":"agent', '"agent_id":"other')),
    );
    expect(problem).toMatchObject({ reason: 'forked', seq: 54_000, lastSeq: 54_999 });
  });

  it('is found forked: written anew and all signatures taken away, by an anchor', async () => {
    const tamper = (lines: string[], place: number): void => {
      rehash(lines, place, (body) => body.replace('"agent_id":"agent', '"agent_id":"other'));
      const signed = lines.filter((line) => !line.startsWith('{"checkpoint"'));
      lines.splice(0, lines.length, ...signed);
    };
    const anchors = [built.checkpoints[80] as string];
    expect(await problemOf(tamper, { anchors })).toMatchObject({
      reason: 'forked',
      seq: 0,
      lastSeq: 80_999,
    });
    // And without an anchor by the chain's own rule that it is signed each 1,000 events.
    expect(await problemOf(tamper)).toMatchObject({ reason: 'unsigned', seq: 0 });
  });

  it('is found to have events of another chain', async () => {
    const other = new TestChain(newSigner(), 1000, 'ff'.repeat(16)).fill(3);
    const problem = await problemOf((lines, place) => {
      lines.splice(place, 0, other.lines[1] as string);
    });
    expect(problem).toMatchObject({ seq: 1 });
    const whole = await problemOf((lines) => {
      rehash(lines, 5, (body) => body.replace(CHAIN_ID, 'ff'.repeat(16)));
    });
    expect(whole).toMatchObject({ reason: 'forked', seq: 5 });
  });

  it('is found truncated behind a checkpoint, an anchor, and in the middle of a line', async () => {
    const cut = await problemOf((lines) => {
      lines.splice((built.lineOfEvent[PLACE] as number) + 1);
      lines.push(built.lines.at(-1) as string);
    });
    expect(cut).toMatchObject({ reason: 'missing', seq: PLACE + 1 });
    const anchors = [built.checkpoints[70] as string];
    const short = await problemOf((lines, place) => lines.splice(place), { anchors });
    expect(short).toMatchObject({ reason: 'truncated', seq: PLACE, lastSeq: 70_999 });
    const { problem } = await verified(built.lines.slice(0, 100), {}, '');
    expect(problem).toMatchObject({ reason: 'altered', seq: 99 });
  });

  it('is found to have time that goes back', async () => {
    const problem = await problemOf((lines, place) =>
      rehash(lines, place, (body) => body.replace(/"time_ms":\d+/, '"time_ms":1')),
    );
    expect(problem).toMatchObject({ reason: 'altered', seq: PLACE });
  });

  it('is found to be of the wrong key: the chain, a checkpoint, and an anchor', async () => {
    const stranger = newSigner();
    const keys = [stranger.verifier.text];
    expect((await verified(built.lines, { keys })).problem).toMatchObject({
      reason: 'wrong_key',
      seq: 0,
    });
    const forged = new TestChain(stranger, 1000).fill(1000);
    const problem = await problemOf((lines) => {
      lines[1000] = forged.lines[1000] as string;
    });
    expect(problem).toMatchObject({ reason: 'wrong_key', seq: 999 });
    const anchors = [forged.checkpoints[0] as string];
    expect((await verified(built.lines, { anchors })).problem).toMatchObject({
      reason: 'wrong_key',
      seq: 999,
    });
  });

  it('is found to be of the wrong key: an anchor with the right root that a stranger has signed', async () => {
    const { size } = readCheckpoint(built.checkpoints[53] as string) as Checkpoint;
    const root = readCheckpoint(built.checkpoints[53] as string)?.root ?? '';
    const origin = originOf(CHAIN_ID);
    const good = [signCheckpoint(origin, size, root, built.signer)];
    expect(await verified(built.lines, { anchors: good })).toMatchObject({
      valid: true,
      anchors: 1,
    });
    const anchors = [signCheckpoint(origin, size, root, newSigner())];
    expect((await verified(built.lines, { anchors })).problem).toMatchObject({
      reason: 'wrong_key',
      seq: 53_999,
    });
    const other = new TestChain(newSigner('ff'.repeat(16)), 1000, 'ff'.repeat(16)).fill(1000);
    const elsewhere = await verified(built.lines, { anchors: other.checkpoints });
    expect(elsewhere.problem).toMatchObject({ reason: 'forked', lastSeq: 999 });
  });

  it('is found to be nobody’s: written as a whole by somebody without the key that it names', async () => {
    const lines = built.lines.slice(0, 900).filter((line) => line.startsWith('{"event"'));
    expect((await verified(lines)).problem).toMatchObject({ reason: 'unsigned', seq: 0 });
    // The control: its first event signed, as every log does.
    const signed = new TestChain(built.signer);
    signed.sign();
    signed.fill(900);
    expect(await verified(signed.lines)).toMatchObject({ valid: true, signed: 1 });
  });

  it('is found to hide events as removed that no event of it says were removed', async () => {
    const problem = await problemOf((lines, place) => {
      const { hash } = splitLine(lines[place] as string) ?? { hash: '' };
      const hashes = Buffer.from(hash, 'hex').toString('base64');
      lines[place] = `{"pruned":{"first":${PLACE},"hashes":"${hashes}"}}`;
    });
    expect(problem).toMatchObject({ reason: 'missing', lastSeq: PLACE });
  });

  it('is found to hide events where only an event that nobody has signed says they were removed', async () => {
    const chain = new TestChain(built.signer, 100).fill(300);
    const hide = (): string[] => {
      const lines = [...chain.lines];
      const { hash } = splitLine(lines[50] as string) ?? { hash: '' };
      const hashes = Buffer.from(hash, 'hex').toString('base64');
      lines[50] = `{"pruned":{"first":50,"hashes":"${hashes}"}}`;
      return lines;
    };
    chain.add({ kind: 'chain.prune', payload: { before: 60 } });
    expect((await verified(hide())).problem).toMatchObject({ reason: 'missing', lastSeq: 50 });
    chain.sign();
    expect(await verified(hide())).toMatchObject({ valid: true, pruned: 1 });
  });
});

describe('a line that is not canonical', () => {
  it.each([
    ['a name twice', '"payload":{"data":1,"name":"x","name":"y"}'],
    ['names out of order', '"payload":{"name":"x","data":1}'],
    ['a number otherwise', '"payload":{"data":1.0,"name":"x"}'],
    ['a space', '"payload":{"data":1, "name":"x"}'],
    ['a letter escaped', '"payload":{"data":1,"name":"\\u0078"}'],
    ['a name too many', '"pay":1,"payload":{"data":1,"name":"x"}'],
  ])('is found, though its hash is right: %s', async (_, payload) => {
    const chain = new TestChain();
    chain.add({ kind: 'app.event', payload: { data: 1, name: 'x' } });
    chain.sign();
    const lines = [...chain.lines];
    expect((await verified(lines, {})).valid).toBe(true);
    rehash(lines, 1, (body) => body.replace(/"payload":\{.*?\}/, payload));
    expect((await verified(lines, {})).problem).toMatchObject({ reason: 'altered', seq: 1 });
  });
});

describe('key rotation', () => {
  it('is followed where the old key has signed it, and found where it has not', async () => {
    const { signRotation } = await import('../../src/audit/note.ts');
    const chain = new TestChain().fill(50);
    const first = chain.signer;
    const next = newSigner();
    const rotate = (signature: string): string[] => {
      const copy = new TestChain(first).fill(50);
      copy.add({
        kind: 'key.rotate',
        payload: { new_key: next.verifier.text, old_key: first.verifier.text, signature },
      });
      copy.signer = next;
      copy.sign();
      return copy.lines;
    };
    const keys = [first.verifier.text];
    const good = await verified(rotate(signRotation(CHAIN_ID, first, next.verifier)), { keys });
    expect(good).toMatchObject({ valid: true, key: next.verifier.text, trusted: true, signed: 51 });
    const lines = rotate(signRotation(CHAIN_ID, first, next.verifier));
    // Each anchor must be signed by the key that was in force behind its events, not by one before or after.
    const anchor = (events: number, signer: Signer): string => {
      const copy = new Frontier();
      for (const line of lines.filter((each) => each.startsWith('{"event"')).slice(0, events)) {
        copy.pushHex(splitLine(line)?.hash ?? '');
      }
      return signCheckpoint(originOf(CHAIN_ID), events, copy.root(), signer);
    };
    const anchors = [anchor(50, first), anchor(51, next)];
    expect(await verified(lines, { keys, anchors })).toMatchObject({ valid: true, anchors: 2 });
    for (const [wrong, seq] of [
      [anchor(51, first), 50],
      [anchor(50, next), 49],
    ] as const) {
      expect((await verified(lines, { keys, anchors: [wrong] })).problem).toMatchObject({
        reason: 'wrong_key',
        seq,
      });
    }
    const self = rotate(
      signRotation(CHAIN_ID, { ...next, verifier: first.verifier }, next.verifier),
    );
    expect((await verified(self, { keys })).problem).toMatchObject({
      reason: 'wrong_key',
      seq: 50,
    });
  });
});

describe('an event whose fields are not what they are', () => {
  it.each([
    ['its module is an object', '"module":null', '"module":{"a":1,"payload":2}'],
    ['its pid is an object', '"pid":0', '"pid":{"a":1,"pid":2}'],
    ['its pid is negative', '"pid":0', '"pid":-1'],
    ['its kind is a number', '"kind":"tool.register"', '"kind":1'],
  ])('is found altered: %s', async (_, right, wrong) => {
    const chain = new TestChain();
    const payload = { description: '00'.repeat(32), tool: 'x' };
    chain.add({ kind: 'tool.register', payload });
    chain.sign();
    const lines = [...chain.lines];
    expect((await verified(lines, {})).valid).toBe(true);
    rehash(lines, 1, (body) => body.replace(right, wrong));
    expect((await verified(lines, {})).problem).toMatchObject({ reason: 'altered', seq: 1 });
  });
});

describe('what a chain says of itself', () => {
  /** A chain of 11 events whose last says that those below `before` were removed. */
  function pruned(before: unknown): string[] {
    const chain = new TestChain(newSigner(), 10).fill(10);
    chain.add({ kind: 'chain.prune', payload: { before: 0 } });
    const lines = [...chain.lines];
    rehash(lines, 11, (body) => body.replace('"before":0', `"before":${JSON.stringify(before)}`));
    return lines;
  }

  it.each([['a text'], [null], [1.5], [1e300]])(
    'is found altered where what was removed is no number: %s',
    async (before) => {
      expect((await verified(pruned(0), {})).valid).toBe(true);
      expect((await verified(pruned(before), {})).problem).toMatchObject({
        reason: 'altered',
        seq: 10,
      });
    },
  );

  it.each(['"each"', 'null', '-1', '0', '1e300'])(
    'is found altered where it is to be signed each %s events',
    async (each) => {
      const chain = new TestChain();
      chain.sign();
      const lines = [...chain.lines];
      expect((await verified(lines, {})).valid).toBe(true);
      rehash(lines, 0, (body) =>
        body.replace('"checkpoint_events":1000', `"checkpoint_events":${each}`),
      );
      expect((await verified(lines, {})).problem).toMatchObject({ reason: 'altered', seq: 0 });
    },
  );

  it.each(['chain.genesis', 'chain.prune', 'key.rotate'])(
    'is found altered where %s has a payload that is no object',
    async (kind) => {
      const chain = new TestChain();
      chain.add({ kind: 'app.event', payload: { data: 1, name: 'x' } });
      const lines = [...chain.lines];
      const place = kind === 'chain.genesis' ? 0 : 1;
      rehash(lines, place, (body) =>
        body
          .replace(/"kind":".*?"/, `"kind":"${kind}"`)
          .replace(/"payload":\{.*?\}/, '"payload":null'),
      );
      expect((await verified(lines, {})).problem).toMatchObject({ reason: 'altered', seq: place });
    },
  );
});
