/**
 * Proof that a chain has only grown: that what one checkpoint was signed over is the beginning of what
 * another was.
 */

import * as z from 'zod';
import { RingfenceError } from '../errors.ts';
import {
  hashesOfProof,
  proofHashes,
  proofOfHashes,
  readDocument,
  readSigned,
  unproved,
} from './document.ts';
import { consistencyProof, extendsTree, leavesOf, rootOf } from './merkle.ts';
import { type Checkpoint, NOTE_BYTES_MAX, originOf, readCheckpoint } from './note.ts';
import { ChainDatabase } from './store/database.ts';

/** Two checkpoints, and what shows that the first is of the beginning of the second's events. */
export interface ConsistencyProof {
  /** The older signed note. */
  readonly from: string;
  /** The newer one. */
  readonly to: string;
  /** RFC 6962, 2.1.2, in base64. */
  readonly proof: readonly string[];
}

const consistencyProofSchema = z.strictObject({
  from: z.string().max(NOTE_BYTES_MAX),
  to: z.string().max(NOTE_BYTES_MAX),
  proof: proofHashes,
});

/** What a proof has shown. */
export interface Consistency {
  readonly origin: string;
  /** Events of the older checkpoint, and of the newer one. */
  readonly from: number;
  readonly to: number;
}

/**
 * Proves that the chain of a directory goes on from a checkpoint.
 *
 * @param from the older checkpoint: a signed note that was kept outside, or how many events it is over
 * @param to how many events the newer one is over; left out: the last one
 * @throws {RingfenceError} `RF_USAGE` for a size at which nothing was signed, `RF_AUDIT_INVALID` where the
 * chain does not go on from the note, `RF_FILE`
 */
export function proveConsistency(
  directory: string,
  from: number | string,
  to?: number,
): ConsistencyProof {
  return ChainDatabase.reading(directory, (database) => {
    const newer = to === undefined ? database.lastNote() : database.noteAt(to);
    const older = typeof from === 'string' ? from : database.noteAt(from)?.note;
    if (older == null || newer?.note == null) {
      throw new RingfenceError(
        'RF_USAGE',
        `Cannot prove from ${older == null ? from : to}: no checkpoint was signed there; 'ringfence audit export' shows all.`,
      );
    }
    const hashes = database.hashes(newer.size);
    const { size } = requireBeginning(older, database.chain, hashes);
    return {
      from: older,
      to: newer.note,
      proof: proofOfHashes(consistencyProof(leavesOf(hashes), size, newer.size)),
    };
  });
}

/** The older checkpoint, which must be of the beginning of these events. */
function requireBeginning(note: string, chain: string, hashes: readonly string[]): Checkpoint {
  const older = readCheckpoint(note);
  if (older === null || older.size < 1 || older.size > hashes.length) {
    throw new RingfenceError(
      'RF_USAGE',
      `Cannot prove anything from ${older === null ? 'it as it is no checkpoint' : `a checkpoint over ${older.size} events to one over ${hashes.length}`}: name an older one.`,
    );
  }
  if (older.origin !== originOf(chain) || rootOf(hashes.slice(0, older.size)) !== older.root) {
    throw new RingfenceError(
      'RF_AUDIT_INVALID',
      `Cannot prove that the audit chain goes on from a checkpoint over ${older.size} events: it was signed over others.`,
      { size: older.size },
    );
  }
  return older;
}

/**
 * Checks a proof with public keys alone. Where the key was rotated between the two, both keys are needed.
 *
 * @throws {RingfenceError} `RF_AUDIT_INVALID`, `RF_AUDIT_KEY`
 */
export function verifyConsistency(text: string, keys: readonly string[]): Consistency {
  const { from, to, proof } = readDocument('proof', text, consistencyProofSchema);
  const older = readSigned('proof', from, keys);
  const newer = readSigned('proof', to, keys);
  if (older.origin !== newer.origin) {
    throw unproved('proof', 'its checkpoints are of two chains');
  }
  if (!extendsTree(older, newer, hashesOfProof(proof))) {
    throw unproved('proof', 'the second checkpoint is not over the events of the first');
  }
  return { origin: older.origin, from: older.size, to: newer.size };
}
