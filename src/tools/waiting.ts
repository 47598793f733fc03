/**
 * Who waits for a turn of a tool: so many places, which owners share evenly, and the agents of each owner. Turns
 * go round by owners, and by the agents of each: how many calls somebody has waiting gets it no more turns.
 */

/** Whose call it is. */
export interface Asker {
  /** Who the agent counts for: what is shared is shared by owners first. */
  readonly owner: string;
  readonly pid: number;
}

/** A call that waits. */
export interface Waiter extends Asker {
  /** Its place is another's now: it waits no more. */
  displaced(): void;
}

/** The calls of one agent, in the order of asking. */
type OfAgent<Call extends Waiter> = Set<Call>;

/** The calls of one owner, by agent: who is to have the next turn comes first. */
class OfOwner<Call extends Waiter> {
  readonly agents = new Map<number, OfAgent<Call>>();
  size = 0;

  countOf(pid: number): number {
    return this.agents.get(pid)?.size ?? 0;
  }
}

/** Who has most; undefined: nobody has anything. */
function most<Holder extends { readonly size: number }>(
  holders: Iterable<Holder>,
): Holder | undefined {
  let found: Holder | undefined;
  for (const holder of holders) {
    if (found === undefined || holder.size > found.size) {
      found = holder;
    }
  }
  return found;
}

/** Puts what is in a map behind all others in it. */
function putLast<Key, Value>(map: Map<Key, Value>, key: Key): void {
  const value = map.get(key);
  if (value !== undefined) {
    map.delete(key);
    map.set(key, value);
  }
}

/** The places of one tool. */
export class Waiting<Call extends Waiter> {
  readonly #places: number;
  readonly #owners = new Map<string, OfOwner<Call>>();
  #size = 0;

  constructor(places: number) {
    this.#places = places;
  }

  /** Calls that wait. */
  get size(): number {
    return this.#size;
  }

  /**
   * Gives a call a place. Where none is free it gets that of the newest call of who has most of them, as long as
   * who asks still has no more than that one keeps. False: it has none.
   */
  add(call: Call): boolean {
    if (this.#size >= this.#places && !this.#makeRoomFor(call)) {
      return false;
    }
    const { owner, pid } = call;
    const own = this.#owners.get(owner) ?? new OfOwner<Call>();
    const ofAgent = own.agents.get(pid) ?? new Set<Call>();
    this.#owners.set(owner, own);
    own.agents.set(pid, ofAgent);
    ofAgent.add(call);
    own.size += 1;
    this.#size += 1;
    return true;
  }

  /** Takes a call away that waits no more. */
  delete(call: Call): void {
    const own = this.#owners.get(call.owner);
    const ofAgent = own?.agents.get(call.pid);
    if (own === undefined || ofAgent?.delete(call) !== true) {
      return;
    }
    own.size -= 1;
    this.#size -= 1;
    if (ofAgent.size === 0) {
      own.agents.delete(call.pid);
    }
    if (own.size === 0) {
      this.#owners.delete(call.owner);
    }
  }

  /**
   * The next call whose agent `may` have a turn, the oldest of that agent; it waits no more, and its owner and
   * agent are the last to have another. Null: there is none.
   */
  next(may: (asker: Asker) => boolean): Call | null {
    for (const [owner, own] of this.#owners) {
      for (const [pid, ofAgent] of own.agents) {
        const [call] = ofAgent;
        if (call !== undefined && may(call)) {
          this.delete(call);
          putLast(own.agents, pid);
          putLast(this.#owners, owner);
          return call;
        }
      }
    }
    return null;
  }

  #makeRoomFor({ owner, pid }: Asker): boolean {
    const own = this.#owners.get(owner);
    const largest = most(this.#owners.values());
    const isOthers = largest !== undefined && (own?.size ?? 0) + 1 < largest.size;
    const from = isOthers ? largest : own;
    const ofAgent = most(from?.agents.values() ?? []);
    if (ofAgent === undefined || (!isOthers && own!.countOf(pid) + 1 >= ofAgent.size)) {
      return false;
    }
    const newest = [...ofAgent].at(-1)!;
    this.delete(newest);
    newest.displaced();
    return true;
  }
}
