/**
 * Verification of a chain as it is read, line by line: the first thing that is wrong, where, and why.
 *
 * It believes nobody but the keys and anchors that it is given; what is in memory does not grow with the
 * chain.
 */

import { standsAt } from './canonical-bytes.ts';
import { FORMAT, placeOf, type StoredEvent } from './event.ts';
import { bodyEnd, bodyStart, chainOf, NextEvent } from './event-bytes.ts';
import { Frontier, toHex } from './merkle.ts';
import { type Checkpoint, originOf, readCheckpoint, type TreeHead } from './note.ts';
import { CHECKPOINT_EVENTS_MAX } from './options.ts';
import { ResourceTree } from './tree/resource-tree.ts';
import type { BadPlace, BadReason, Verdict, VerifyOptions } from './verdict.ts';
import { Anchors } from './verify-anchors.ts';
import { KeyInForce, type KeyProblem } from './verify-key.ts';
import { RemovedEvents, readRemovedLine } from './verify-removed.ts';

/** Events without signature that the chain's own rule allows: as many intervals. */
const UNSIGNED_INTERVALS = 2;

/** Kinds that say something of the chain itself. */
const PRUNE = Buffer.from('"chain.prune"');
const ROTATE = Buffer.from('"key.rotate"');

const NO_GENESIS = 'a chain begins with chain.genesis, and this is another event';

const QUOTE = 0x22;

const EVENT = Buffer.from('{"event":');
const CHECKPOINT = Buffer.from('{"checkpoint":');
const PRUNED = Buffer.from('{"pruned":');

/** Reads a chain's lines where they lie in bytes, and says what is wrong first. */
export class ChainVerifier {
  readonly #strict: boolean;
  readonly #key: KeyInForce;
  readonly #anchors: Anchors;
  #tree = new Frontier();
  /** Null: it can't be told, as not all events are parsed or there. */
  #resources: ResourceTree | null;
  #head: TreeHead | null = null;
  #chain: string | null = null;
  readonly #next = new NextEvent(null);
  #timeMs = 0;
  #line = 0;
  #checkpointEvents = 0;
  #checkpoints = 0;
  #signed = 0;
  readonly #removed = new RemovedEvents();
  #problem: BadPlace | null = null;

  /** @throws {RingfenceError} `RF_AUDIT_KEY`, `RF_USAGE` for an anchor that is no checkpoint */
  constructor(options: VerifyOptions = {}) {
    const { keys = [] } = options;
    this.#key = new KeyInForce(keys);
    this.#strict = options.strict ?? keys.length === 0;
    this.#resources = this.#strict ? new ResourceTree() : null;
    this.#anchors = new Anchors(options.anchors ?? []);
  }

  get events(): number {
    return this.#tree.size;
  }

  /** Reads one line, without its newline, of valid UTF-8. Null: it is good so far. */
  read(bytes: Buffer, start: number, end: number): BadPlace | null {
    if (this.#problem !== null) {
      return this.#problem;
    }
    this.#line += 1;
    if (standsAt(bytes, start, EVENT)) {
      return this.#readEvent(bytes, start, end);
    }
    if (standsAt(bytes, start, CHECKPOINT)) {
      return this.#readCheckpoint(bytes.toString('utf8', start, end));
    }
    if (standsAt(bytes, start, PRUNED)) {
      return this.#readPruned(bytes.toString('utf8', start, end));
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
      pruned: this.#removed.count,
      begins: this.#removed.end,
      checkpoints: this.#checkpoints,
      signed: this.#signed,
      key: this.#key.key?.text ?? null,
      trusted: this.#key.isTrusted,
      anchors: this.#anchors.met,
      head: this.#next.previous,
      root: toHex(this.#tree.root()),
      resources:
        this.#head === null
          ? null
          : {
              entries: this.#head.size,
              root: toHex(this.#head.root),
              compared: this.#resources !== null,
            },
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

  #readEvent(bytes: Buffer, lineStart: number, lineEnd: number): BadPlace | null {
    const start = bodyStart(lineStart);
    const end = bodyEnd(bytes, lineStart, lineEnd);
    if (end < 0) {
      return this.#bad('altered', 'the line is not an event in canonical form');
    }
    const hash = this.#next.read(bytes, start, end);
    if (hash === null) {
      return this.#bad('altered', 'its hash is not that of its bytes');
    }
    const timeMs = this.#next.timeMs(end);
    if (timeMs < 0) {
      return this.#outOfPlace(bytes.toString('utf8', start, end), hash);
    }
    if (timeMs < this.#timeMs) {
      return this.#bad('altered', 'its time is before that of the event before');
    }
    if (this.#lookInto(bytes, start, end) !== null) {
      return this.#problem;
    }
    this.#timeMs = timeMs;
    this.#follow(bytes, start, end, hash);
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
    return place.seq === seq - 1 && hash !== this.#next.previous
      ? this.#bad('forked', 'two different events claim its place', { seq: place.seq })
      : this.#bad('duplicated', 'it stands here again', { seq: place.seq });
  }

  /** What the event says of the resource tree, where that is compared. */
  #follow(bytes: Buffer, start: number, end: number, hash: string): void {
    if (this.#resources === null) {
      return;
    }
    const kindAt = this.#next.kindAt(start) + 1;
    const kind = bytes.toString('latin1', kindAt, bytes.indexOf(QUOTE, kindAt));
    if (this.#resources.reads(kind)) {
      const body = bytes.toString('utf8', start, end);
      this.#resources.apply({ seq: this.#tree.size, hash, body });
    }
  }

  #grow(hash: string): void {
    this.#tree.pushHex(hash);
    this.#next.follow(hash);
  }

  /** Whose chain the event is of; what says something of the chain itself is parsed. */
  #lookInto(bytes: Buffer, start: number, end: number): BadPlace | null {
    const isFirst = this.#chain === null && this.#tree.size === 0;
    if (isFirst) {
      const chain = chainOf(bytes, start);
      if (chain === null) {
        return this.#bad('missing', NO_GENESIS);
      }
      this.#next.nameChain(chain);
    }
    const kindAt = this.#next.kindAt(start);
    if (kindAt < 0) {
      return this.#bad('forked', 'it is an event of another chain');
    }
    const isOfTheChain =
      isFirst || standsAt(bytes, kindAt, PRUNE) || standsAt(bytes, kindAt, ROTATE);
    if ((this.#strict || isOfTheChain) && !this.#next.isCanonical(kindAt)) {
      return this.#bad('altered', 'its bytes are not canonical JSON of an event');
    }
    if (!isOfTheChain) {
      return null;
    }
    const event = JSON.parse(bytes.toString('utf8', start, end)) as StoredEvent;
    if (typeof event.payload !== 'object' || event.payload === null) {
      return this.#bad('altered', 'its payload is no object');
    }
    if (isFirst) {
      return this.#begin(event);
    }
    return event.kind === 'key.rotate' ? this.#badKey(this.#key.rotate(event)) : this.#prune(event);
  }

  #begin({ kind, chain, payload, v }: StoredEvent): BadPlace | null {
    if (kind !== 'chain.genesis' || v !== FORMAT) {
      return this.#bad('missing', NO_GENESIS);
    }
    this.#chain = chain;
    this.#checkpointEvents = Number(payload.checkpoint_events);
    if (
      !Number.isSafeInteger(payload.checkpoint_events) ||
      this.#checkpointEvents < 1 ||
      this.#checkpointEvents > CHECKPOINT_EVENTS_MAX
    ) {
      return this.#bad('altered', 'it does not say how often the chain is signed');
    }
    return this.#badKey(this.#key.begin(payload.key));
  }

  #badKey(problem: KeyProblem | null): BadPlace | null {
    return problem === null ? null : this.#bad(problem.reason, problem.what);
  }

  #prune({ payload: { before } }: StoredEvent): BadPlace | null {
    if (!this.#removed.claim(before)) {
      return this.#bad('altered', 'it does not say which events were removed');
    }
    if (this.#key.key === null) {
      this.#removed.sign();
    }
    return null;
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
    if (this.#key.key === null || !checkpoint.signedBy(this.#key.key)) {
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
    if (!this.#isTreeOf(checkpoint)) {
      return this.#bad('forked', 'the checkpoint after it was signed over another resource tree', {
        seq,
      });
    }
    this.#head = checkpoint.resources;
    this.#signed = checkpoint.size;
    this.#removed.sign();
    this.#checkpoints += 1;
    return null;
  }

  /** Whether a checkpoint's resource tree is that of the events; where one can't tell it is believed. */
  #isTreeOf({ resources: said }: Checkpoint): boolean {
    const own = this.#resources;
    return said === null || own === null || (said.size === own.size && said.root === own.root());
  }

  #readPruned(line: string): BadPlace | null {
    const removed = readRemovedLine(line);
    if (removed === null) {
      return this.#bad('altered', 'the line of hashes that stands for it is not in the format');
    }
    const { first, hashes } = removed;
    if (first !== this.#tree.size) {
      return first < this.#tree.size
        ? this.#bad('duplicated', 'a line of hashes stands for it once more', { seq: first })
        : this.#bad('missing', `a line of hashes from event ${first} stands in its place`);
    }
    this.#resources = null;
    for (const hash of hashes) {
      this.#grow(hash);
      if (this.#meetAnchors() !== null) {
        return this.#problem;
      }
    }
    this.#removed.add(hashes.length, this.#tree.size);
    return null;
  }

  #meetAnchors(): BadPlace | null {
    const size = this.#tree.size;
    if (this.#chain === null || !this.#anchors.isDue(size)) {
      return null;
    }
    const problem = this.#anchors.meet(size, this.#tree.root(), this.#chain, this.#key.key);
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
    } else if (this.#removed.unexplained !== null) {
      this.#bad(
        'missing',
        'only its hash is here, and no event that is signed says it was removed',
        {
          seq: this.#removed.unexplained,
          lastSeq: this.#removed.end - 1,
          line: 0,
        },
      );
    } else if (this.#key.key !== null && this.#signed === 0) {
      this.#bad('unsigned', 'the first event is signed when it is written, and this one is not', {
        seq: 0,
        lastSeq: size - 1,
        line: 0,
      });
    } else if (this.#key.key !== null && unsigned > UNSIGNED_INTERVALS * this.#checkpointEvents) {
      this.#bad('unsigned', `a checkpoint is due each ${this.#checkpointEvents} events`, {
        seq: this.#signed,
        lastSeq: size - 1,
        line: 0,
      });
    }
  }
}
