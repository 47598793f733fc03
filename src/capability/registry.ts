/** All grants of a kernel: who holds them, what they were derived from, and what was revoked. */

import { RingfenceError } from '../errors.ts';
import { attenuate } from './attenuate.ts';
import { GRANTS_PER_AGENT_MAX, type Grant, type GrantId, type GrantSpec } from './grant.ts';
import { isEmpty } from './scope.ts';

/** A grant, and what was derived from it. */
interface Entry {
  readonly grant: Grant;
  readonly parent: Entry | null;
  /** Null: nothing was. */
  derived: Set<Entry> | null;
  revoked: boolean;
  /** Whether its owner has not exited. */
  held: boolean;
}

/**
 * The grants of all agents.
 *
 * The grants of an agent that has exited are kept only while something that was derived from them is
 * held, so that it can still be revoked through them.
 */
export class GrantRegistry {
  readonly #now: () => number;
  readonly #entries = new Map<GrantId, Entry>();
  readonly #owners = new Map<number, Entry[]>();
  #lastId = 0;

  /** @param now Milliseconds since 1970. @default the system's clock */
  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /** Entries that are kept: those that are held, and those above them. */
  get size(): number {
    return this.#entries.size;
  }

  /**
   * Gives grants to an agent: all of them, or none. From `parentOwner` they are derived from its
   * grants; null: the program itself gives them, whatever they are.
   *
   * @throws {RingfenceError} `RF_CAPABILITY_DENIED` for what is wider than the parent's grants in force,
   * `RF_LIMIT_EXCEEDED` for more than 256 in the owner's life.
   */
  issue(owner: number, specs: readonly GrantSpec[], parentOwner: number | null): Grant[] {
    const derivations =
      parentOwner === null
        ? specs
            .filter(({ kind, scope }) => !isEmpty(kind, scope))
            .map((spec) => ({ spec, parent: null }))
        : attenuate(
            this.of(parentOwner).filter(({ id }) => this.isInForce(id)),
            specs,
          );
    const held = this.#owners.get(owner) ?? [];
    const count = held.length + derivations.length;
    if (count > GRANTS_PER_AGENT_MAX) {
      throw new RingfenceError(
        'RF_LIMIT_EXCEEDED',
        `Cannot give pid ${owner} ${derivations.length} grants as it would have been given ${count} in its life, and ${GRANTS_PER_AGENT_MAX} is the most: put more into each.`,
        { pid: owner, current: count, limit: GRANTS_PER_AGENT_MAX },
      );
    }
    const issued = derivations.map(({ spec, parent }) => this.#add(owner, spec, parent));
    if (issued.length > 0) {
      this.#owners.set(owner, [...held, ...issued]);
    }
    return issued.map(({ grant }) => grant);
  }

  #add(owner: number, { kind, scope, expiresAtMs }: GrantSpec, parent: GrantId | null): Entry {
    const above = parent === null ? null : (this.#entries.get(parent) ?? null);
    this.#lastId += 1;
    const grant = Object.freeze({
      id: this.#lastId,
      owner,
      parent,
      kind,
      scope,
      expiresAtMs,
    }) as Grant;
    const entry: Entry = { grant, parent: above, derived: null, revoked: false, held: true };
    if (above !== null) {
      above.derived ??= new Set();
      above.derived.add(entry);
    }
    this.#entries.set(grant.id, entry);
    return entry;
  }

  /** All that a live agent was given, in that order, revoked and expired ones included. */
  of(owner: number): Grant[] {
    return (this.#owners.get(owner) ?? []).map(({ grant }) => grant);
  }

  /** A grant; undefined: never given, or nobody holds it or anything derived from it. */
  get(id: GrantId): Grant | undefined {
    return this.#entries.get(id)?.grant;
  }

  /** Whether its owner lives and it is neither revoked nor expired, now. */
  isInForce(id: GrantId): boolean {
    const entry = this.#entries.get(id);
    return (
      entry?.held === true &&
      !entry.revoked &&
      (entry.grant.expiresAtMs === null || this.#now() < entry.grant.expiresAtMs)
    );
  }

  /**
   * Takes a grant back, and all that was derived from it, whoever holds it. Answers those that are held
   * and were not revoked before.
   *
   * @throws {RingfenceError} `RF_USAGE` for an id that was never given out.
   */
  revoke(id: GrantId): Grant[] {
    const first = this.#entries.get(id);
    if (first === undefined && !(Number.isInteger(id) && id >= 1 && id <= this.#lastId)) {
      throw new RingfenceError(
        'RF_USAGE',
        `Cannot revoke the grant ${String(id)} as none was given this id: use the id of a grant.`,
        { id: typeof id === 'number' ? id : null },
      );
    }
    const revoked: Grant[] = [];
    const next = first === undefined ? [] : [first];
    for (let entry = next.pop(); entry !== undefined; entry = next.pop()) {
      // What is below a revoked one was revoked with it: nothing can be derived from it since.
      if (!entry.revoked) {
        entry.revoked = true;
        if (entry.held) {
          revoked.push(entry.grant);
        }
        for (const derived of entry.derived ?? []) {
          next.push(derived);
        }
      }
    }
    return revoked.sort((one, other) => one.id - other.id);
  }

  /** Frees the grants of an agent that has exited. What was derived from them stays in force. */
  exited(owner: number): void {
    for (const entry of this.#owners.get(owner) ?? []) {
      entry.held = false;
      this.#prune(entry);
    }
    this.#owners.delete(owner);
  }

  /** Forgets what is neither held nor above anything that is. */
  #prune(lowest: Entry): void {
    let entry: Entry | null = lowest;
    while (entry !== null && !entry.held && (entry.derived?.size ?? 0) === 0) {
      this.#entries.delete(entry.grant.id);
      entry.parent?.derived?.delete(entry);
      entry = entry.parent;
    }
  }
}
