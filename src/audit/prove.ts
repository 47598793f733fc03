/** Proof of one event: that it is in a chain, to somebody who has nothing of it but a key. */

import * as z from 'zod';
import { RingfenceError } from '../errors.ts';
import { canonical } from './canonical.ts';
import {
  hashesOfProof,
  isOfChain,
  proofHashes,
  proofOfHashes,
  readDocument,
  readSigned,
  unproved,
} from './document.ts';
import { hashOf, LINE_BYTES_MAX, type StoredEvent } from './event.ts';
import { fromHex, includes, inclusionProof, leavesOf } from './merkle.ts';
import { NOTE_BYTES_MAX } from './note.ts';
import { ChainDatabase } from './store/database.ts';

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

const eventProofSchema = z.strictObject({
  event: z.string().max(LINE_BYTES_MAX),
  index: z.int().min(0),
  proof: proofHashes,
  checkpoint: z.string().max(NOTE_BYTES_MAX),
});

/**
 * Proves that an event is in the chain of a directory.
 *
 * @throws {RingfenceError} `RF_USAGE` for an event that is not there, was removed or is not signed yet,
 * `RF_FILE`
 */
export function proveEvent(directory: string, seq: number): EventProof {
  return ChainDatabase.reading(directory, (database) => {
    const body = Number.isSafeInteger(seq) ? database.body(seq) : null;
    const checkpoint = body === null ? null : database.noteOver(seq);
    if (body === null || checkpoint?.note == null) {
      throw new RingfenceError(
        'RF_USAGE',
        `Cannot prove event ${seq}: ${body === null ? 'it is not in the chain, or was removed' : 'no checkpoint is over it yet'}; choose another.`,
        { seq },
      );
    }
    const leaves = leavesOf(database.hashes(checkpoint.size));
    return {
      event: body,
      index: seq,
      proof: proofOfHashes(inclusionProof(leaves, seq, checkpoint.size)),
      checkpoint: checkpoint.note,
    };
  });
}

/**
 * Checks a proof with public keys alone, and answers the event.
 *
 * @param keys public keys (`NAME+ID+BASE64`), one of which must have signed its checkpoint
 * @throws {RingfenceError} `RF_AUDIT_INVALID`, `RF_AUDIT_KEY`
 */
export function verifyProof(text: string, keys: string | readonly string[]): StoredEvent {
  const { event, index, proof, checkpoint: note } = readDocument('proof', text, eventProofSchema);
  const checkpoint = readSigned('proof', note, [keys].flat());
  const leaf = fromHex(hashOf(event));
  if (!includes(leaf, index, checkpoint.size, hashesOfProof(proof), checkpoint.root)) {
    throw unproved('proof', 'the event is not among those that were signed');
  }
  const read = eventOf(event);
  if (read === null || read.seq !== index || !isOfChain(checkpoint, read.chain)) {
    throw unproved('proof', 'the event is of another place or chain');
  }
  return read;
}

/** An event as its bytes have it; null: they can be read in another way, or are none. */
function eventOf(body: string): StoredEvent | null {
  try {
    const read = JSON.parse(body) as StoredEvent;
    return canonical(read) === body ? read : null;
  } catch {
    return null;
  }
}
