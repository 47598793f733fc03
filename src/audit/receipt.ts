/**
 * Receipts of runs: what ran, under which grants and limits, what it used and how it ended, signed with the
 * chain's key, in an envelope that others' verifiers read: DSSE around an in-toto statement.
 */

import { type KeyObject, sign, verify } from 'node:crypto';
import * as z from 'zod';
import type { RingfenceError } from '../errors.ts';
import { usageError } from '../usage-error.ts';
import { canonical, digestOf } from './canonical.ts';
import { hexHash, isOfChain, readDocument, readSigned, unproved } from './document.ts';
import { NOTE_BYTES_MAX, originOf, readVerifierKey, type VerifierKey } from './note.ts';

/** The type of the statement's predicate. */
const RECEIPT_TYPE = 'https://ringfence.dev/receipt/v1';

const STATEMENT_TYPE = 'https://in-toto.io/Statement/v1';

/** What the envelope holds, as in-toto's specification names it. */
const PAYLOAD_TYPE = 'application/vnd.in-toto+json';

/** What a receipt says of a run. */
export interface Receipt {
  readonly agent_id: string;
  /** The chain that has its events. */
  readonly chain: string;
  readonly denied: readonly {
    readonly capability: string;
    readonly operation: string;
    readonly count: number;
  }[];
  readonly deterministic: boolean;
  readonly exit: {
    readonly code: number | null;
    readonly reason: string;
    readonly message: string | null;
  };
  /** The version of the table that fuel is counted by. */
  readonly fuel_table: string;
  readonly grants: readonly { readonly kind: string; readonly scope: unknown }[];
  /** SHA-256 of what it was given and what it gave, by names, where they were asked for. */
  readonly inputs: Readonly<Record<string, string>>;
  readonly limits: Readonly<Record<string, number>>;
  /** Null: it was a function of the program. */
  readonly module_sha256: string | null;
  readonly outputs: Readonly<Record<string, string>>;
  readonly pid: number;
  /**
   * Its events are among these: from `first` on, up to `last`, whose hash is `head`. `checkpoint` is over
   * all of them.
   */
  readonly span: {
    readonly checkpoint: string | null;
    readonly first: number;
    readonly head: string;
    readonly last: number;
  };
  readonly usage: Readonly<Record<string, number>>;
}

/** A DSSE envelope, version 1. */
export interface Envelope {
  readonly payload: string;
  readonly payloadType: string;
  readonly signatures: readonly { readonly keyid: string; readonly sig: string }[];
}

const envelopeSchema = z.strictObject({
  payload: z.base64(),
  payloadType: z.literal(PAYLOAD_TYPE),
  signatures: z
    .array(z.strictObject({ keyid: z.string().max(512).optional(), sig: z.base64() }))
    .min(1)
    .max(16),
});

const text = z.string().max(4096);
const count = z.int().min(0);
const hashes = z.record(text, hexHash);
const numbers = z.record(text, z.number());

/** All that a receipt says, and nothing else. */
const receiptSchema = z.strictObject({
  agent_id: text,
  chain: z.string().regex(/^[0-9a-f]{32}$/),
  denied: z.array(z.strictObject({ capability: text, operation: text, count })),
  deterministic: z.boolean(),
  exit: z.strictObject({ code: z.int().nullable(), reason: text, message: z.string().nullable() }),
  fuel_table: text,
  grants: z.array(z.strictObject({ kind: text, scope: z.unknown() })),
  inputs: hashes,
  limits: numbers,
  module_sha256: hexHash.nullable(),
  outputs: hashes,
  pid: z.int().min(1),
  span: z.strictObject({
    checkpoint: z.string().max(NOTE_BYTES_MAX).nullable(),
    first: count,
    head: hexHash,
    last: count,
  }),
  usage: numbers,
});

const statementSchema = z.strictObject({
  _type: z.literal(STATEMENT_TYPE),
  predicate: receiptSchema,
  predicateType: z.literal(RECEIPT_TYPE),
  subject: z
    .array(z.strictObject({ digest: z.strictObject({ sha256: hexHash }), name: z.string() }))
    .length(1),
});

/** What is signed: the pre-authentication encoding of DSSE. */
function preAuthentication(payload: Buffer): Buffer {
  const head = `DSSEv1 ${Buffer.byteLength(PAYLOAD_TYPE)} ${PAYLOAD_TYPE} ${payload.length} `;
  return Buffer.concat([Buffer.from(head), payload]);
}

/** What a receipt is about: the module, or where there is none the last of its events. */
function subjectDigest({ module_sha256: module, span }: Receipt): string {
  return module ?? span.head;
}

/**
 * Signs a receipt. The statement's subject is the module that ran, and for a function of the program, which
 * has no file, the last of its events.
 *
 * @throws {RingfenceError} `RF_USAGE` for what no receipt can say, such as an input that is no SHA-256
 */
export function signReceipt(
  receipt: Receipt,
  signer: { readonly key: KeyObject; readonly verifier: VerifierKey },
): Envelope {
  const checked = receiptSchema.safeParse(receipt);
  if (!checked.success) {
    throw usageError('give a receipt', checked.error);
  }
  const payload = Buffer.from(
    canonical({
      _type: STATEMENT_TYPE,
      predicate: receipt,
      predicateType: RECEIPT_TYPE,
      subject: [{ digest: { sha256: subjectDigest(receipt) }, name: receipt.agent_id }],
    }),
  );
  const signature = sign(null, preAuthentication(payload), signer.key);
  return {
    payload: payload.toString('base64'),
    payloadType: PAYLOAD_TYPE,
    signatures: [{ keyid: signer.verifier.text, sig: signature.toString('base64') }],
  };
}

/** The SHA-256 under which the chain knows an envelope: that of its canonical JSON. */
export function receiptDigest(envelope: Envelope): string {
  return digestOf(canonical(envelope));
}

const invalid = (why: string): RingfenceError => unproved('receipt', why);

/**
 * Reads a receipt and checks its signature, with the public key alone: its form, that nothing in it can be
 * read in two ways, that its parts agree with each other. {@link checkReceipt} compares it with its chain.
 *
 * @param keys public keys (`NAME+ID+BASE64`), one of which must have signed it
 * @throws {RingfenceError} `RF_AUDIT_INVALID` for what is no receipt or not signed by one of the keys,
 * `RF_AUDIT_KEY`
 */
export function verifyReceipt(text: string, keys: readonly string[]): Receipt {
  const trusted = keys.map(readVerifierKey);
  const envelope = readDocument('receipt', text, envelopeSchema);
  const payload = Buffer.from(envelope.payload, 'base64');
  const message = preAuthentication(payload);
  const signers = trusted.filter(({ key }) =>
    envelope.signatures.some(({ sig }) => verify(null, message, key, Buffer.from(sig, 'base64'))),
  );
  if (signers.length === 0) {
    throw invalid('none of the keys has signed it');
  }
  const statement = payload.toString('utf8');
  const { predicate, subject } = readDocument('receipt', statement, statementSchema);
  const receipt: Receipt = predicate;
  if (canonical(JSON.parse(statement)) !== statement) {
    throw invalid('what was signed is not canonical JSON');
  }
  // A key may sign several chains: for each it has another name.
  if (!signers.some(({ name }) => name === originOf(receipt.chain))) {
    throw invalid('it is of another chain than the key that has signed it');
  }
  const [{ digest, name } = { digest: null, name: null }] = subject;
  if (name !== receipt.agent_id || digest?.sha256 !== subjectDigest(receipt)) {
    throw invalid('its subject is not what has run');
  }
  checkSpan(receipt, keys);
  return receipt;
}

/** The span's own checkpoint must be over it, signed, and of the same chain. */
function checkSpan({ chain, span }: Receipt, keys: readonly string[]): void {
  if (span.first > span.last) {
    throw invalid('its events end before they begin');
  }
  if (span.checkpoint === null) {
    return;
  }
  const checkpoint = readSigned('receipt', span.checkpoint, keys);
  if (!isOfChain(checkpoint, chain)) {
    throw invalid('its checkpoint is of another chain');
  }
  if (checkpoint.size <= span.last) {
    throw invalid('its checkpoint is not over its events');
  }
}
