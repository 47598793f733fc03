// The fields of an object, in the order in which they came. They are found by comparing keys, not by hashes: whoever
// writes the JSON knows the hash function, and keys with one hash would make a short text a long computation.

import { Json } from 'ringfence/assemblyscript/json';

/** As many fields are looked at one after another; more have an index. */
const FEW = 8;

/** Positions in a block of the index: what is moved to insert one. */
const BLOCK_MAX = 512;

export class JsonFields {
  readonly keys: Array<string> = [];
  private readonly values: Array<Json> = [];
  /** Positions in the order of their keys, in blocks, of which none is empty; none for a few fields. */
  private blocks: Array<Array<i32>> | null = null;

  get(key: string): Json | null {
    const position = this.find(key);
    return position < 0 ? null : this.values[position];
  }

  /** A field that is there keeps its place. */
  set(key: string, value: Json): void {
    const found = this.find(key);
    if (found >= 0) {
      this.values[found] = value;
      return;
    }
    this.keys.push(key);
    this.values.push(value);
    const blocks = this.blocks;
    if (blocks !== null) this.insert(blocks, this.keys.length - 1);
    else if (this.keys.length > FEW) this.makeIndex();
  }

  private find(key: string): i32 {
    const blocks = this.blocks;
    if (blocks === null) return this.keys.indexOf(key);
    const block = blocks[this.blockOf(blocks, key)];
    const place = this.placeIn(block, key);
    return place < block.length && this.keys[block[place]] == key ? block[place] : -1;
  }

  private makeIndex(): void {
    const blocks: Array<Array<i32>> = [[0]];
    this.blocks = blocks;
    for (let position = 1; position < this.keys.length; position++) this.insert(blocks, position);
  }

  private insert(blocks: Array<Array<i32>>, position: i32): void {
    const key = this.keys[position];
    const index = this.blockOf(blocks, key);
    const block = blocks[index];
    const place = this.placeIn(block, key);
    block.push(0);
    block.copyWithin(place + 1, place, block.length - 1);
    block[place] = position;
    if (block.length <= BLOCK_MAX) return;
    blocks.push([]);
    for (let later = blocks.length - 1; later > index + 1; later--) blocks[later] = blocks[later - 1];
    blocks[index + 1] = block.splice(BLOCK_MAX / 2);
  }

  /** The last block that begins at or before a key, or the first. */
  private blockOf(blocks: Array<Array<i32>>, key: string): i32 {
    let low = 0;
    let high = blocks.length;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (this.keys[blocks[middle][0]] <= key) low = middle;
      else high = middle;
    }
    return low;
  }

  /** How many keys of a block are less than this one. */
  private placeIn(block: Array<i32>, key: string): i32 {
    let low = 0;
    let high = block.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.keys[block[middle]] < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
