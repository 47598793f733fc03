import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Bytes32,
  consistencyProof,
  extendsTree,
  Frontier,
  fromHex,
  includes,
  inclusionProof,
  toHex,
} from './merkle.ts';

const leafOf = (data: Buffer): Bytes32 =>
  createHash('sha256').update(Buffer.of(0)).update(data).digest('latin1');

const LEAVES = Array.from({ length: 130 }, (_, index) => leafOf(Buffer.from(`event ${index}`)));

const leaves = { size: LEAVES.length, leaf: (index: number) => LEAVES[index] as Bytes32 };

/** RFC 6962, 2.1, word for word. */
function mth(hashes: readonly Bytes32[]): Bytes32 {
  if (hashes.length === 0) {
    return createHash('sha256').digest('latin1');
  }
  if (hashes.length === 1) {
    return hashes[0] as Bytes32;
  }
  const half = 2 ** (Math.ceil(Math.log2(hashes.length)) - 1);
  const both = Buffer.from(mth(hashes.slice(0, half)) + mth(hashes.slice(half)), 'latin1');
  return createHash('sha256').update(Buffer.of(1)).update(both).digest('latin1');
}

describe('the tree', () => {
  it('has the roots that RFC 6962 defines', () => {
    const tree = new Frontier();
    for (let size = 0; size < LEAVES.length; size += 1) {
      expect(tree.root()).toBe(mth(LEAVES.slice(0, size)));
      tree.push(leaves.leaf(size));
    }
    expect(tree.root()).toBe(mth(LEAVES));
  });

  it('has the root of the test vectors of certificate transparency', () => {
    // Eight leaves that the implementations of certificate transparency test with.
    const data = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657'];
    data.push('606162636465666768696a6b6c6d6e6f');
    const tree = new Frontier();
    for (const hex of data) {
      tree.push(leafOf(Buffer.from(hex, 'hex')));
    }
    expect(toHex(tree.root())).toBe(
      '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
    );
  });

  it('goes on from its roots, and takes leaves in hexadecimal', () => {
    const whole = new Frontier();
    LEAVES.forEach((leaf) => {
      whole.push(leaf);
    });
    const first = new Frontier();
    LEAVES.slice(0, 77).forEach((leaf) => {
      first.pushHex(toHex(leaf));
    });
    const second = first.copy();
    LEAVES.slice(77).forEach((leaf) => {
      second.push(leaf);
    });
    expect(second.root()).toBe(whole.root());
    expect(first.size).toBe(77);
  });
});

describe('a proof', () => {
  it('shows that an event is in a tree, and no other event, place, size or root', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: LEAVES.length }), fc.nat(), (size, seed) => {
        const index = seed % size;
        const root = mth(LEAVES.slice(0, size));
        const proof = inclusionProof(leaves, index, size);
        const leaf = leaves.leaf(index);
        expect(includes(leaf, index, size, proof, root)).toBe(true);
        expect(includes(fromHex('00'.repeat(32)), index, size, proof, root)).toBe(false);
        expect(includes(leaf, size, size, proof, root)).toBe(false);
        expect(includes(leaf, index, size, [...proof, leaf], root)).toBe(false);
        expect(includes(leaf, index, size, proof, mth(LEAVES.slice(0, size - 1)))).toBe(false);
        if (proof.length > 0) {
          expect(includes(leaf, index, size, proof.slice(1), root)).toBe(false);
        }
      }),
    );
  });

  it('shows that a tree goes on another, and no other', () => {
    for (const size of [1, 2, 3, 7, 8, 9, 31, 32, 33, 64, 100, 130]) {
      const now = { size, root: mth(LEAVES.slice(0, size)) };
      for (let old = 1; old <= size; old += 1) {
        const before = { size: old, root: mth(LEAVES.slice(0, old)) };
        const proof = consistencyProof(leaves, old, size);
        expect(extendsTree(before, now, proof)).toBe(true);
        expect(extendsTree({ ...before, root: leaves.leaf(129) }, now, proof)).toBe(false);
        expect(extendsTree(before, now, [...proof, now.root])).toBe(false);
      }
    }
  });
});
