/**
 * The one who writes a chain: gives events their places, commits them together, signs, and goes on when the
 * disk does.
 *
 * A commit is all or nothing: when it fails the chain is where it was. What has happened already is kept
 * and tried again; what was to happen only with its record is refused, and must not.
 */

import type { KeyObject } from 'node:crypto';
import { RingfenceError } from '../../errors.ts';
import { Chain } from '../chain.ts';
import { type Draft, draft } from '../event.ts';
import { rootOf } from '../merkle.ts';
import {
  originOf,
  readCheckpoint,
  type Signer,
  signCheckpoint,
  signRotation,
  verifierKey,
} from '../note.ts';
import type { ResourceTree } from '../tree/resource-tree.ts';
import type { AuditEvent } from '../vocabulary.ts';
import { ChainDatabase } from './database.ts';
import { storeError } from './error.ts';
import {
  draftsOfText,
  type PlainError,
  type ThreadSettings,
  type ToThread,
  type Written,
} from './protocol.ts';
import type { Retention } from './retention.ts';

/** How long it waits before it tries a disk again that did not take what it wrote. */
const RETRY_MS = 200;

/** What the writer tells. */
export interface WriterEvents {
  done(id: number, written: Written): void;
  refused(id: number, error: PlainError): void;
  failing(error: PlainError | null): void;
}

export function plainError(error: unknown): PlainError {
  const { code, message } = storeError(error);
  return { code, message };
}

/** Writes a chain. */
export class ChainWriter {
  readonly #database: ChainDatabase;
  readonly #settings: ThreadSettings;
  readonly #events: WriterEvents;
  readonly #now: () => number;
  #chain: Chain;
  /** Null: it is read again from the store, as what was to be written last was not. */
  #resources: ResourceTree | null = null;
  #signer: Signer | null = null;
  #signed = 0;
  #note: string | null = null;
  #waiting: ToThread[] = [];
  #isFailing = false;
  #retry: NodeJS.Timeout | null = null;
  #timer: NodeJS.Timeout | null = null;
  #retaining: NodeJS.Timeout | null = null;

  /** @throws {RingfenceError} `RF_AUDIT`, `RF_AUDIT_INVALID`, `RF_AUDIT_KEY` */
  constructor(settings: ThreadSettings, events: WriterEvents, now: () => number) {
    this.#settings = settings;
    this.#events = events;
    this.#now = now;
    const { directory, chain, maxBytes } = settings;
    this.#database = ChainDatabase.openToWrite(directory, chain, maxBytes);
    try {
      this.#chain = new Chain(this.#database.state());
      this.#checkAnchors();
      this.#begin();
      this.#retainLater(0);
    } catch (error) {
      this.#database.close();
      throw storeError(error);
    }
  }

  get chain(): string {
    return this.#database.chain;
  }

  get size(): number {
    return this.#chain.size;
  }

  get key(): string | null {
    return this.#signer?.verifier.text ?? null;
  }

  /** What was signed and kept outside must be the beginning of what is here. */
  #checkAnchors(): void {
    for (const note of this.#settings.anchored) {
      const checkpoint = readCheckpoint(note);
      if (checkpoint === null || checkpoint.origin !== originOf(this.chain)) {
        throw new RingfenceError(
          'RF_AUDIT_INVALID',
          'Cannot go on with the audit chain: an anchor has a checkpoint of another chain; give each chain its own.',
        );
      }
      const isLonger = checkpoint.size > this.#chain.size;
      if (isLonger || rootOf(this.#database.hashes(checkpoint.size)) !== checkpoint.root) {
        throw new RingfenceError(
          'RF_AUDIT_INVALID',
          `Cannot go on with the audit chain: ${isLonger ? 'its end is not there' : 'it is not the one'} that was anchored over ${checkpoint.size} events; put the right file back, or keep it and begin another.`,
          { size: checkpoint.size },
        );
      }
    }
  }

  #begin(): void {
    const { key, checkpointEvents, software } = this.#settings;
    const isNew = this.#chain.size === 0;
    const last = this.#database.lastNote();
    this.#signed = last?.size ?? 0;
    this.#note = last?.note ?? null;
    this.#signer = key === null ? null : this.#signerOf(key);
    const inForce = isNew ? null : this.#keyInForce();
    if (!isNew && inForce !== this.key) {
      throw new RingfenceError(
        'RF_AUDIT_KEY',
        `Cannot go on with the audit chain: ${inForce === null ? 'it was begun without a key; begin another to sign it' : 'its key is another; give that one, and rotate'}.`,
      );
    }
    const said: AuditEvent = isNew
      ? {
          kind: 'chain.genesis',
          payload: { checkpoint_events: checkpointEvents, key: this.key, software },
        }
      : { kind: 'chain.open', payload: { software, unsigned: this.#chain.size - this.#signed } };
    this.#commit([draft(said, this.#now())], { sign: true });
  }

  /** The key that signs at the end of the chain, from what it says itself. */
  #keyInForce(): string | null {
    let key: string | null = null;
    for (const body of this.#database.keyEvents()) {
      const { payload } = JSON.parse(body) as { payload: { key?: string; new_key?: string } };
      key = payload.new_key ?? payload.key ?? null;
    }
    return key;
  }

  #signerOf(key: KeyObject): Signer {
    return { key, verifier: verifierKey(originOf(this.chain), key) };
  }

  /** Takes what was asked for, in order; all of it becomes one commit where that can be. */
  take(asked: readonly ToThread[]): void {
    this.#waiting.push(...asked);
    if (this.#isFailing && this.#retry !== null) {
      // The disk has just refused: what must not happen without its record is told so at once.
      this.#refuseAhead();
      return;
    }
    this.#work();
  }

  #work(): void {
    while (this.#waiting.length > 0) {
      const writes = this.#waiting.findIndex(({ tag }) => tag !== 'write');
      const batch = this.#waiting.slice(0, writes < 0 ? this.#waiting.length : Math.max(1, writes));
      try {
        this.#do(batch);
      } catch (error) {
        this.#failed(plainError(error));
        return;
      }
      this.#waiting.splice(0, batch.length);
      if (this.#isFailing) {
        this.#isFailing = false;
        this.#events.failing(null);
      }
    }
  }

  /** Several writes, or one of anything else. */
  #do(batch: readonly ToThread[]): void {
    const [first] = batch;
    switch (first?.tag) {
      case 'write': {
        const writes = batch as readonly Extract<ToThread, { tag: 'write' }>[];
        const drafts = writes.map((write) => draftsOfText(write.drafts));
        const ends = this.#commit(
          drafts.flat(),
          {},
          drafts.map(({ length }) => length),
        );
        writes.forEach(({ id }, index) => {
          this.#events.done(id, ends[index] as Written);
        });
        return;
      }
      case 'checkpoint':
        this.#events.done(first.id, this.#commit([], { sign: true })[0] as Written);
        return;
      case 'rotate':
        this.#events.done(first.id, this.#rotate(first.key));
        return;
      case 'prune':
        this.#events.done(first.id, this.#prune(first.before));
        return;
      case 'receipt': {
        const { id, digest, last, envelope } = first;
        const work = (): void => this.#database.addReceipt(digest, last, envelope);
        const [written] = this.#commit(draftsOfText(first.drafts), { work });
        this.#events.done(id, written as Written);
        return;
      }
      case 'close': {
        const [written] = this.#commit([draft({ kind: 'chain.close', payload: {} }, this.#now())], {
          sign: true,
        });
        this.#events.done(first.id, written as Written);
        return;
      }
      case undefined:
    }
  }

  /**
   * Gives events their places and writes them, with checkpoints each so many events. Answers where each
   * group of them ends.
   */
  #commit(
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
        this.#commit([], { sign: true });
      } catch {
        // The next event meets the same disk, and says so.
        this.#signLater();
      }
    }, this.#settings.checkpointMs).unref();
  }

  /** The new key signs from the next event on; all before is signed by the old one. */
  #rotate(key: KeyObject): Written {
    const old = this.#signer;
    if (old === null) {
      throw new RingfenceError(
        'RF_AUDIT_KEY',
        'Cannot rotate the key of the audit chain as it has none: begin another with a key.',
      );
    }
    this.#commit([], { sign: true });
    const next = this.#signerOf(key);
    const payload = {
      new_key: next.verifier.text,
      old_key: old.verifier.text,
      signature: signRotation(this.chain, old, next.verifier),
    };
    this.#signer = next;
    try {
      const rotated = draft({ kind: 'key.rotate', payload }, this.#now());
      return this.#commit([rotated], { sign: true })[0] as Written;
    } catch (error) {
      this.#signer = old;
      throw error;
    }
  }

  /** What events say is removed when the chain itself says so, signed, in the same commit. */
  #prune(before: number): Written {
    if (!Number.isSafeInteger(before) || before < 0 || before > this.#signed) {
      throw new RingfenceError(
        'RF_USAGE',
        `Cannot remove events below ${before}: only the first ${this.#signed} are signed; name fewer.`,
        { before },
      );
    }
    const work = (): void => this.#database.remove(before);
    const said = draft({ kind: 'chain.prune', payload: { before } }, this.#now());
    return this.#commit([said], { sign: true, work })[0] as Written;
  }

  #retainLater(afterMs: number): void {
    const { retention } = this.#settings;
    if (retention !== null) {
      this.#retaining = setTimeout(() => this.#retain(retention), afterMs).unref();
    }
  }

  /** Removes what is to go by the rule, a part at a time: events that come meanwhile do not wait long. */
  #retain(retention: Retention): void {
    let before: number | null = null;
    try {
      before = this.#isFailing
        ? null
        : this.#database.removableBefore(retention, this.#signed, this.#now());
      if (before !== null) {
        this.#prune(before);
      }
    } catch {
      // The next event meets the same disk, and says so; what is to go is tried again.
      before = null;
    }
    this.#retainLater(before === null ? retention.everyMs : 0);
  }

  #failed(error: PlainError): void {
    const [first] = this.#waiting;
    if (error.code !== 'RF_AUDIT' && first !== undefined) {
      // Not the disk's fault: only what was asked for can't be done.
      this.#waiting.shift();
      this.#events.refused(first.id, error);
      this.#work();
      return;
    }
    if (!this.#isFailing) {
      this.#isFailing = true;
      this.#events.failing(error);
    }
    this.#refuseAhead(error);
    this.#retry ??= setTimeout(() => {
      this.#retry = null;
      this.#tryAgain();
    }, RETRY_MS);
  }

  /** Nobody asks while it fails, where all that would be asked must be recorded: so it finds out itself. */
  #tryAgain(): void {
    if (this.#waiting.length > 0) {
      this.#work();
      return;
    }
    try {
      this.#database.probe();
    } catch (error) {
      this.#failed(plainError(error));
      return;
    }
    this.#isFailing = false;
    this.#events.failing(null);
  }

  #refuseAhead(error: PlainError | null = null): void {
    const kept: ToThread[] = [];
    for (const asked of this.#waiting) {
      if (asked.tag === 'write' && !asked.isAhead) {
        kept.push(asked);
      } else {
        this.#events.refused(
          asked.id,
          error ?? {
            code: 'RF_AUDIT',
            message:
              'Cannot write the audit chain as its disk has just refused: make room, then try again.',
          },
        );
      }
    }
    this.#waiting = kept;
  }

  close(): void {
    if (this.#retry !== null) {
      clearTimeout(this.#retry);
    }
    if (this.#timer !== null) {
      clearTimeout(this.#timer);
    }
    if (this.#retaining !== null) {
      clearTimeout(this.#retaining);
    }
    this.#database.close();
  }
}
