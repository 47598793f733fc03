/**
 * Verification of a chain as it is read, line by line: the first thing that is wrong, where, and why.
 *
 * It believes nobody but the keys and anchors that it is given; what is in memory does not grow with the
 * chain.
 */

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
import { isRotation, originOf, readCheckpoint, readVerifierKey, type VerifierKey } from './note.ts';
import { CHECKPOINT_EVENTS_MAX } from './options.ts';
import type { BadPlace, BadReason, Verdict, VerifyOptions } from './verdict.ts';
import { Anchors } from './verify-anchors.ts';

const NAMES = 'agent_id,chain,kind,module,payload,pid,prev,seq,source,time_ms,v';

/** Events without signature that the chain's own rule allows: as many intervals. */
const UNSIGNED_INTERVALS = 2;

/** Kinds that say something of the chain itself, as they follow on the chain's name in a body. */
const OF_THE_CHAIN = ['chain.prune"', 'key.rotate"'];

/** Reads a chain's lines, and says what is wrong first. */
export class ChainVerifier {
  readonly #strict: boolean;
  readonly #trustedKeys: readonly VerifierKey[];
  readonly #anchors: Anchors;
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
  /** Below which events were removed, as the chain says where it is signed; and as it says at all. */
  #prunable = 0;
  #claimed = 0;
  #problem: BadPlace | null = null;

  /** @throws {RingfenceError} `RF_AUDIT_KEY`, `RF_USAGE` for an anchor that is no checkpoint */
  constructor(options: VerifyOptions = {}) {
    this.#trustedKeys = (options.keys ?? []).map(readVerifierKey);
    this.#strict = options.strict ?? this.#trustedKeys.length === 0;
    this.#anchors = new Anchors(options.anchors ?? []);
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
      anchors: this.#anchors.met,
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
      const { before } = event.payload;
      if (!Number.isSafeInteger(before)) {
        return this.#bad('altered', 'it does not say which events were removed');
      }
      this.#claimed = Math.max(this.#claimed, Number(before));
      if (this.#key === null) {
        this.#prunable = this.#claimed;
      }
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
    if (!(this.#checkpointEvents >= 1 && this.#checkpointEvents <= CHECKPOINT_EVENTS_MAX)) {
      return this.#bad('altered', 'it does not say how often the chain is signed');
    }
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
    this.#prunable = this.#claimed;
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
    const size = this.#tree.size;
    if (this.#chain === null || !this.#anchors.isDue(size)) {
      return null;
    }
    const problem = this.#anchors.meet(size, this.#tree.root(), this.#chain, this.#key);
    return problem === null ? null : this.#bad(problem.reason, problem.what, problem);
  }

  #checkEnd(): void {
    const size = this.#tree.size;
    const unsigned = size - this.#signed;
    const anchor = this.#chain === null ? null : this.#anchors.end(size, this.#chain);
    if (this.#chain === null) {
      this.#bad('missing', 'there is no event at all', { line: 0 });
    } else if (anchor !== null) {
      this.#bad(anchor.reason, anchor.what, { ...anchor, line: 0 });
    } else if (this.#prunedTo > this.#prunable) {
      this.#bad(
        'missing',
        'only its hash is here, and no event that is signed says it was removed',
        {
          seq: this.#prunable,
          lastSeq: this.#prunedTo - 1,
          line: 0,
        },
      );
    } else if (this.#key !== null && this.#signed === 0) {
      this.#bad('unsigned', 'the first event is signed when it is written, and this one is not', {
        seq: 0,
        lastSeq: size - 1,
        line: 0,
      });
    } else if (this.#key !== null && unsigned > UNSIGNED_INTERVALS * this.#checkpointEvents) {
      this.#bad('unsigned', `a checkpoint is due each ${this.#checkpointEvents} events`, {
        seq: this.#signed,
        lastSeq: size - 1,
        line: 0,
      });
    }
  }
}
