/**
 * Receipts of runs: what ran, under which grants and limits, what it used and how it ended, signed with the
 * chain's key, in an envelope that others' verifiers read: DSSE around an in-toto statement.
 */

import { type KeyObject, sign, verify } from 'node:crypto';
import * as z from 'zod';
import { RingfenceError } from '../errors.ts';
import { canonical, digestOf } from './canonical.ts';
import { readCheckpoint, readVerifierKey, type VerifierKey } from './note.ts';

/** The type of the statement's predicate. */
export const RECEIPT_TYPE = 'https://ringfence.dev/receipt/v1';

const STATEMENT_TYPE = 'https://in-toto.io/Statement/v1';

/** What the envelope holds, as in-toto's specification names it. */
const PAYLOAD_TYPE = 'application/vnd.in-toto+json';

/** Characters of an envelope that is read. */
const ENVELOPE_CHARACTERS_MAX = 1_048_576;

/** What a receipt says of a run. */
export interface Receipt {
  readonly agent_id: string;
  /** The chain that has its events. */
  readonly chain: string;
  readonly denied: readonly unknown[];
  readonly deterministic: boolean;
  readonly exit: unknown;
  /** The version of the table that fuel is counted by. */
  readonly fuel_table: string;
  readonly grants: readonly unknown[];
  /** SHA-256 of what it was given and what it gave, by names, where they were asked for. */
  readonly inputs: Readonly<Record<string, string>>;
  readonly limits: unknown;
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
  readonly usage: unknown;
}

/** A DSSE envelope, version 1. */
export interface Envelope {
  readonly payload: string;
  readonly payloadType: string;
  readonly signatures: readonly { readonly keyid: string; readonly sig: string }[];
}

const envelopeSchema = z.object({
  payload: z.base64(),
  payloadType: z.literal(PAYLOAD_TYPE),
  signatures: z
    .array(z.object({ keyid: z.string().max(512).optional(), sig: z.base64() }))
    .min(1)
    .max(16),
});

const statementSchema = z.object({
  _type: z.literal(STATEMENT_TYPE),
  predicateType: z.literal(RECEIPT_TYPE),
  subject: z.array(z.object({ name: z.string(), digest: z.object({ sha256: z.string() }) })).min(1),
  predicate: z.looseObject({
    chain: z.string(),
    pid: z.int(),
    module_sha256: z.string().nullable(),
  }),
});

/** What is signed: the pre-authentication encoding of DSSE. */
function preAuthentication(payload: Buffer): Buffer {
  const head = `DSSEv1 ${Buffer.byteLength(PAYLOAD_TYPE)} ${PAYLOAD_TYPE} ${payload.length} `;
  return Buffer.concat([Buffer.from(head), payload]);
}

/**
 * Signs a receipt. The statement's subject is the module that ran, and for a function of the program, which
 * has no file, the last of its events.
 */
export function signReceipt(
  receipt: Receipt,
  signer: { readonly key: KeyObject; readonly verifier: VerifierKey },
): Envelope {
  const { module_sha256: module, agent_id: name, span } = receipt;
  const payload = Buffer.from(
    canonical({
      _type: STATEMENT_TYPE,
      predicate: receipt,
      predicateType: RECEIPT_TYPE,
      subject: [{ digest: { sha256: module ?? span.head }, name: name.toWellFormed() }],
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

const invalid = (why: string): RingfenceError =>
  new RingfenceError('RF_AUDIT_INVALID', `The receipt proves nothing: ${why}.`);

/**
 * Reads a receipt and checks its signature, with the public key alone.
 *
 * @param keys public keys (`NAME+ID+BASE64`), one of which must have signed it
 * @throws {RingfenceError} `RF_AUDIT_INVALID` for what is no receipt or not signed by one of the keys,
 * `RF_AUDIT_KEY`
 */
export function verifyReceipt(text: string, keys: readonly string[]): Receipt {
  const trusted = keys.map(readVerifierKey);
  let envelope: Envelope;
  try {
    if (text.length > ENVELOPE_CHARACTERS_MAX) {
      throw invalid('it is too long');
    }
    envelope = envelopeSchema.parse(JSON.parse(text)) as Envelope;
  } catch {
    throw invalid('it is no DSSE envelope of an in-toto statement');
  }
  const payload = Buffer.from(envelope.payload, 'base64');
  const message = preAuthentication(payload);
  const isSigned = envelope.signatures.some(({ sig }) =>
    trusted.some(({ key }) => verify(null, message, key, Buffer.from(sig, 'base64'))),
  );
  if (!isSigned) {
    throw invalid('none of the keys has signed it');
  }
  const parsed = statementSchema.safeParse(JSON.parse(payload.toString('utf8')));
  if (!parsed.success) {
    throw invalid('what was signed is no receipt of a run');
  }
  // What the schema leaves open was signed: it is as the one who has the key wrote it.
  const receipt = parsed.data.predicate as unknown as Receipt;
  const { checkpoint } = receipt.span;
  if (checkpoint !== null && (readCheckpoint(checkpoint)?.size ?? 0) <= receipt.span.last) {
    throw invalid('its checkpoint is not over its events');
  }
  return receipt;
}
