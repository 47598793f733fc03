/** Proof of one event: that it is in a chain, to somebody who has nothing of it but a key. */

import { RingfenceError } from '../errors.ts';
import { hashOf, type StoredEvent } from './event.ts';
import { fromHex, includes, inclusionProof } from './merkle.ts';
import { originOf, readCheckpoint, readVerifierKey } from './note.ts';
import { ChainDatabase } from './store/database.ts';

/** Hashes of a proof that is read: a tree of 2⁶³ events has no more. */
const PROOF_HASHES_MAX = 63;

/** An event, and what shows that it is in a chain. */
export interface EventProof {
  /** The event's bytes, which are hashed. */
  readonly event: string;
  readonly index: number;
  /** From the event upwards (RFC 6962, 2.1.1), in base64. */
  readonly proof: readonly string[];
  /** A signed note over at least this event. */
  readonly checkpoint: string;
}

const unproved = (why: string): RingfenceError =>
  new RingfenceError('RF_AUDIT_INVALID', `The proof shows nothing: ${why}.`);

/**
 * Proves that an event is in the chain of a directory.
 *
 * @throws {RingfenceError} `RF_USAGE` for an event that is not there, was removed or is not signed yet,
 * `RF_FILE`
 */
export function proveEvent(directory: string, seq: number): EventProof {
  const database = ChainDatabase.openToRead(directory);
  try {
    const body = Number.isSafeInteger(seq) ? database.body(seq) : null;
    const checkpoint = body === null ? null : database.noteOver(seq);
    if (body === null || checkpoint?.note == null) {
      throw new RingfenceError(
        'RF_USAGE',
        `Cannot prove event ${seq}: ${body === null ? 'it is not in the chain, or was removed' : 'no checkpoint is over it yet'}; choose another.`,
        { seq },
      );
    }
    const hashes = database.hashes(checkpoint.size);
    const leaves = { size: hashes.length, leaf: (index: number) => hashes[index] as string };
    return {
      event: body,
      index: seq,
      proof: inclusionProof(leaves, seq, checkpoint.size).map((hash) =>
        Buffer.from(hash, 'latin1').toString('base64'),
      ),
      checkpoint: checkpoint.note,
    };
  } finally {
    database.close();
  }
}

/**
 * Checks a proof with the public key alone, and answers the event.
 *
 * @throws {RingfenceError} `RF_AUDIT_INVALID`, `RF_AUDIT_KEY`
 */
export function verifyProof(text: string, key: string): StoredEvent {
  const verifier = readVerifierKey(key);
  let given: EventProof;
  try {
    given = JSON.parse(text) as EventProof;
  } catch {
    throw unproved('it is no JSON');
  }
  const { event, index, proof } = given;
  const checkpoint = typeof given.checkpoint === 'string' ? readCheckpoint(given.checkpoint) : null;
  if (
    typeof event !== 'string' ||
    !Array.isArray(proof) ||
    proof.length > PROOF_HASHES_MAX ||
    checkpoint === null
  ) {
    throw unproved('it is not in the format');
  }
  if (!checkpoint.signedBy(verifier)) {
    throw unproved('its checkpoint is not signed by the key');
  }
  const path = proof.map((hash) => Buffer.from(String(hash), 'base64').toString('latin1'));
  if (
    path.some(({ length }) => length !== 32) ||
    !includes(fromHex(hashOf(event)), index, checkpoint.size, path, checkpoint.root)
  ) {
    throw unproved('the event is not among those that were signed');
  }
  const read = JSON.parse(event) as StoredEvent;
  if (read.seq !== index || originOf(read.chain) !== checkpoint.origin) {
    throw unproved('the event is of another place or chain');
  }
  return read;
}
