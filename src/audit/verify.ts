/**
 * Verification of a chain as it is read, line by line: the first thing that is wrong, where, and why.
 *
 * It believes nobody but the keys and anchors that it is given; what is in memory does not grow with the
 * chain.
 */

import { RingfenceError } from '../errors.ts';
import { canonical } from './canonical.ts';
import {
  FORMAT,
  hashOf,
  NO_HASH,
  placeOf,
  type StoredEvent,
  splitLine,
  timeInPlace,
} from './event.ts';
import { Frontier, toHex } from './merkle.ts';
import {
  type Checkpoint,
  isRotation,
  originOf,
  readCheckpoint,
  readVerifierKey,
  type VerifierKey,
} from './note.ts';

/** What can be wrong. */
export type BadReason =
  /** A line is not what was written: its hash, its form or its time is wrong. */
  | 'altered'
  /** An event is not there. */
  | 'missing'
  /** An event stands in another's place. */
  | 'reordered'
  /** An event is there twice. */
  | 'duplicated'
  /** Events of another history: they do not follow on those before, or on what was signed or anchored. */
  | 'forked'
  /** The chain ends before what was signed or anchored. */
  | 'truncated'
  /** A signature is not that of the key that it must be. */
  | 'wrong_key'
  /** More events are without a signature than the chain's own rule allows. */
  | 'unsigned';

/** The first thing that is wrong. */
export interface BadPlace {
  readonly reason: BadReason;
  /** The event's sequence number: the first one that can't be believed. */
  readonly seq: number;
  /** The last event that may be meant, where a checkpoint or an anchor says only that one of several is. */
  readonly lastSeq: number;
  /** The line, from 1; 0 where it is the end. */
  readonly line: number;
  readonly message: string;
}

/** What came of it. */
export interface Verdict {
  readonly valid: boolean;
  readonly problem: BadPlace | null;
  /** The chain's name; null where there is not even a first event. */
  readonly chain: string | null;
  /** Events that were verified, those of which only the hash is kept included. */
  readonly events: number;
  /** Of these, events of which only the hash is kept. */
  readonly pruned: number;
  readonly checkpoints: number;
  /** Events that the last good checkpoint covers. */
  readonly signed: number;
  /** The key in force at the end, as C2SP writes it; null: the chain is not signed. */
  readonly key: string | null;
  /** Whether that key comes from one that was given. */
  readonly trusted: boolean;
  /** Anchors that were met. */
  readonly anchors: number;
  /** The hash of the last event. */
  readonly head: string;
  /** The root of the tree over all events, in hexadecimal. */
  readonly root: string;
}

/** How to verify. */
export interface VerifyOptions {
  /** Public keys, one of which must be the chain's first: `NAME+ID+BASE64`, as `audit key` prints. */
  readonly keys?: readonly string[];
  /** Checkpoints that were kept outside of the store. */
  readonly anchors?: readonly string[];
  /**
   * Whether each event is also parsed and written again: shows that its bytes are the canonical ones.
   *
   * @default true where no key is given: nobody vouches then for who has written them
   */
  readonly strict?: boolean;
}

const NAMES = 'agent_id,chain,kind,module,payload,pid,prev,seq,source,time_ms,v';

/** Events without signature that the chain's own rule allows: as many intervals. */
const UNSIGNED_INTERVALS = 2;

/** Kinds that say something of the chain itself, as they follow on the chain's name in a body. */
const OF_THE_CHAIN = ['chain.prune"', 'key.rotate"'];

/** Reads a chain's lines, and says what is wrong first. */
export class ChainVerifier {
  readonly #strict: boolean;
  readonly #trustedKeys: readonly VerifierKey[];
  readonly #anchors: readonly Checkpoint[];
  #tree = new Frontier();
  #chain: string | null = null;
  #chainField = '';
  #previous = NO_HASH;
  #timeMs = 0;
  #line = 0;
  #key: VerifierKey | null = null;
  #trusted = false;
  #checkpointEvents = 0;
  #checkpoints = 0;
  #signed = 0;
  #pruned = 0;
  #prunedTo = 0;
  #prunable = 0;
  #anchorsMet = 0;
  #problem: BadPlace | null = null;

  /** @throws {RingfenceError} `RF_AUDIT_KEY`, `RF_USAGE` for an anchor that is no checkpoint */
  constructor(options: VerifyOptions = {}) {
    this.#trustedKeys = (options.keys ?? []).map(readVerifierKey);
    this.#strict = options.strict ?? this.#trustedKeys.length === 0;
    this.#anchors = (options.anchors ?? [])
      .map((note) => {
        const checkpoint = readCheckpoint(note);
        if (checkpoint === null) {
          throw new RingfenceError(
            'RF_USAGE',
            'Cannot verify against the anchor as it is no checkpoint: give the note as it was written.',
          );
        }
        return checkpoint;
      })
      .sort((one, other) => one.size - other.size);
  }

  get events(): number {
    return this.#tree.size;
  }

  /** Reads one line, without its newline. Null: it is good so far. */
  read(line: string): BadPlace | null {
    if (this.#problem !== null) {
      return this.#problem;
    }
    this.#line += 1;
    if (line.startsWith('{"event":')) {
      return this.#readEvent(line);
    }
    if (line.startsWith('{"checkpoint":')) {
      return this.#readCheckpoint(line);
    }
    if (line.startsWith('{"pruned":')) {
      return this.#readPruned(line);
    }
    return this.#bad('altered', 'the line is none of the format');
  }

  /** A line can't be read at all: too long, no UTF-8, not ended. */
  unreadable(why: string): BadPlace {
    this.#line += 1;
    return this.#bad('altered', why);
  }

  /** The chain ends here: what is wrong with it, if anything, and what is known of it. */
  end(): Verdict {
    if (this.#problem === null) {
      this.#checkEnd();
    }
    return {
      valid: this.#problem === null,
      problem: this.#problem,
      chain: this.#chain,
      events: this.#tree.size,
      pruned: this.#pruned,
      checkpoints: this.#checkpoints,
      signed: this.#signed,
      key: this.#key?.text ?? null,
      trusted: this.#trusted,
      anchors: this.#anchorsMet,
      head: this.#previous,
      root: toHex(this.#tree.root()),
    };
  }

  #bad(
    reason: BadReason,
    what: string,
    at: { seq?: number; lastSeq?: number; line?: number } = {},
  ): BadPlace {
    const { seq = this.#tree.size, line = this.#line } = at;
    const lastSeq = at.lastSeq ?? seq;
    const where = lastSeq === seq ? `Event ${seq}` : `One of the events ${seq} to ${lastSeq}`;
    const place = line === 0 ? 'at the end' : `line ${line}`;
    this.#problem = {
      reason,
      seq,
      lastSeq,
      line,
      message: `${where} is ${reason.replace('_', ' ')} (${place}): ${what}.`,
    };
    return this.#problem;
  }

  #readEvent(line: string): BadPlace | null {
    const parts = splitLine(line);
    if (parts === null) {
      return this.#bad('altered', 'the line is not an event in canonical form');
    }
    const { body, hash } = parts;
    if (hashOf(body) !== hash) {
      return this.#bad('altered', 'its hash is not that of its bytes');
    }
    const timeMs = timeInPlace(body, this.#previous, this.#tree.size);
    if (timeMs < 0) {
      return this.#outOfPlace(body, hash);
    }
    if (timeMs < this.#timeMs) {
      return this.#bad('altered', 'its time is before that of the event before');
    }
    const chainAt = body.indexOf(this.#chainField);
    if (chainAt < 0) {
      return this.#bad('forked', 'it is an event of another chain');
    }
    const kindAt = chainAt + this.#chainField.length;
    const isLookedInto =
      this.#strict ||
      this.#chain === null ||
      OF_THE_CHAIN.some((kind) => body.startsWith(kind, kindAt));
    if (isLookedInto && this.#lookInto(body) !== null) {
      return this.#problem;
    }
    this.#timeMs = timeMs;
    this.#grow(hash);
    return this.#meetAnchors();
  }

  /** Why an event that is itself as it was written can't stand here. */
  #outOfPlace(body: string, hash: string): BadPlace {
    const seq = this.#tree.size;
    const place = placeOf(body);
    if (place === null) {
      return this.#bad('altered', 'it does not end as an event does');
    }
    if (place.seq > seq) {
      return this.#bad('missing', `event ${place.seq} stands in its place`);
    }
    if (place.seq === seq) {
      return this.#bad('forked', 'it does not follow on the event before, as that is read here');
    }
    return place.seq === seq - 1 && hash !== this.#previous
      ? this.#bad('forked', 'two different events claim its place', { seq: place.seq })
      : this.#bad('duplicated', 'it stands here again', { seq: place.seq });
  }

  #grow(hash: string): void {
    this.#tree.pushHex(hash);
    this.#previous = hash;
  }

  /** Parses an event: what must be in its form, and what says something of the chain. */
  #lookInto(body: string): BadPlace | null {
    let event: StoredEvent;
    try {
      event = JSON.parse(body) as StoredEvent;
      if (canonical(event) !== body || Object.keys(event).join() !== NAMES) {
        return this.#bad('altered', 'its bytes are not canonical JSON of an event');
      }
    } catch {
      return this.#bad('altered', 'it is not JSON');
    }
    if (this.#chain === null && this.#tree.size === 0) {
      return this.#begin(event);
    }
    if (event.chain !== this.#chain) {
      return this.#bad('forked', 'it is an event of another chain');
    }
    if (event.kind === 'key.rotate') {
      return this.#rotate(event);
    }
    if (event.kind === 'chain.prune') {
      this.#prunable = Math.max(this.#prunable, Number(event.payload.before));
    }
    return null;
  }

  #begin({ kind, chain, payload, v }: StoredEvent): BadPlace | null {
    if (kind !== 'chain.genesis' || v !== FORMAT || !/^[0-9a-f]{32}$/.test(chain)) {
      return this.#bad('missing', 'a chain begins with chain.genesis, and this is another event');
    }
    this.#chain = chain;
    this.#chainField = `,"chain":"${chain}","kind":"`;
    this.#checkpointEvents = Number(payload.checkpoint_events);
    if (typeof payload.key === 'string') {
      try {
        this.#key = readVerifierKey(payload.key);
      } catch {
        return this.#bad('altered', 'the key that it names is none');
      }
    }
    this.#trusted = this.#trustedKeys.some(({ text }) => text === this.#key?.text);
    return this.#trustedKeys.length > 0 && !this.#trusted
      ? this.#bad('wrong_key', 'the chain is of another key than those that were given')
      : null;
  }

  #rotate({ chain, payload }: StoredEvent): BadPlace | null {
    try {
      const next = readVerifierKey(String(payload.new_key));
      if (
        this.#key !== null &&
        payload.old_key === this.#key.text &&
        isRotation(chain, this.#key, next, String(payload.signature))
      ) {
        this.#key = next;
        return null;
      }
    } catch {
      // A key that can't be read is as wrong as one that did not sign.
    }
    return this.#bad('wrong_key', 'the key in force has not signed the new one');
  }

  #readCheckpoint(line: string): BadPlace | null {
    const seq = Math.max(0, this.#tree.size - 1);
    let note: unknown;
    try {
      note = (JSON.parse(line) as { checkpoint: unknown }).checkpoint;
    } catch {
      note = null;
    }
    const checkpoint = typeof note === 'string' ? readCheckpoint(note) : null;
    if (checkpoint === null || line !== `{"checkpoint":${JSON.stringify(note)}}`) {
      return this.#bad('altered', 'the checkpoint after it is not in the format', { seq });
    }
    if (this.#chain === null || checkpoint.origin !== originOf(this.#chain)) {
      return this.#bad('forked', 'the checkpoint after it is of another chain', { seq });
    }
    if (this.#key === null || !checkpoint.signedBy(this.#key)) {
      return this.#bad('wrong_key', 'the checkpoint after it is not signed by the key in force', {
        seq,
      });
    }
    if (checkpoint.size !== this.#tree.size) {
      return checkpoint.size > this.#tree.size
        ? this.#bad('missing', `the checkpoint that follows is over ${checkpoint.size} events`)
        : this.#bad('reordered', 'a checkpoint that belongs before it follows', { seq });
    }
    if (checkpoint.root !== this.#tree.root()) {
      return this.#bad('forked', 'the checkpoint after them was signed over other events', {
        seq: this.#signed,
        lastSeq: seq,
      });
    }
    this.#signed = checkpoint.size;
    this.#checkpoints += 1;
    return null;
  }

  #readPruned(line: string): BadPlace | null {
    const parts = /^\{"pruned":\{"first":(\d{1,16}),"hashes":"([A-Za-z0-9+/]+={0,2})"\}\}$/.exec(
      line,
    );
    const hashes = Buffer.from(parts?.[2] ?? '', 'base64');
    const first = Number(parts?.[1]);
    if (parts === null || hashes.length % 32 !== 0 || hashes.length === 0) {
      return this.#bad('altered', 'the line of hashes that stands for it is not in the format');
    }
    if (first !== this.#tree.size) {
      return first < this.#tree.size
        ? this.#bad('duplicated', 'a line of hashes stands for it once more', { seq: first })
        : this.#bad('missing', `a line of hashes from event ${first} stands in its place`);
    }
    for (let at = 0; at < hashes.length; at += 32) {
      this.#grow(hashes.toString('hex', at, at + 32));
      this.#pruned += 1;
      if (this.#meetAnchors() !== null) {
        return this.#problem;
      }
    }
    this.#prunedTo = this.#tree.size;
    return null;
  }

  #meetAnchors(): BadPlace | null {
    for (;;) {
      const anchor = this.#anchors[this.#anchorsMet];
      if (anchor === undefined || anchor.size !== this.#tree.size) {
        return null;
      }
      const before = this.#anchors[this.#anchorsMet - 1]?.size ?? 0;
      if (anchor.root !== this.#tree.root()) {
        return this.#bad('forked', 'an anchor was signed over other events', {
          seq: Math.min(before, anchor.size - 1),
          lastSeq: anchor.size - 1,
        });
      }
      this.#anchorsMet += 1;
    }
  }

  #checkEnd(): void {
    const size = this.#tree.size;
    const anchor = this.#anchors[this.#anchorsMet];
    const unsigned = size - this.#signed;
    if (this.#chain === null) {
      this.#bad('missing', 'there is no event at all', { line: 0 });
    } else if (anchor !== undefined) {
      this.#bad('truncated', `the chain ends before it, an anchor was over ${anchor.size} events`, {
        seq: size,
        lastSeq: anchor.size - 1,
        line: 0,
      });
    } else if (this.#prunedTo > this.#prunable) {
      this.#bad('missing', 'only its hash is here, and no event of the chain says it was removed', {
        seq: this.#prunable,
        lastSeq: this.#prunedTo - 1,
        line: 0,
      });
    } else if (
      this.#key !== null &&
      unsigned > UNSIGNED_INTERVALS * Math.max(1, this.#checkpointEvents)
    ) {
      this.#bad('unsigned', `a checkpoint is due each ${this.#checkpointEvents} events`, {
        seq: this.#signed,
        lastSeq: size - 1,
        line: 0,
      });
    }
  }
}
