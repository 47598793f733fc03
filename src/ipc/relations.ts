/** Links and monitors between agents, as in Erlang: a link is mutual, a monitor has a direction and fires once. */

/** Links and monitors that one agent may hold at a time, those of others to it not counted. */
export const RELATIONS_PER_AGENT_MAX = 1_024;

/** Whom an end concerns. */
export interface Concerned {
  readonly linked: readonly number[];
  readonly monitors: readonly { readonly monitor: number; readonly watcher: number }[];
}

interface Monitor {
  readonly watcher: number;
  readonly target: number;
}

/** The links and monitors of all agents of a kernel. */
export class Relations {
  readonly #links = new Map<number, Set<number>>();
  readonly #monitors = new Map<number, Monitor>();
  /** Ids of monitors, by who watches and by who is watched. */
  readonly #watching = new Map<number, Set<number>>();
  readonly #watched = new Map<number, Set<number>>();
  #nextMonitor = 1;

  /** Both ends of all links and monitors. */
  get size(): number {
    const sets = [this.#links, this.#watching, this.#watched];
    return sets.flatMap((each) => [...each.values()]).reduce((sum, { size }) => sum + size, 0);
  }

  /** Links and monitors that an agent holds. */
  heldBy(pid: number): number {
    return (this.#links.get(pid)?.size ?? 0) + (this.#watching.get(pid)?.size ?? 0);
  }

  areLinked(one: number, other: number): boolean {
    return this.#links.get(one)?.has(other) ?? false;
  }

  link(one: number, other: number): void {
    add(this.#links, one, other);
    add(this.#links, other, one);
  }

  unlink(one: number, other: number): void {
    remove(this.#links, one, other);
    remove(this.#links, other, one);
  }

  /** The id of a monitor, of one that fires at once too: no two have the same. */
  nextMonitor(): number {
    const monitor = this.#nextMonitor;
    this.#nextMonitor += 1;
    return monitor;
  }

  monitor(watcher: number, target: number): number {
    const monitor = this.nextMonitor();
    this.#monitors.set(monitor, { watcher, target });
    add(this.#watching, watcher, monitor);
    add(this.#watched, target, monitor);
    return monitor;
  }

  /** False: it is no monitor of this watcher's, or it has fired. */
  demonitor(watcher: number, monitor: number): boolean {
    const held = this.#monitors.get(monitor);
    if (held?.watcher !== watcher) {
      return false;
    }
    this.#forget(monitor, held);
    return true;
  }

  #forget(monitor: number, { watcher, target }: Monitor): void {
    this.#monitors.delete(monitor);
    remove(this.#watching, watcher, monitor);
    remove(this.#watched, target, monitor);
  }

  /** An agent has ended: whom that concerns. Nothing of it is left. */
  exited(pid: number): Concerned {
    const linked = [...(this.#links.get(pid) ?? [])];
    for (const other of linked) {
      this.unlink(pid, other);
    }
    const monitors = [];
    for (const monitor of [...(this.#watched.get(pid) ?? [])]) {
      const held = this.#monitors.get(monitor) as Monitor;
      this.#forget(monitor, held);
      monitors.push({ monitor, watcher: held.watcher });
    }
    for (const monitor of [...(this.#watching.get(pid) ?? [])]) {
      this.#forget(monitor, this.#monitors.get(monitor) as Monitor);
    }
    return { linked, monitors: monitors.filter(({ watcher }) => watcher !== pid) };
  }
}

function add(sets: Map<number, Set<number>>, key: number, value: number): void {
  const set = sets.get(key);
  if (set === undefined) {
    sets.set(key, new Set([value]));
  } else {
    set.add(value);
  }
}

function remove(sets: Map<number, Set<number>>, key: number, value: number): void {
  const set = sets.get(key);
  set?.delete(value);
  if (set?.size === 0) {
    sets.delete(key);
  }
}
