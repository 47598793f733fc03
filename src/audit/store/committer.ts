/**
 * Gives events their places in a chain and commits them together, signed as often as the settings say. A commit is
 * all or nothing: when it fails the chain is where it was.
 */

import type { KeyObject } from 'node:crypto';
import { RingfenceError } from '../../errors.ts';
import { Chain } from '../chain.ts';
import { type Draft, draft } from '../event.ts';
import { originOf, type Signer, signCheckpoint, signRotation, verifierKey } from '../note.ts';
import type { ResourceTree } from '../tree/resource-tree.ts';
import type { AuditEvent } from '../vocabulary.ts';
import { requireAnchored, requireKeyInForce } from './continued.ts';
import type { ChainDatabase } from './database.ts';
import type { ThreadSettings, Written } from './protocol.ts';

/** How often a chain is signed, by whom, and what it must go on from. */
export type CommitSettings = Pick<
  ThreadSettings,
  'key' | 'checkpointEvents' | 'checkpointMs' | 'software' | 'anchored'
>;

/** Commits events. */
export class Committer {
  readonly #database: ChainDatabase;
  readonly #settings: CommitSettings;
  readonly #now: () => number;
  #chain: Chain;
  /** Null: it is read again from the store, as what was to be written last was not. */
  #resources: ResourceTree | null = null;
  #signer: Signer | null = null;
  #signed = 0;
  #note: string | null = null;
  #timer: NodeJS.Timeout | null = null;

  /**
   * Begins a chain, or goes on with it, which it says.
   *
   * @throws {RingfenceError} `RF_AUDIT_INVALID`, `RF_AUDIT_KEY`; what SQLite throws
   */
  constructor(database: ChainDatabase, settings: CommitSettings, now: () => number) {
    this.#database = database;
    this.#settings = settings;
    this.#now = now;
    this.#chain = new Chain(database.state());
    requireAnchored(database, this.#chain.size, settings.anchored);
    this.#begin();
  }

  get size(): number {
    return this.#chain.size;
  }

  /** Events that a checkpoint is over. */
  get signed(): number {
    return this.#signed;
  }

  /** The key that signs, as C2SP writes it; null: none does. */
  get key(): string | null {
    return this.#signer?.verifier.text ?? null;
  }

  #begin(): void {
    const { key, checkpointEvents, software } = this.#settings;
    const isNew = this.#chain.size === 0;
    const last = this.#database.lastNote();
    this.#signed = last?.size ?? 0;
    this.#note = last?.note ?? null;
    this.#signer = key === null ? null : this.#signerOf(key);
    if (!isNew) {
      requireKeyInForce(this.#database, this.key);
    }
    const said: AuditEvent = isNew
      ? {
          kind: 'chain.genesis',
          payload: { checkpoint_events: checkpointEvents, key: this.key, software },
        }
      : { kind: 'chain.open', payload: { software, unsigned: this.#chain.size - this.#signed } };
    this.commit([draft(said, this.#now())], { sign: true });
  }

  #signerOf(key: KeyObject): Signer {
    return { key, verifier: verifierKey(originOf(this.#database.chain), key) };
  }

  /**
   * Gives events their places and writes them, with checkpoints each so many events. Answers where each
   * group of them ends. A commit is all or nothing: when it throws, the chain is where it was.
   *
   * @throws what SQLite throws
   */
  commit(
    drafts: readonly Draft[],
    { sign = false, work = () => {} }: { sign?: boolean; work?: () => void } = {},
    groups: readonly number[] = [drafts.length],
  ): Written[] {
    const before = this.#chain.state;
    const { checkpointEvents } = this.#settings;
    const signed = this.#signed;
    const note = this.#note;
    const ends: Omit<Written, 'note'>[] = [];
    this.#resources ??= this.#database.resources();
    const resources = this.#resources;
    try {
      this.#database.write(() => {
        let at = 0;
        for (const length of groups) {
          const first = this.#chain.size;
          for (let end = at + length; at < end; ) {
            const room = checkpointEvents - (this.#chain.size - this.#signed);
            const part = drafts.slice(at, Math.min(end, at + Math.max(1, room)));
            const entries = this.#chain.append(part);
            this.#database.insert(entries);
            for (const entry of entries) {
              resources.apply(entry);
            }
            at += part.length;
            if (this.#chain.size - this.#signed >= checkpointEvents) {
              this.#sign(resources);
            }
          }
          ends.push({ first, last: this.#chain.size - 1, hash: this.#chain.state.previous });
        }
        if (sign && this.#chain.size > this.#signed) {
          this.#sign(resources);
        }
        work();
      });
    } catch (error) {
      this.#chain = new Chain(before);
      this.#resources = null;
      this.#signed = signed;
      this.#note = note;
      throw error;
    }
    this.#signLater();
    return ends.map((end) => ({ ...end, note: this.#note }));
  }

  #sign(resources: ResourceTree): void {
    const { state } = this.#chain;
    // Entries that have changed are written once, to be kept and to be hashed.
    const changes = resources.changes();
    const root = resources.root();
    const note =
      this.#signer === null
        ? null
        : signCheckpoint(this.#signer.verifier.name, state.size, this.#chain.root(), this.#signer, {
            size: resources.size,
            root,
          });
    this.#database.addCheckpoint(note, state);
    this.#database.saveResources(changes, state.size);
    this.#signed = state.size;
    this.#note = note ?? this.#note;
  }

  /** What is not signed yet is within the time that the settings give. */
  #signLater(): void {
    if (this.#timer !== null || this.#chain.size === this.#signed) {
      return;
    }
    this.#timer = setTimeout(() => {
      this.#timer = null;
      try {
        this.commit([], { sign: true });
      } catch {
        // The next event meets the same disk, and says so.
        this.#signLater();
      }
    }, this.#settings.checkpointMs).unref();
  }

  /**
   * The new key signs from the next event on; all before is signed by the old one.
   *
   * @throws {RingfenceError} `RF_AUDIT_KEY` where the chain has none; what SQLite throws
   */
  rotate(key: KeyObject): Written {
    const old = this.#signer;
    if (old === null) {
      throw new RingfenceError(
        'RF_AUDIT_KEY',
        'Cannot rotate the key of the audit chain as it has none: begin another with a key.',
      );
    }
    this.commit([], { sign: true });
    const next = this.#signerOf(key);
    const payload = {
      new_key: next.verifier.text,
      old_key: old.verifier.text,
      signature: signRotation(this.#database.chain, old, next.verifier),
    };
    this.#signer = next;
    try {
      const rotated = draft({ kind: 'key.rotate', payload }, this.#now());
      return this.commit([rotated], { sign: true })[0] as Written;
    } catch (error) {
      this.#signer = old;
      throw error;
    }
  }

  /**
   * What events say is removed when the chain itself says so, signed, in the same commit.
   *
   * @throws {RingfenceError} `RF_USAGE` for events that are not signed; what SQLite throws
   */
  prune(before: number): Written {
    if (!Number.isSafeInteger(before) || before < 0 || before > this.#signed) {
      throw new RingfenceError(
        'RF_USAGE',
        `Cannot remove events below ${before}: only the first ${this.#signed} are signed; name fewer.`,
        { before },
      );
    }
    const work = (): void => this.#database.remove(before);
    const said = draft({ kind: 'chain.prune', payload: { before } }, this.#now());
    return this.commit([said], { sign: true, work })[0] as Written;
  }

  /** Signs nothing more by itself. */
  close(): void {
    if (this.#timer !== null) {
      clearTimeout(this.#timer);
    }
  }
}
