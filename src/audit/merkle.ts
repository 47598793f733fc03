/**
 * The Merkle tree over a chain's events, as RFC 6962 (2.1) and C2SP's tlog documents have it: its leaves
 * are the events' hashes.
 *
 * Inside, a hash is a string of 32 characters, one a byte: the hash function takes and gives these without
 * an object for each.
 */

import { hash } from 'node:crypto';

/** A hash as 32 characters, one a byte. */
export type Bytes32 = string;

/** Room for what the hash of two subtrees is made of: a one byte, which is there already, and both. */
const pair = (): Buffer => Buffer.alloc(65, 1);

const LEFT = 1;

const RIGHT = 33;

/** Bytes of a hash in hexadecimal. */
export function fromHex(hex: string): Bytes32 {
  return Buffer.from(hex, 'hex').toString('latin1');
}

/** A hash in hexadecimal. */
export function toHex(bytes: Bytes32): string {
  return Buffer.from(bytes, 'latin1').toString('hex');
}

/** Hashes as they are kept, one after the other. */
export function splitHashes(bytes: Uint8Array): Bytes32[] {
  const text = Buffer.from(bytes).toString('latin1');
  return Array.from({ length: text.length / 32 }, (_, index) =>
    text.slice(index * 32, index * 32 + 32),
  );
}

/** The root of a tree of nothing: SHA-256 of nothing. */
const EMPTY_ROOT: Bytes32 = hash('sha256', '', 'latin1');

/** The hash of two subtrees: SHA-256 of a one byte and both. */
export function nodeHash(left: Bytes32, right: Bytes32): Bytes32 {
  const both = pair();
  both.write(left, LEFT, 'latin1');
  both.write(right, RIGHT, 'latin1');
  return hash('sha256', both, 'latin1');
}

/**
 * A tree that grows at its right edge: it keeps the roots of its full subtrees only, one for each bit of
 * its size.
 */
export class Frontier {
  /**
   * For each bit of the size a pair whose left half is the root of that full subtree where the bit is set.
   * The right one is room for what a hash is made of.
   */
  readonly #levels: Buffer[] = [];
  #size: number;

  constructor(size = 0, roots: readonly Bytes32[] = []) {
    this.#size = size;
    this.#fullLevels().forEach((level, index) => {
      this.#level(level).write(roots[index] as Bytes32, LEFT, 'latin1');
    });
  }

  get size(): number {
    return this.#size;
  }

  /** Roots of the full subtrees, from left to right. */
  get roots(): readonly Bytes32[] {
    return this.#fullLevels().map((level) => this.#rootOf(level));
  }

  push(leaf: Bytes32): void {
    this.#add(leaf, 'latin1');
  }

  /** As `push`, for a leaf in hexadecimal. */
  pushHex(leaf: string): void {
    this.#add(leaf, 'hex');
  }

  #add(leaf: string, encoding: 'latin1' | 'hex'): void {
    let rest = this.#size;
    let both = this.#level(0);
    this.#size += 1;
    if (rest % 2 === 0) {
      both.write(leaf, LEFT, encoding);
      return;
    }
    both.write(leaf, RIGHT, encoding);
    for (let level = 1; ; level += 1) {
      const node = hash('sha256', both, 'latin1');
      both = this.#level(level);
      rest = Math.floor(rest / 2);
      if (rest % 2 === 0) {
        both.write(node, LEFT, 'latin1');
        return;
      }
      both.write(node, RIGHT, 'latin1');
    }
  }

  root(): Bytes32 {
    const [lowest, ...higher] = this.#fullLevels().reverse();
    let root = lowest === undefined ? EMPTY_ROOT : this.#rootOf(lowest);
    for (const level of higher) {
      const both = this.#level(level);
      both.write(root, RIGHT, 'latin1');
      root = hash('sha256', both, 'latin1');
    }
    return root;
  }

  copy(): Frontier {
    return new Frontier(this.#size, this.roots);
  }

  #level(level: number): Buffer {
    this.#levels[level] ??= pair();
    return this.#levels[level];
  }

  #rootOf(level: number): Bytes32 {
    return this.#level(level).toString('latin1', LEFT, RIGHT);
  }

  /** The bits that are set in the size, the highest first. */
  #fullLevels(): number[] {
    const levels: number[] = [];
    for (let level = 0, rest = this.#size; rest > 0; level += 1, rest = Math.floor(rest / 2)) {
      if (rest % 2 === 1) {
        levels.push(level);
      }
    }
    return levels.reverse();
  }
}

/** The root of a tree over hashes. */
export function rootOf(hashes: readonly Bytes32[]): Bytes32 {
  const tree = new Frontier();
  for (const hash of hashes) {
    tree.push(hash);
  }
  return tree.root();
}

/** Leaves by their places, of a tree that proofs are made from. */
export interface Leaves {
  readonly size: number;
  leaf(index: number): Bytes32;
}

/** The leaves of a tree that is in memory. */
export function leavesOf(hashes: readonly Bytes32[]): Leaves {
  return { size: hashes.length, leaf: (index) => hashes[index] as Bytes32 };
}

function subtreeRoot(leaves: Leaves, start: number, end: number): Bytes32 {
  const tree = new Frontier();
  for (let index = start; index < end; index += 1) {
    tree.push(leaves.leaf(index));
  }
  return tree.root();
}

/** The largest power of two below `size`, which is at least 2. */
function split(size: number): number {
  let half = 1;
  while (half * 2 < size) {
    half *= 2;
  }
  return half;
}

/**
 * The proof that a leaf is in the tree of the first `size` leaves (RFC 6962, 2.1.1), from the leaf
 * upwards. The caller has checked 0 ≤ index < size ≤ leaves.size.
 */
export function inclusionProof(leaves: Leaves, index: number, size: number): Bytes32[] {
  const proof: Bytes32[] = [];
  let start = 0;
  let end = size;
  while (end - start > 1) {
    const middle = start + split(end - start);
    if (index < middle) {
      proof.push(subtreeRoot(leaves, middle, end));
      end = middle;
    } else {
      proof.push(subtreeRoot(leaves, start, middle));
      start = middle;
    }
  }
  return proof.reverse();
}

/**
 * The proof that the tree of the first `old` leaves is the beginning of that of the first `size`
 * (RFC 6962, 2.1.2). The caller has checked 0 < old ≤ size ≤ leaves.size.
 */
export function consistencyProof(leaves: Leaves, old: number, size: number): Bytes32[] {
  const proof: Bytes32[] = [];
  let start = 0;
  let end = size;
  let complete = true;
  while (old !== end) {
    const middle = start + split(end - start);
    if (old <= middle) {
      proof.push(subtreeRoot(leaves, middle, end));
      end = middle;
    } else {
      proof.push(subtreeRoot(leaves, start, middle));
      start = middle;
      complete = false;
    }
  }
  if (!complete) {
    proof.push(subtreeRoot(leaves, start, end));
  }
  return proof.reverse();
}

/** Whether a proof leads from a leaf to a root (RFC 9162, 2.1.3.2). */
export function includes(
  leaf: Bytes32,
  index: number,
  size: number,
  proof: readonly Bytes32[],
  root: Bytes32,
): boolean {
  if (!Number.isSafeInteger(index) || index < 0 || index >= size) {
    return false;
  }
  let place = index;
  let last = size - 1;
  let node = leaf;
  for (const sibling of proof) {
    if (last === 0) {
      return false;
    }
    if (place % 2 === 1 || place === last) {
      node = nodeHash(sibling, node);
      while (place % 2 === 0 && place !== 0) {
        place = Math.floor(place / 2);
        last = Math.floor(last / 2);
      }
    } else {
      node = nodeHash(node, sibling);
    }
    place = Math.floor(place / 2);
    last = Math.floor(last / 2);
  }
  return last === 0 && node === root;
}

/** Whether a proof shows that one tree is the beginning of another (RFC 9162, 2.1.4.2). */
export function extendsTree(
  old: { readonly size: number; readonly root: Bytes32 },
  now: { readonly size: number; readonly root: Bytes32 },
  proof: readonly Bytes32[],
): boolean {
  if (old.size > now.size || old.size < 1) {
    return false;
  }
  if (old.size === now.size) {
    return proof.length === 0 && old.root === now.root;
  }
  let place = old.size - 1;
  let last = now.size - 1;
  while (place % 2 === 1) {
    place = Math.floor(place / 2);
    last = Math.floor(last / 2);
  }
  // Where the old tree is one full subtree, its root begins the path and is not in the proof.
  const path = place === 0 ? [old.root, ...proof] : [...proof];
  const first = path.shift();
  if (first === undefined) {
    return false;
  }
  let before = first;
  let after = first;
  for (const sibling of path) {
    if (last === 0) {
      return false;
    }
    if (place % 2 === 1 || place === last) {
      before = nodeHash(sibling, before);
      after = nodeHash(sibling, after);
      while (place % 2 === 0 && place !== 0) {
        place = Math.floor(place / 2);
        last = Math.floor(last / 2);
      }
    } else {
      after = nodeHash(after, sibling);
    }
    place = Math.floor(place / 2);
    last = Math.floor(last / 2);
  }
  return last === 0 && before === old.root && after === now.root;
}
