/**
 * The resource tree: what a chain says of agents, modules, tools and services, as of its last event. It
 * follows from the events alone, so that who has them comes to the same root.
 */

import type { ExitReason } from '../../process/exit.ts';
import { blend, NEUTRAL, observationOf } from '../../scores/score.ts';
import { type Entry, type StoredEvent, saidIn } from '../event.ts';
import type { Bytes32 } from '../merkle.ts';
import { type Held, type KeptEntry, TreeEntries } from './entries.ts';
import { type AgentEntry, type EntryKind, keyOf, type ResourceEntry } from './entry.ts';

/** Agents that were spawned and have not exited: who is forgotten of these runs no more. */
export const RUNNING_MAX = 100_000;

/** An agent that runs; `key` is null where it has no entry. */
interface Running {
  readonly root: string;
  readonly key: string | null;
}

/** A row of those that run, as it is kept. */
export interface KeptRunning extends Running {
  readonly pid: number;
}

/** What has changed since it was asked last. */
export interface Changes {
  readonly entries: readonly KeptEntry[];
  /** Pids that have begun to run, or run no more (null). */
  readonly running: readonly { readonly pid: number; readonly row: Running | null }[];
}

/** An event, as the tree reads it. */
type TreeEvent = Pick<StoredEvent, 'agent_id' | 'module' | 'payload' | 'pid' | 'seq'> & {
  readonly hash: string;
};

/** A resource tree that grows with its chain. */
export class ResourceTree {
  readonly #entries: TreeEntries;
  readonly #running = new Map<number, Running>();
  readonly #changedPids = new Set<number>();
  readonly #handlers: ReadonlyMap<string, (event: TreeEvent) => void> = new Map([
    ['agent.spawn', (event) => this.#spawned(event)],
    ['agent.exit', (event) => this.#exited(event)],
    ['chain.open', (event) => this.#reopened(event)],
    ['module.load', (event) => this.#loaded(event)],
    ['service.register', (event) => this.#service(event, true)],
    ['service.unregister', (event) => this.#service(event, false)],
    ['tool.register', (event) => this.#tool(event, true)],
    ['tool.unregister', (event) => this.#tool(event, false)],
  ]);

  constructor(entries = new TreeEntries()) {
    this.#entries = entries;
  }

  /** Goes on from what was kept, by index. */
  static of(entries: Iterable<ResourceEntry>, running: Iterable<KeptRunning>): ResourceTree {
    const tree = new ResourceTree(TreeEntries.of(entries));
    for (const { pid, root, key } of running) {
      tree.#running.set(pid, { root, key });
    }
    return tree;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** All entries, by index. */
  entries(): Iterable<ResourceEntry> {
    return this.#entries;
  }

  /** An entry with its place; null: there is none of the name. */
  find(kind: EntryKind, name: readonly string[]): Held | null {
    return this.#entries.find(kind, name);
  }

  /** The leaves by index. It is asked after `root`. */
  get leaves(): readonly Bytes32[] {
    return this.#entries.leaves;
  }

  /** The root over the entries as they are. */
  root(): Bytes32 {
    return this.#entries.root();
  }

  /** What has changed since this was asked last. */
  changes(): Changes {
    const running = Array.from(this.#changedPids, (pid) => ({
      pid,
      row: this.#running.get(pid) ?? null,
    }));
    this.#changedPids.clear();
    return { entries: this.#entries.changes(), running };
  }

  /** Whether events of a kind say something of it. */
  reads(kind: string): boolean {
    return this.#handlers.has(kind);
  }

  /** Reads an event in its place; most say nothing of the tree, and are not parsed. */
  apply({ seq, hash, body }: Entry): void {
    const kindAt = body.indexOf(KIND_NAME) + KIND_NAME.length;
    const handler = this.#handlers.get(body.slice(kindAt, body.indexOf('"', kindAt)));
    if (handler !== undefined) {
      const { agent_id, module, payload, pid } = saidIn(body);
      if (typeof payload === 'object' && payload !== null) {
        handler({ agent_id, module, payload, pid, seq, hash });
      }
    }
  }

  #spawned({ agent_id: agentId, module, payload, pid, seq, hash }: TreeEvent): void {
    this.#endRunning(pid, null, seq);
    const parentPid = numberOf(payload.parent_pid);
    const own = agentId ?? '';
    const parent = parentPid === 0 ? undefined : this.#running.get(parentPid);
    const root = parent?.root ?? own;
    const name = parentPid === 0 ? ([own] as const) : ([root, own] as const);
    const key = keyOf('agent', name);
    const before = this.#entries.get(key) as AgentEntry | undefined;
    const isListed = this.#entries.put(key, {
      kind: 'agent',
      name,
      exit: before?.exit ?? null,
      module,
      parent_pid: parentPid,
      pid,
      running: (before?.running ?? 0) + 1,
      runs: (before?.runs ?? 0) + 1,
      score: before?.score ?? NEUTRAL,
      scored: before?.scored ?? 0,
      seq,
      spawn: hash,
      spawn_seq: seq,
    });
    this.#running.set(pid, { root, key: isListed ? key : null });
    this.#changedPids.add(pid);
    if (this.#running.size > RUNNING_MAX) {
      const [oldest] = this.#running.keys();
      this.#endRunning(oldest as number, LOST, seq);
    }
  }

  #exited({ payload, pid, seq }: TreeEvent): void {
    const code = payload.code === null ? null : numberOf(payload.code);
    this.#endRunning(pid, { code, reason: textOf(payload.reason) }, seq);
  }

  /** A pid runs no more; `exit`: how it has ended, null: that is not known. */
  #endRunning(pid: number, exit: AgentEntry['exit'], seq: number): void {
    const running = this.#running.get(pid);
    if (running === undefined) {
      return;
    }
    this.#running.delete(pid);
    this.#changedPids.add(pid);
    const entry = running.key === null ? undefined : this.#entries.get(running.key);
    if (running.key !== null && entry?.kind === 'agent') {
      // What was lost, or is no reason of ours, moves no score.
      const observed = exit === null ? null : (observationOf(exit.reason as ExitReason) ?? null);
      this.#entries.put(running.key, {
        ...entry,
        exit: exit ?? LOST,
        running: entry.running - 1,
        score: observed === null ? entry.score : blend(entry.score, observed),
        scored: entry.scored + (observed === null ? 0 : 1),
        seq,
      });
    }
  }

  /** Another program goes on with the chain: nothing that the one before had is there any more. */
  #reopened({ seq }: TreeEvent): void {
    for (const pid of this.#running.keys()) {
      this.#changedPids.add(pid);
    }
    this.#running.clear();
    // By their places, as entries of one event are when they are read again.
    for (const { entry } of this.#entries.live()) {
      this.#entries.put(keyOf(entry.kind, entry.name), ended(entry, seq));
    }
  }

  #loaded({ module, payload, seq }: TreeEvent): void {
    if (module === null) {
      return;
    }
    const key = keyOf('module', [module]);
    const before = this.#entries.get(key);
    const loads = before?.kind === 'module' ? before.loads + 1 : 1;
    this.#entries.put(key, {
      kind: 'module',
      name: [module],
      bytes: numberOf(payload.bytes),
      loads,
      seq,
    });
  }

  #service({ payload, pid, seq }: TreeEvent, registered: boolean): void {
    const service = textOf(payload.service);
    const key = keyOf('service', [service]);
    if (registered || this.#entries.get(key) !== undefined) {
      this.#entries.put(key, { kind: 'service', name: [service], pid, registered, seq });
    }
  }

  #tool({ payload, seq }: TreeEvent, registered: boolean): void {
    const tool = textOf(payload.tool);
    const key = keyOf('tool', [tool]);
    const before = this.#entries.get(key);
    const description =
      before?.kind === 'tool' && !registered ? before.description : textOf(payload.description);
    if (registered || before !== undefined) {
      this.#entries.put(key, { kind: 'tool', name: [tool], description, registered, seq });
    }
  }
}

/** What stands before an event's kind: nothing that stands within a JSON text looks like it. */
const KIND_NAME = '","kind":"';

/** A chain that is verified may hold anything: what is not of its type is nothing. */
const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

const numberOf = (value: unknown): number => (typeof value === 'number' ? value : 0);

const LOST = { code: null, reason: 'lost' } as const;

/** An entry as its program's end leaves it. */
function ended(entry: ResourceEntry, seq: number): ResourceEntry {
  switch (entry.kind) {
    case 'agent':
      return { ...entry, exit: LOST, running: 0, seq };
    case 'module':
      return { ...entry, seq };
    case 'service':
    case 'tool':
      return { ...entry, registered: false, seq };
  }
}
