/** What compiling a body may cost: counted while it is walked over, and bounded by the caps. */

import type { MeterCaps } from './caps.ts';
import type { Frame } from './frames.ts';
import { ByteReader } from './reader.ts';
import { beyondCap } from './refusals.ts';

const NO_BYTES = new ByteReader(new Uint8Array(), 0, 0);

/** The counts of one body after another. */
export class BodyBounds {
  readonly #caps: MeterCaps;
  /** Says where what passes a cap stands. */
  #reader = NO_BYTES;
  /** The tries whose handlers what is here can lead to, the innermost last. */
  readonly #tries: Frame[] = [];
  #branchTargets = 0;
  #merges = 0;
  /** The most ways that lead to one place. */
  ways = 0;
  /** Parameters and results over all calls. */
  callOperands = 0;
  /** Injected questions for the sign of fuel. */
  questions = 0;

  constructor(caps: MeterCaps) {
    this.#caps = caps;
  }

  begin(reader: ByteReader): void {
    this.#reader = reader;
    this.#tries.length = 0;
    this.#branchTargets = 0;
    this.#merges = 0;
    this.ways = 0;
    this.callOperands = 0;
    this.questions = 0;
  }

  /** A place where what locals hold may come from several ways. */
  merge(): void {
    this.#merges++;
  }

  /** Bounds the ways to one place: with more than 65,535 of them V8's compiler aborts the process. */
  countWays(ways: number): void {
    if (ways <= this.ways) return;
    this.ways = ways;
    this.#require('ways', ways, 'branches to one place', this.#reader.position);
  }

  /** Notes a call, one that is injected too: it may lead to the handlers of the innermost try. */
  mayThrow(): void {
    const frame = this.#tries[this.#tries.length - 1];
    if (!frame) return;
    this.countWays(++frame.throws);
    this.#merges++;
  }

  /** Notes that the sign of fuel is asked for here. */
  question(): void {
    this.questions++;
    this.mayThrow();
  }

  /** … outside of a loop that is no part of a try. */
  questionOutside(): void {
    this.questions++;
  }

  /** Begins the part of a try that its handlers are for. */
  beginTry(frame: Frame): void {
    this.#tries.push(frame);
  }

  /** Ends the part of a try that its handlers are for; what they don't take goes to those around. */
  endTry(delegated: boolean): void {
    const frame = this.#tries.pop();
    const outer = this.#tries[this.#tries.length - 1];
    if (!frame || !outer) return;
    outer.throws += delegated ? frame.throws : 1;
    this.countWays(outer.throws);
  }

  addBranchTargets(count: number, at: number): void {
    this.#branchTargets += count;
    this.#require('branchTargets', this.#branchTargets, 'branch targets in a function', at);
  }

  addCallOperands(count: number, at: number): void {
    this.callOperands += count;
    const what = 'parameters and results in the calls of a function';
    this.#require('callOperands', this.callOperands, what, at);
  }

  checkHandlers(handlers: number, at: number): void {
    this.#require('handlers', handlers, 'handlers of one try', at);
  }

  /** The questions of the body that starts at `start`, when all of it was walked over. */
  checkQuestions(start: number): number {
    const what = 'loops, handlers and calls of imports in a function';
    this.#require('questions', this.questions, what, start);
    return this.questions;
  }

  /** (locals + operands) × merges, likewise. */
  checkMerges(localsAndOperands: number, start: number): number {
    const merges = localsAndOperands * this.#merges;
    this.#require('merges', merges, 'locals times branches in a function', start);
    return merges;
  }

  #require(cap: keyof MeterCaps, value: number, what: string, at: number): void {
    if (value > this.#caps[cap]) throw beyondCap(this.#caps, cap, value, what, at);
  }
}
