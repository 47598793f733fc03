/**
 * The chain in memory: gives each event its place, and can go back to where it was when what it gave
 * could not be stored.
 */

import { bodyOf, type Draft, draft, type Entry, hashOf, NO_HASH } from './event.ts';
import { type Bytes32, Frontier } from './merkle.ts';

/** A clock that is set back by less is smoothed without a word. */
const CLOCK_BACK_MS = 1000;

/** Where a chain stands. */
export interface ChainState {
  /** 32 hexadecimal digits, drawn at random when it was begun. */
  readonly chain: string;
  /** Of the last event; 64 zeros before the first. */
  readonly previous: string;
  readonly timeMs: number;
  /** Roots of the full subtrees of the tree over all events. */
  readonly roots: readonly Bytes32[];
  /** Events so far. */
  readonly size: number;
}

/** A chain that is begun. */
export function newChain(chain: string): ChainState {
  return { chain, previous: NO_HASH, timeMs: 0, roots: [], size: 0 };
}

/** A chain that grows. */
export class Chain {
  #chain: string;
  #previous: string;
  #timeMs: number;
  /** What the clock of the last event said. */
  #clockMs: number;
  #tree: Frontier;

  constructor(state: ChainState) {
    this.#chain = state.chain;
    this.#previous = state.previous;
    this.#timeMs = state.timeMs;
    this.#clockMs = state.timeMs;
    this.#tree = new Frontier(state.size, state.roots);
  }

  get size(): number {
    return this.#tree.size;
  }

  get state(): ChainState {
    const { size, roots } = this.#tree;
    return {
      chain: this.#chain,
      previous: this.#previous,
      timeMs: this.#timeMs,
      roots: [...roots],
      size,
    };
  }

  root(): Bytes32 {
    return this.#tree.root();
  }

  /**
   * Gives events their places. Time never goes back in a chain: an event that says an earlier time has the
   * one before it, and where the clock was set back by a second or more, an event of its own says by how
   * much.
   */
  append(drafts: readonly Draft[]): Entry[] {
    const entries: Entry[] = [];
    for (const one of drafts) {
      const behindMs = this.#clockMs - one.timeMs;
      if (behindMs >= CLOCK_BACK_MS) {
        const note = draft(
          { kind: 'chain.clock_back', payload: { behind_ms: behindMs } },
          this.#timeMs,
        );
        entries.push(this.#place(note));
      }
      this.#clockMs = one.timeMs;
      entries.push(this.#place(one.timeMs < this.#timeMs ? { ...one, timeMs: this.#timeMs } : one));
    }
    return entries;
  }

  #place(one: Draft): Entry {
    const seq = this.#tree.size;
    const body = bodyOf(one, this.#chain, this.#previous, seq);
    const hash = hashOf(body);
    this.#tree.pushHex(hash);
    this.#previous = hash;
    this.#timeMs = one.timeMs;
    return { seq, hash, body };
  }
}
