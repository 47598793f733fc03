/** A Merkle tree (RFC 6962, 2.1) whose leaves change: what has changed is hashed again, and no more. */

import { type Bytes32, nodeHash, rootOf } from '../merkle.ts';

/** A tree of leaves by their indexes. */
export class UpdatedTree {
  /** Nodes over full subtrees, level by level; the leaves are the first. */
  readonly #levels: Bytes32[][] = [[]];
  readonly #changed = new Set<number>();

  get size(): number {
    return this.#leaves.length;
  }

  /** The leaves as they are. */
  get leaves(): readonly Bytes32[] {
    return this.#leaves;
  }

  get #leaves(): Bytes32[] {
    return this.#levels[0] as Bytes32[];
  }

  /** Puts a leaf in a place: one that is there, or the next one. */
  set(index: number, leaf: Bytes32): void {
    this.#leaves[index] = leaf;
    this.#changed.add(index);
  }

  root(): Bytes32 {
    let changed: ReadonlySet<number> = this.#changed;
    for (let level = 0; changed.size > 0; level += 1) {
      changed = this.#hashAbove(level, changed);
    }
    this.#changed.clear();
    return this.#rootOfFull();
  }

  /** Hashes what stands over nodes of a level that have changed; answers which those are. */
  #hashAbove(level: number, changed: ReadonlySet<number>): ReadonlySet<number> {
    const nodes = this.#levels[level] as Bytes32[];
    const above = new Set<number>();
    for (const index of changed) {
      above.add(Math.floor(index / 2));
    }
    for (const index of above) {
      const right = nodes[2 * index + 1];
      if (right === undefined) {
        // The subtree is not full yet: it is put together for each root.
        above.delete(index);
        continue;
      }
      this.#levels[level + 1] ??= [];
      (this.#levels[level + 1] as Bytes32[])[index] = nodeHash(nodes[2 * index] as Bytes32, right);
    }
    return above;
  }

  /** The root over the full subtrees, of which there is one for each bit of the size. */
  #rootOfFull(): Bytes32 {
    let root: Bytes32 | null = null;
    for (let level = 0; level < this.#levels.length; level += 1) {
      const nodes = this.#levels[level] as Bytes32[];
      if (nodes.length % 2 === 1) {
        const last = nodes[nodes.length - 1] as Bytes32;
        root = root === null ? last : nodeHash(last, root);
      }
    }
    return root ?? rootOf([]);
  }
}
