/** The entries of a resource tree: each at its place, within their bounds, with the tree of hashes over them. */

import type { Bytes32 } from '../merkle.ts';
import {
  type EntryKind,
  entryLeaf,
  entryText,
  isLive,
  keyOf,
  type ResourceEntry,
} from './entry.ts';
import { UpdatedTree } from './updated-tree.ts';

/** Entries of a tree: the one that has not changed for longest, and does not live, goes first. */
export const ENTRIES_MAX = 100_000;

/**
 * Names of agents that agents have spawned, under one that the program has. A rule of the format
 * (docs/audit-format.md), so it stands here; a test has it agree with the scores.
 */
export const DESCENDANTS_MAX = 16;

/** An entry that is kept, with its place. */
export interface KeptEntry {
  readonly index: number;
  readonly text: string;
}

/** An entry, and its place. */
export interface Held {
  readonly index: number;
  readonly entry: ResourceEntry;
}

/** Entries by their keys (`keyOf`). */
export class TreeEntries {
  readonly #held = new Map<string, Held>();
  readonly #keys: string[] = [];
  /** Keys of entries that may go, those that have not changed for longest first. */
  readonly #idle = new Set<string>();
  readonly #live = new Set<string>();
  /** How many names each of the program's agents has under it. */
  readonly #descendants = new Map<string, number>();
  readonly #tree = new UpdatedTree();
  /** Keys whose leaves are not what their entries are. */
  readonly #dirty = new Set<string>();
  /** Keys of entries that were not asked for since. */
  readonly #changed = new Set<string>();

  /** Goes on from what was kept, by index. */
  static of(kept: Iterable<ResourceEntry>): TreeEntries {
    const entries = new TreeEntries();
    const held: Held[] = [];
    for (const entry of kept) {
      held.push({ index: held.length, entry });
    }
    for (const { index, entry } of held) {
      entries.#place(keyOf(entry.kind, entry.name), index, entry);
    }
    entries.#idle.clear();
    held.sort((one, other) => one.entry.seq - other.entry.seq || one.index - other.index);
    for (const { entry } of held) {
      if (!isLive(entry)) {
        entries.#idle.add(keyOf(entry.kind, entry.name));
      }
    }
    entries.#changed.clear();
    return entries;
  }

  get size(): number {
    return this.#keys.length;
  }

  /** All, by index. */
  *[Symbol.iterator](): Generator<ResourceEntry> {
    for (const key of this.#keys) {
      yield (this.#held.get(key) as Held).entry;
    }
  }

  /** Those that live, by their places. */
  live(): Held[] {
    const live = Array.from(this.#live, (key) => this.#held.get(key) as Held);
    return live.sort((one, other) => one.index - other.index);
  }

  /** The one of a key. */
  get(key: string): ResourceEntry | undefined {
    return this.#held.get(key)?.entry;
  }

  /** An entry with its place; null: there is none of the name. */
  find(kind: EntryKind, name: readonly string[]): Held | null {
    return this.#held.get(keyOf(kind, name)) ?? null;
  }

  /** The leaves by index. It is asked after `root`. */
  get leaves(): readonly Bytes32[] {
    return this.#tree.leaves;
  }

  /** The root over the entries as they are. */
  root(): Bytes32 {
    for (const key of this.#dirty) {
      const { index, entry } = this.#held.get(key) as Held;
      this.#tree.set(index, entryLeaf(entryText(entry)));
    }
    this.#dirty.clear();
    return this.#tree.root();
  }

  /** Those that have changed since this was asked last. */
  changes(): KeptEntry[] {
    const entries = Array.from(this.#changed, (key) => {
      const { index, entry } = this.#held.get(key) as Held;
      return { index, text: entryText(entry) };
    });
    this.#changed.clear();
    return entries;
  }

  /** Keeps an entry; false: it has no room. */
  put(key: string, entry: ResourceEntry): boolean {
    const index = this.#held.get(key)?.index ?? this.#room(entry);
    if (index === null) {
      return false;
    }
    this.#place(key, index, entry);
    return true;
  }

  #place(key: string, index: number, entry: ResourceEntry): void {
    if (!this.#held.has(key) && entry.name.length === 2) {
      const [root] = entry.name;
      this.#descendants.set(root, (this.#descendants.get(root) ?? 0) + 1);
    }
    this.#held.set(key, { index, entry });
    this.#keys[index] = key;
    this.#dirty.add(key);
    this.#changed.add(key);
    this.#idle.delete(key);
    this.#live.delete(key);
    (isLive(entry) ? this.#live : this.#idle).add(key);
  }

  /** The place of a new entry: the next one, or that of one that goes; null: there is none. */
  #room({ name }: ResourceEntry): number | null {
    if (name.length === 2 && (this.#descendants.get(name[0]) ?? 0) >= DESCENDANTS_MAX) {
      return null;
    }
    if (this.#keys.length < ENTRIES_MAX) {
      return this.#keys.length;
    }
    const [oldest] = this.#idle;
    if (oldest === undefined) {
      return null;
    }
    const { index, entry } = this.#held.get(oldest) as Held;
    this.#held.delete(oldest);
    this.#idle.delete(oldest);
    this.#dirty.delete(oldest);
    this.#changed.delete(oldest);
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
}
