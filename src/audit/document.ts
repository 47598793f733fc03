/**
 * Documents that somebody shows to prove something, read strictly: what two readers could read in two ways
 * is refused.
 */

import { visit } from 'jsonc-parser';
import * as z from 'zod';
import { RingfenceError } from '../errors.ts';
import { type Bytes32, fromHex } from './merkle.ts';
import { type Checkpoint, originOf, readCheckpoint, readVerifierKey } from './note.ts';

/** Characters that a document may have. */
const DOCUMENT_CHARACTERS_MAX = 1_048_576;

/** How deep objects and lists may stand in each other: what a run has are a few. */
const DEPTH_MAX = 64;

/** Hashes of a proof: a tree of 2⁶³ leaves has no longer one. */
const PROOF_HASHES_MAX = 64;

/** What a document does not show, in a sentence. */
export function unproved(what: string, why: string): RingfenceError {
  return new RingfenceError('RF_AUDIT_INVALID', `The ${what} proves nothing: ${why}.`);
}

/** Throws where a name stands twice in an object, or where it is too deep. */
function checkNames(text: string): void {
  const open: (Set<string> | null)[] = [];
  const begin = (names: Set<string> | null): void => {
    open.push(names);
    if (open.length > DEPTH_MAX) {
      throw new Error('too deep');
    }
  };
  const end = (): void => void open.pop();
  visit(text, {
    onObjectBegin: () => begin(new Set()),
    onArrayBegin: () => begin(null),
    onObjectEnd: end,
    onArrayEnd: end,
    onObjectProperty: (name) => {
      if (open.at(-1)?.has(name)) {
        throw new Error('a name twice');
      }
      open.at(-1)?.add(name);
    },
  });
}

/**
 * Reads a document: JSON (RFC 8259) without a name twice in an object, and nothing that the schema does
 * not name.
 *
 * @throws {RingfenceError} `RF_AUDIT_INVALID`
 */
export function readDocument<Document>(
  what: string,
  text: string,
  schema: z.ZodType<Document>,
): Document {
  if (text.length > DOCUMENT_CHARACTERS_MAX) {
    throw unproved(what, `it has more than ${DOCUMENT_CHARACTERS_MAX} characters`);
  }
  let value: unknown;
  try {
    checkNames(text);
    value = JSON.parse(text);
  } catch {
    throw unproved(what, 'it is no JSON, is too deep, or has a name twice');
  }
  const parsed = schema.safeParse(value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const where = issue?.path.join('.') || 'the whole';
    throw unproved(what, `it is not in the format at '${where}' (${issue?.message})`);
  }
  return parsed.data;
}

/** A hash, in hexadecimal. */
export const hexHash = z.string().regex(/^[0-9a-f]{64}$/);

/** Hashes of a proof, in base64. */
export const proofHashes = z.array(z.string().regex(/^[A-Za-z0-9+/]{43}=$/)).max(PROOF_HASHES_MAX);

/** The hashes of a proof that fits {@link proofHashes}. */
export function hashesOfProof(proof: readonly string[]): Bytes32[] {
  return proof.map((hash) => fromHex(Buffer.from(hash, 'base64').toString('hex')));
}

/** A proof's hashes as documents have them. */
export function proofOfHashes(hashes: readonly Bytes32[]): string[] {
  return hashes.map((hash) => Buffer.from(hash, 'latin1').toString('base64'));
}

/**
 * Reads a checkpoint that one of the keys must have signed. A key is one chain's: its name says which.
 *
 * @throws {RingfenceError} `RF_AUDIT_INVALID`, `RF_AUDIT_KEY`
 */
export function readSigned(what: string, note: string, keys: readonly string[]): Checkpoint {
  const checkpoint = readCheckpoint(note);
  if (checkpoint === null) {
    throw unproved(what, 'its checkpoint is not in the format');
  }
  const isSigned = keys
    .map(readVerifierKey)
    .some((key) => key.name === checkpoint.origin && checkpoint.signedBy(key));
  if (!isSigned) {
    throw unproved(what, 'its checkpoint is not signed by a key that was given');
  }
  return checkpoint;
}

/** Whether a checkpoint is of a chain. */
export function isOfChain({ origin }: Checkpoint, chain: string): boolean {
  return origin === originOf(chain);
}
