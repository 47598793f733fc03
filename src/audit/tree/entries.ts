/** The entries of a resource tree: each at its place, within their bounds, with the tree of hashes over them. */

import type { Bytes32 } from '../merkle.ts';
import { entryLeaf, entryText, isLive, keyOf, type ResourceEntry } from './entry.ts';
import { UpdatedTree } from './updated-tree.ts';

/** Entries of a tree: the one that has not changed for longest, and does not live, goes first. */
export const ENTRIES_MAX = 100_000;

/**
 * Names of agents that agents have spawned, under one that the program has. A rule of the format
 * (docs/audit-format.md), so it stands here; a test has it agree with the scores.
 */
export const DESCENDANTS_MAX = 16;

/** An entry, and its place. */
export interface Held {
  readonly index: number;
  readonly key: string;
  readonly entry: ResourceEntry;
}

/** An entry that is kept, with its place. */
export interface KeptEntry {
  readonly index: number;
  readonly text: string;
}

interface Place extends Held {
  entry: ResourceEntry;
}

/** Entries by their keys (`keyOf`). */
export class TreeEntries {
  readonly #byKey = new Map<string, Place>();
  readonly #byIndex: Place[] = [];
  /** Those that may go, those that have not changed for longest first. */
  readonly #idle = new Set<Place>();
  /** Goes on from the last that went: what has gone before is not looked at again, which would be all of it. */
  #oldest: Iterator<Place> | null = null;
  /** How many names each of the program's agents has under it. */
  readonly #descendants = new Map<string, number>();
  readonly #tree = new UpdatedTree();
  /** Places whose leaves are not what their entries are. */
  readonly #dirty = new Set<number>();
  /** Places whose leaves are, and whose entries were not told since. */
  readonly #untold = new Set<number>();

  /** Goes on from what was kept, by index. */
  static of(kept: Iterable<ResourceEntry>): TreeEntries {
    const entries = new TreeEntries();
    for (const entry of kept) {
      entries.#begin(keyOf(entry.kind, entry.name), entries.size, entry);
    }
    const idle = entries.#byIndex.filter(({ entry }) => !isLive(entry));
    for (const place of idle.sort((one, other) => one.entry.seq - other.entry.seq)) {
      entries.#idle.add(place);
    }
    entries.root();
    entries.#untold.clear();
    return entries;
  }

  get size(): number {
    return this.#byIndex.length;
  }

  /** All, by index. */
  *[Symbol.iterator](): Generator<ResourceEntry> {
    for (const { entry } of this.#byIndex) {
      yield entry;
    }
  }

  /** Those that live, by their places. */
  live(): Held[] {
    return this.#byIndex.filter(({ entry }) => isLive(entry));
  }

  /** The one of a key, with its place. */
  get(key: string): Held | null {
    return this.#byKey.get(key) ?? null;
  }

  /** The leaves by index. It is asked after `root`. */
  get leaves(): readonly Bytes32[] {
    return this.#tree.leaves;
  }

  /** The root over the entries as they are. */
  root(): Bytes32 {
    for (const index of this.#dirty) {
      this.#hash(index);
      this.#untold.add(index);
    }
    this.#dirty.clear();
    return this.#tree.root();
  }

  /** Those that have changed since this was asked last. */
  changes(): KeptEntry[] {
    const kept: KeptEntry[] = [];
    for (const index of this.#dirty) {
      kept.push({ index, text: this.#hash(index) });
      this.#untold.delete(index);
    }
    this.#dirty.clear();
    for (const index of this.#untold) {
      kept.push({ index, text: entryText(this.#placeAt(index).entry) });
    }
    this.#untold.clear();
    return kept;
  }

  /** Hashes an entry as it is; answers its bytes. */
  #hash(index: number): string {
    const text = entryText(this.#placeAt(index).entry);
    this.#tree.set(index, entryLeaf(text));
    return text;
  }

  #placeAt(index: number): Place {
    return this.#byIndex[index] as Place;
  }

  /** Keeps an entry: instead of the one that is held, or in a place of its own. Null: it has no room. */
  put(held: Held | null, entry: ResourceEntry): Held | null {
    const place = held === null ? undefined : this.#byIndex[held.index];
    if (place !== undefined && place === held) {
      return this.#change(place, entry);
    }
    const index = this.#room(entry);
    if (index === null) {
      return null;
    }
    const begun = this.#begin(keyOf(entry.kind, entry.name), index, entry);
    if (!isLive(entry)) {
      this.#idle.add(begun);
    }
    return begun;
  }

  #change(place: Place, entry: ResourceEntry): Held {
    if (!isLive(place.entry)) {
      this.#idle.delete(place);
    }
    place.entry = entry;
    this.#dirty.add(place.index);
    if (!isLive(entry)) {
      this.#idle.add(place);
    }
    return place;
  }

  #begin(key: string, index: number, entry: ResourceEntry): Place {
    const place: Place = { index, key, entry };
    if (entry.name.length === 2) {
      const [root] = entry.name;
      this.#descendants.set(root, (this.#descendants.get(root) ?? 0) + 1);
    }
    this.#byKey.set(key, place);
    this.#byIndex[index] = place;
    this.#dirty.add(index);
    return place;
  }

  /** The place of a new entry: the next one, or that of one that goes; null: there is none. */
  #room({ name }: ResourceEntry): number | null {
    if (name.length === 2 && (this.#descendants.get(name[0]) ?? 0) >= DESCENDANTS_MAX) {
      return null;
    }
    if (this.size < ENTRIES_MAX) {
      return this.size;
    }
    const oldest = this.#takeOldest();
    if (oldest === null) {
      return null;
    }
    const { index, key, entry } = oldest;
    this.#byKey.delete(key);
    if (entry.name.length === 2) {
      const [root] = entry.name;
      const left = (this.#descendants.get(root) ?? 1) - 1;
      this.#descendants.set(root, left);
      if (left === 0) {
        this.#descendants.delete(root);
      }
    }
    return index;
  }

  #takeOldest(): Place | null {
    this.#oldest ??= this.#idle.values();
    const { done, value } = this.#oldest.next();
    if (done) {
      // What becomes idle later is behind the end of this one.
      this.#oldest = null;
      return null;
    }
    this.#idle.delete(value);
    return value;
  }
}
