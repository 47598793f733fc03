/** Small values that agents of one owner keep between them, in the host's memory, within bounds. */

import { ToolError } from '../outcome.ts';

/** Owners that have something. */
export const KV_OWNERS_MAX = 1_000;
/** Keys of one owner. */
export const KV_KEYS_MAX = 1_000;
/** Characters of a key. */
export const KV_KEY_CHARACTERS_MAX = 256;
/** Characters of all keys and values of one owner. */
export const KV_CHARACTERS_MAX = 1024 * 1024;

interface Owned {
  readonly values: Map<string, string>;
  characters: number;
}

/** The values of all owners. Each is JSON. */
export class KvStore {
  readonly #owners = new Map<string, Owned>();

  get(owner: string, key: string): string | null {
    return this.#owners.get(owner)?.values.get(key) ?? null;
  }

  /** @throws {ToolError} `limit-exceeded` */
  set(owner: string, key: string, json: string): void {
    const owned = this.#owners.get(owner) ?? { values: new Map<string, string>(), characters: 0 };
    const before = owned.values.get(key);
    const freed = before === undefined ? 0 : key.length + before.length;
    const characters = owned.characters - freed + key.length + json.length;
    if (
      characters > KV_CHARACTERS_MAX ||
      (before === undefined && owned.values.size >= KV_KEYS_MAX) ||
      (owned.values.size === 0 && this.#owners.size >= KV_OWNERS_MAX)
    ) {
      throw new ToolError('limit-exceeded', 'the store is full: delete what is no longer needed');
    }
    owned.values.set(key, json);
    owned.characters = characters;
    this.#owners.set(owner, owned);
  }

  /** False: there was none. */
  delete(owner: string, key: string): boolean {
    const owned = this.#owners.get(owner);
    const value = owned?.values.get(key);
    if (owned === undefined || value === undefined) {
      return false;
    }
    owned.values.delete(key);
    owned.characters -= key.length + value.length;
    if (owned.values.size === 0) {
      this.#owners.delete(owner);
    }
    return true;
  }

  /** The keys that begin with a prefix, in order. */
  keys(owner: string, prefix: string): string[] {
    return [...(this.#owners.get(owner)?.values.keys() ?? [])]
      .filter((key) => key.startsWith(prefix))
      .sort();
  }

  /** An owner is gone, and will not come back. */
  forget(owner: string): void {
    this.#owners.delete(owner);
  }
}
