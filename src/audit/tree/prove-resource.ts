/** Reading the resource tree of a chain, and proving that something was in it at a checkpoint. */

import * as z from 'zod';
import { RingfenceError } from '../../errors.ts';
import { canonical } from '../canonical.ts';
import {
  hashesOfProof,
  proofHashes,
  proofOfHashes,
  readDocument,
  readSigned,
  unproved,
} from '../document.ts';
import { includes, inclusionProof, leavesOf } from '../merkle.ts';
import { NOTE_BYTES_MAX } from '../note.ts';
import { ChainDatabase } from '../store/database.ts';
import {
  type EntryKind,
  entryLeaf,
  entryOfText,
  entryText,
  type ResourceEntry,
  TREE_FORMAT,
} from './entry.ts';

/** Characters that an entry has at most: two names of 256, each character escaped. */
const ENTRY_CHARACTERS_MAX = 8192;

/** An entry, and what shows that it was in the resource tree of a checkpoint. */
export interface ResourceProof {
  /** The entry's bytes, which are hashed. */
  readonly entry: string;
  /** Its place in the tree. */
  readonly index: number;
  /** From the entry upwards (RFC 6962, 2.1.1), in base64. */
  readonly proof: readonly string[];
  /** A signed note that says the tree's root. */
  readonly checkpoint: string;
}

const resourceProofSchema = z.strictObject({
  entry: z.string().max(ENTRY_CHARACTERS_MAX),
  index: z.int().min(0),
  proof: proofHashes,
  checkpoint: z.string().max(NOTE_BYTES_MAX),
});

/**
 * The resource tree of the chain in a directory, as it was at the last checkpoint.
 *
 * @throws {RingfenceError} `RF_FILE`
 */
export function readResources(directory: string): ResourceEntry[] {
  return ChainDatabase.reading(directory, (database) => [
    ...(database.resourcesAt(database.resourcesSize)?.entries() ?? []),
  ]);
}

/**
 * Proves that an agent, a module, a tool or a service was in the resource tree at a checkpoint.
 *
 * @param name as the entry has it: of an agent that an agent has spawned two names
 * @param at over how many events the checkpoint is; left out: the last one
 * @throws {RingfenceError} `RF_USAGE` for what was not in it, `RF_FILE`
 *
 * @example
 * ```ts
 * const proof = proveResource('audit', 'module', [digest]);
 * verifyResource(JSON.stringify(proof), [key]); // { kind: 'module', name: [digest], loads: 1, … }
 * ```
 */
export function proveResource(
  directory: string,
  kind: EntryKind,
  name: readonly string[],
  at?: number,
): ResourceProof {
  return ChainDatabase.reading(directory, (database) => prove(database, kind, name, at));
}

function prove(
  database: ChainDatabase,
  kind: EntryKind,
  name: readonly string[],
  at: number | undefined,
): ResourceProof {
  const size = at ?? database.lastNote()?.size ?? 0;
  const note = database.noteAt(size)?.note ?? null;
  const tree = note === null ? null : database.resourcesAt(size);
  const held = tree?.find(kind, name) ?? null;
  if (note === null || tree === null || held === null) {
    const why =
      note === null
        ? `no checkpoint was signed over ${size} events`
        : tree === null
          ? `events before the checkpoint over ${size} were removed`
          : `it was not in the tree over ${size} events`;
    throw new RingfenceError(
      'RF_USAGE',
      `Cannot prove anything of the ${kind} '${name.join(' ')}': ${why}; 'ringfence audit tree' lists what there is.`,
      { kind },
    );
  }
  tree.root();
  const proof = inclusionProof(leavesOf(tree.leaves), held.index, tree.size);
  return {
    entry: entryText(held.entry),
    index: held.index,
    proof: proofOfHashes(proof),
    checkpoint: note,
  };
}

/**
 * Checks a proof with public keys alone, and answers the entry.
 *
 * @throws {RingfenceError} `RF_AUDIT_INVALID`, `RF_AUDIT_KEY`
 */
export function verifyResource(text: string, keys: readonly string[]): ResourceEntry {
  const { entry, index, proof, checkpoint } = readDocument('proof', text, resourceProofSchema);
  const { resources } = readSigned('proof', checkpoint, keys);
  if (resources === null) {
    throw unproved('proof', 'its checkpoint says nothing of a resource tree');
  }
  const leaf = entryLeaf(entry);
  if (!includes(leaf, index, resources.size, hashesOfProof(proof), resources.root)) {
    throw unproved('proof', 'the entry is not among those of the tree that was signed');
  }
  if (!isEntry(entry)) {
    throw unproved('proof', 'what is in the tree is no entry');
  }
  return entryOfText(entry);
}

/** Whether bytes are an entry that can be read in one way only. */
function isEntry(text: string): boolean {
  try {
    const read = JSON.parse(text) as { v?: unknown };
    return read.v === TREE_FORMAT && canonical(read) === text;
  } catch {
    return false;
  }
}
