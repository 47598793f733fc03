/** Whose signatures count as a chain is read: those of the key that it names first, and of whom that hands it on to. */

import type { StoredEvent } from './event.ts';
import { isRotation, readVerifierKey, type VerifierKey } from './note.ts';
import type { BadReason } from './verdict.ts';

/** What is wrong with the key that a chain names. */
export interface KeyProblem {
  readonly reason: BadReason;
  readonly what: string;
}

/** The key in force where a chain is read. */
export class KeyInForce {
  readonly #trustedKeys: readonly VerifierKey[];
  #key: VerifierKey | null = null;
  #isTrusted = false;

  /**
   * @param trusted keys of which the chain must be; none: it may be of any
   * @throws {RingfenceError} `RF_AUDIT_KEY`
   */
  constructor(trusted: readonly string[]) {
    this.#trustedKeys = trusted.map(readVerifierKey);
  }

  /** Null: nobody signs the chain. */
  get key(): VerifierKey | null {
    return this.#key;
  }

  /** Whether the chain began with a key that was given. */
  get isTrusted(): boolean {
    return this.#isTrusted;
  }

  /** Reads the key that the first event names. */
  begin(named: unknown): KeyProblem | null {
    if (typeof named === 'string') {
      try {
        this.#key = readVerifierKey(named);
      } catch {
        return { reason: 'altered', what: 'the key that it names is none' };
      }
    }
    this.#isTrusted = this.#trustedKeys.some(({ text }) => text === this.#key?.text);
    return this.#trustedKeys.length > 0 && !this.#isTrusted
      ? { reason: 'wrong_key', what: 'the chain is of another key than those that were given' }
      : null;
  }

  /** Hands on to the key that an event names, where the one in force has signed that. */
  rotate({ chain, payload }: StoredEvent): KeyProblem | null {
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
    return { reason: 'wrong_key', what: 'the key in force has not signed the new one' };
  }
}
