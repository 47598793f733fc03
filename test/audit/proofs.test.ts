/**
 * What somebody shows to prove something is read strictly: receipts, proofs of events, proofs that a chain has
 * only grown. Each refusal changes one thing of a document that is good as it is.
 */

import { sign } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { canonical } from '../../src/audit/canonical.ts';
import { proveConsistency, verifyConsistency } from '../../src/audit/consistency.ts';
import { createAuditKey } from '../../src/audit/keys.ts';
import { originOf, signCheckpoint, verifierKey } from '../../src/audit/note.ts';
import { proveEvent, verifyProof } from '../../src/audit/prove.ts';
import { type Envelope, verifyReceipt } from '../../src/audit/receipt.ts';
import { checkReceipt } from '../../src/audit/receipt-check.ts';
import { exportChain } from '../../src/audit/verify-store.ts';
import { openKernel } from '../../src/index.ts';

const root = mkdtempSync(join(tmpdir(), 'ringfence-proofs-'));
const directory = join(root, 'chain');
const invalid = expect.objectContaining({ code: 'RF_AUDIT_INVALID' });

let privateKey: ReturnType<typeof createAuditKey>;
let key: string;
let envelope: Envelope;
let early: string;

beforeAll(async () => {
  privateKey = createAuditKey(join(root, 'key'));
  const kernel = await openKernel({ workers: 1, audit: { directory, key: privateKey } });
  key = kernel.audit?.key ?? '';
  early = (await kernel.audit?.checkpoint()) ?? '';
  const agent = await kernel.spawn({ agentId: 'worker', work: () => 'done' });
  await agent.exited;
  envelope = await kernel.receipt(agent.pid, { inputs: { prompt: 'ab'.repeat(32) } });
  await expect(kernel.receipt(agent.pid, { inputs: { prompt: 'no hash' } })).rejects.toThrow(
    expect.objectContaining({ code: 'RF_USAGE' }),
  );
  await kernel.close();
});
afterAll(() => rmSync(root, { recursive: true }));

type Statement = Record<string, unknown> & { predicate: Record<string, unknown> };

const statementOf = ({ payload }: Envelope): Statement =>
  JSON.parse(Buffer.from(payload, 'base64').toString()) as Statement;

/** An envelope that the right key has signed around any text. */
function signed(text: string): string {
  const type = 'application/vnd.in-toto+json';
  const payload = Buffer.from(text);
  const message = Buffer.concat([
    Buffer.from(`DSSEv1 ${type.length} ${type} ${payload.length} `),
    payload,
  ]);
  const sig = sign(null, message, privateKey).toString('base64');
  return JSON.stringify({
    payload: payload.toString('base64'),
    payloadType: type,
    signatures: [{ keyid: key, sig }],
  });
}

/** A receipt as its signer could have written it, with something changed. */
const resigned = (change: (predicate: Record<string, unknown>, statement: Statement) => void) => {
  const statement = statementOf(envelope);
  change(statement.predicate, statement);
  return signed(canonical(statement));
};

describe('a receipt', () => {
  it('is good as it was given, and agrees with its chain: a directory, and an export', async () => {
    const text = JSON.stringify(envelope);
    expect(verifyReceipt(text, [key])).toMatchObject({ agent_id: 'worker' });
    expect(
      verifyReceipt(
        resigned(() => {}),
        [key],
      ),
    ).toMatchObject({ agent_id: 'worker' });
    const checked = await checkReceipt(text, [key], directory);
    expect(checked).toMatchObject({ events: true, receipt: { agent_id: 'worker' } });
    const path = join(root, 'export.jsonl');
    writeFileSync(path, Buffer.concat([...exportChain(directory)]));
    expect(await checkReceipt(text, [key], path)).toMatchObject({ events: true });
  });

  it.each<[string, (predicate: Record<string, unknown>, statement: Statement) => void]>([
    ['a field that there is not', (predicate) => Object.assign(predicate, { more: 1 })],
    [
      'a field of the statement that there is not',
      (_, statement) => Object.assign(statement, { more: 1 }),
    ],
    ['no exit', (predicate) => delete predicate.exit],
    ['a pid that is none', (predicate) => Object.assign(predicate, { pid: '1' })],
    ['usage that is no number', (predicate) => Object.assign(predicate, { usage: { fuel: '0' } })],
    ['an input that is no hash', (predicate) => Object.assign(predicate, { inputs: { a: 'b' } })],
    [
      'a span that ends before it begins',
      (predicate) => Object.assign(predicate.span as object, { first: 10 ** 6 }),
    ],
    [
      'a span that its checkpoint is not over',
      (predicate) => Object.assign(predicate.span as object, { last: 10 ** 6 }),
    ],
    [
      'a checkpoint that is none',
      (predicate) => Object.assign(predicate.span as object, { checkpoint: 'x' }),
    ],
    [
      'another chain than its key’s',
      (predicate) => Object.assign(predicate, { chain: 'ab'.repeat(16) }),
    ],
    [
      'another subject',
      (predicate) => Object.assign(predicate, { module_sha256: 'ab'.repeat(32) }),
    ],
    ['another name as its subject', (predicate) => Object.assign(predicate, { agent_id: 'other' })],
  ])('is refused, though the right key has signed it, with %s', (_, change) => {
    expect(() => verifyReceipt(resigned(change), [key])).toThrow(invalid);
  });

  it('is refused where what was signed can be read in two ways, or is no JSON', () => {
    const text = canonical(statementOf(envelope));
    for (const other of [
      text.replace('"pid":1', '"pid":2,"pid":1'),
      text.replace('"pid":1', '"pid": 1'),
      text.replace('"pid":1', '"pid":1.0'),
      `\ufeff${text}`,
      `${text}\n`,
      'nothing',
      '['.repeat(100_000),
    ]) {
      expect(() => verifyReceipt(signed(other), [key])).toThrow(invalid);
    }
  });

  it('is refused where its envelope has a name twice, one too many, or is too long', () => {
    const text = JSON.stringify(envelope);
    expect(() => verifyReceipt(text.replace('{', '{"payload":"",'), [key])).toThrow(invalid);
    expect(() => verifyReceipt(text.replace('{', '{"more":1,'), [key])).toThrow(invalid);
    expect(() => verifyReceipt(`${text}${' '.repeat(1_048_576)}`, [key])).toThrow(invalid);
    expect(() => verifyReceipt(`${text} `, [key])).not.toThrow();
  });

  it('is refused with a key of another name, though it is the same key', () => {
    const other = verifierKey(originOf('ab'.repeat(16)), privateKey).text;
    expect(() => verifyReceipt(JSON.stringify(envelope), [other])).toThrow(invalid);
  });

  it.each<[string, (predicate: Record<string, unknown>) => void]>([
    ['its exit', (predicate) => Object.assign(predicate.exit as object, { code: 7 })],
    ['its usage', (predicate) => Object.assign(predicate.usage as object, { fuel: 7 })],
    [
      'its grants',
      (predicate) => Object.assign(predicate, { grants: [{ kind: 'ipc', scope: 'all' }] }),
    ],
    ['its limits', (predicate) => Object.assign(predicate.limits as object, { fuel: 7 })],
    ['its pid', (predicate) => Object.assign(predicate, { pid: 2 })],
    [
      'the end of its span',
      ({ span }) => {
        (span as { last: number }).last -= 1;
      },
    ],
  ])(
    'that its signer has written over in %s is good alone, and is refused beside its chain',
    async (_, change) => {
      const text = resigned(change);
      expect(() => verifyReceipt(text, [key])).not.toThrow();
      await expect(checkReceipt(text, [key], directory)).rejects.toThrow(invalid);
    },
  );

  it('is refused beside a chain that is bad', async () => {
    const path = join(root, 'bad.jsonl');
    const text = Buffer.concat([...exportChain(directory)]).toString();
    writeFileSync(path, text.replace('"agent.spawn"', '"agent.spawm"'));
    await expect(checkReceipt(JSON.stringify(envelope), [key], path)).rejects.toThrow(
      /the chain is bad, Event \d+ is altered/,
    );
  });
});

describe('a proof of an event', () => {
  it('is good as it was made, and refused where anything is changed', () => {
    const proof = proveEvent(directory, 2);
    const other = proveEvent(directory, 3);
    expect(verifyProof(JSON.stringify(proof), [key])).toMatchObject({ seq: 2 });
    const stranger = createAuditKey(join(root, 'stranger'));
    const signer = {
      key: stranger,
      verifier: verifierKey(proof.checkpoint.split('\n')[0] ?? '', stranger),
    };
    const forged = signCheckpoint(signer.verifier.name, 4, 'x'.repeat(32), signer);
    for (const wrong of [
      { ...proof, index: 3 },
      { ...proof, index: -1 },
      { ...proof, index: '2' },
      { ...proof, index: 2 ** 60 },
      { ...proof, event: other.event },
      { ...proof, event: `${proof.event} ` },
      { ...proof, proof: proof.proof.slice(1) },
      { ...proof, proof: [...proof.proof, proof.proof[0]] },
      { ...proof, proof: [...proof.proof].reverse() },
      { ...proof, proof: Array<string>(100_000).fill(proof.proof[0] ?? '') },
      { ...proof, proof: proof.proof.map((hash) => hash.replace('=', '')) },
      { ...proof, checkpoint: forged },
      { ...proof, checkpoint: early },
      { ...proof, more: 1 },
      [proof],
      null,
    ]) {
      expect(() => verifyProof(JSON.stringify(wrong), [key])).toThrow(invalid);
    }
    expect(() => verifyProof(JSON.stringify(proof), [signer.verifier.text])).toThrow(invalid);
    expect(() => verifyProof(JSON.stringify(proof).replace('{', '{"index":3,'), [key])).toThrow(
      invalid,
    );
  });
});

describe('a proof that a chain has only grown', () => {
  it('leads from a checkpoint that was kept outside to the last one, and from any signed size', () => {
    const proof = proveConsistency(directory, early);
    const shown = verifyConsistency(JSON.stringify(proof), [key]);
    expect(shown.from).toBe(Number(early.split('\n')[1]));
    expect(shown.to).toBeGreaterThan(shown.from);
    expect(proveConsistency(directory, shown.from, shown.to)).toEqual(proof);
    const same = proveConsistency(directory, shown.to, shown.to);
    expect(verifyConsistency(JSON.stringify(same), [key])).toMatchObject({ from: shown.to });
  });

  it('is refused where anything is changed', () => {
    const proof = proveConsistency(directory, early);
    const [first = ''] = proof.proof;
    for (const wrong of [
      { ...proof, from: proof.to, to: proof.from },
      { ...proof, to: proof.from },
      { ...proof, proof: [] },
      { ...proof, proof: [...proof.proof, first] },
      {
        ...proof,
        proof: [first.replace(/^./, first.startsWith('A') ? 'B' : 'A'), ...proof.proof.slice(1)],
      },
      { ...proof, from: early.replace(/\n\d+\n/, '\n0\n') },
      { ...proof, more: 1 },
    ]) {
      expect(() => verifyConsistency(JSON.stringify(wrong), [key])).toThrow(invalid);
    }
  });

  it('is not made from what was not signed, nor where the chain was another', () => {
    const usage = expect.objectContaining({ code: 'RF_USAGE' });
    expect(() => proveConsistency(directory, 10 ** 6)).toThrow(usage);
    expect(() => proveConsistency(directory, 'no checkpoint')).toThrow(usage);
    const database = new DatabaseSync(join(directory, 'chain.sqlite'));
    const before = database.prepare('SELECT hash FROM events WHERE seq = 0').get() as {
      hash: Uint8Array;
    };
    database.prepare('UPDATE events SET hash = zeroblob(32) WHERE seq = 0').run();
    expect(() => proveConsistency(directory, early)).toThrow(invalid);
    database.prepare('UPDATE events SET hash = ? WHERE seq = 0').run(before.hash);
    database.close();
    expect(() => proveConsistency(directory, early)).not.toThrow();
  });
});
