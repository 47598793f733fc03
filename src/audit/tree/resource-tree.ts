/**
 * The resource tree: what a chain says of agents, modules, tools and services, as of its last event. It
 * follows from the events alone, so that who has them comes to the same root.
 */

import type { ExitReason } from '../../process/exit.ts';
import { blend, NEUTRAL, observationOf } from '../../scores/score.ts';
import { type Entry, kindAt } from '../event.ts';
import type { Bytes32 } from '../merkle.ts';
import { type Held, type KeptEntry, TreeEntries } from './entries.ts';
import { type AgentEntry, type EntryKind, keyOf, type ResourceEntry } from './entry.ts';
import {
  type End,
  numberOf,
  readEnd,
  readSaid,
  readSpawn,
  type Said,
  type Spawn,
  textOf,
} from './tree-event.ts';

/** Agents that were spawned and have not exited: who is forgotten of these runs no more. */
export const RUNNING_MAX = 100_000;

/** An agent that runs; `held` is null where it has no entry. */
interface Running {
  readonly root: string;
  readonly held: Held | null;
}

/** An agent that runs, as it is kept. */
export interface KeptRunning {
  readonly pid: number;
  readonly root: string;
  /** Null: it has no entry. */
  readonly key: string | null;
}

/** What has changed since it was asked last. */
export interface Changes {
  readonly entries: readonly KeptEntry[];
  readonly began: readonly KeptRunning[];
  /** Pids that were told of, and run no more. */
  readonly ended: readonly number[];
}

/** Where an event stands in its chain. */
type EventPlace = Pick<Entry, 'seq' | 'hash'>;

/** Kinds of events that say something of it. */
const READ: ReadonlySet<string> = new Set([
  'agent.spawn',
  'agent.exit',
  'chain.open',
  'module.load',
  'service.register',
  'service.unregister',
  'tool.register',
  'tool.unregister',
]);

/** The kinds that come with each agent, with the quote behind them. */
const SPAWN = 'agent.spawn"';
const EXIT = 'agent.exit"';

/** A resource tree that grows with its chain. */
export class ResourceTree {
  readonly #entries: TreeEntries;
  readonly #running = new Map<number, Running>();
  readonly #changedPids = new Set<number>();
  /** Pids of those that run as far as was told. */
  readonly #toldPids = new Set<number>();

  constructor(entries = new TreeEntries()) {
    this.#entries = entries;
  }

  /** Goes on from what was kept, by index. */
  static of(entries: Iterable<ResourceEntry>, running: Iterable<KeptRunning>): ResourceTree {
    const tree = new ResourceTree(TreeEntries.of(entries));
    for (const { pid, root, key } of running) {
      tree.#running.set(pid, { root, held: key === null ? null : tree.#entries.get(key) });
      tree.#toldPids.add(pid);
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
    return this.#entries.get(keyOf(kind, name));
  }

  /** The leaves by index. It is asked after `root`. */
  get leaves(): readonly Bytes32[] {
    return this.#entries.leaves;
  }

  /** The root over the entries as they are. */
  root(): Bytes32 {
    return this.#entries.root();
  }

  /** What has changed since this was asked last. An agent that has begun and ended since then is not in it. */
  changes(): Changes {
    const began: KeptRunning[] = [];
    const ended: number[] = [];
    for (const pid of this.#changedPids) {
      const running = this.#running.get(pid);
      if (running !== undefined) {
        began.push({ pid, root: running.root, key: running.held?.key ?? null });
        this.#toldPids.add(pid);
      } else if (this.#toldPids.delete(pid)) {
        ended.push(pid);
      }
    }
    this.#changedPids.clear();
    return { entries: this.#entries.changes(), began, ended };
  }

  /** Whether events of a kind say something of it. */
  reads(kind: string): boolean {
    return READ.has(kind);
  }

  /** Reads an event in its place; most say nothing of the tree. */
  apply({ seq, hash, body }: Entry): void {
    const at = kindAt(body);
    if (body.startsWith(SPAWN, at)) {
      const spawn = readSpawn(body, at);
      if (spawn !== null) {
        this.#spawned(spawn, { seq, hash });
      }
    } else if (body.startsWith(EXIT, at)) {
      const end = readEnd(body, at);
      if (end !== null) {
        this.#exited(end, seq);
      }
    } else {
      const kind = body.slice(at, body.indexOf('"', at));
      const said = READ.has(kind) ? readSaid(body) : null;
      if (said !== null) {
        this.#applySaid(kind, said, seq);
      }
    }
  }

  #applySaid(kind: string, said: Said, seq: number): void {
    switch (kind) {
      case 'chain.open':
        this.#reopened(seq);
        break;
      case 'module.load':
        this.#loaded(said, seq);
        break;
      case 'service.register':
      case 'service.unregister':
        this.#service(said, kind === 'service.register', seq);
        break;
      case 'tool.register':
      case 'tool.unregister':
        this.#tool(said, kind === 'tool.register', seq);
        break;
    }
  }

  #spawned({ agentId, module, parentPid, pid }: Spawn, { seq, hash }: EventPlace): void {
    this.#endRunning(pid, null, seq);
    const parent = parentPid === 0 ? undefined : this.#running.get(parentPid);
    const root = parent?.root ?? agentId;
    const name = parentPid === 0 ? ([agentId] as const) : ([root, agentId] as const);
    const key = keyOf('agent', name);
    const before = this.#entries.get(key);
    const entry = before?.entry as AgentEntry | undefined;
    const held = this.#entries.put(before, {
      kind: 'agent',
      name,
      exit: entry?.exit ?? null,
      module,
      parent_pid: parentPid,
      pid,
      running: (entry?.running ?? 0) + 1,
      runs: (entry?.runs ?? 0) + 1,
      score: entry?.score ?? NEUTRAL,
      scored: entry?.scored ?? 0,
      seq,
      spawn: hash,
      spawn_seq: seq,
    });
    this.#running.set(pid, { root, held });
    this.#changedPids.add(pid);
    if (this.#running.size > RUNNING_MAX) {
      const [oldest] = this.#running.keys();
      this.#endRunning(oldest as number, LOST, seq);
    }
  }

  #exited({ code, pid, reason }: End, seq: number): void {
    this.#endRunning(pid, { code, reason }, seq);
  }

  /** A pid runs no more; `exit`: how it has ended, null: that is not known. */
  #endRunning(pid: number, exit: AgentEntry['exit'], seq: number): void {
    const running = this.#running.get(pid);
    if (running === undefined) {
      return;
    }
    this.#running.delete(pid);
    this.#changedPids.add(pid);
    const entry = running.held?.entry;
    if (running.held !== null && entry?.kind === 'agent') {
      // What was lost, or is no reason of ours, moves no score.
      const observed = exit === null ? null : (observationOf(exit.reason as ExitReason) ?? null);
      this.#entries.put(running.held, {
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
  #reopened(seq: number): void {
    for (const pid of this.#running.keys()) {
      this.#changedPids.add(pid);
    }
    this.#running.clear();
    for (const held of this.#entries.live()) {
      this.#entries.put(held, ended(held.entry, seq));
    }
  }

  #loaded({ module, payload }: Said, seq: number): void {
    if (module === null) {
      return;
    }
    const before = this.find('module', [module]);
    const loads = before?.entry.kind === 'module' ? before.entry.loads + 1 : 1;
    const bytes = numberOf(payload.bytes);
    this.#entries.put(before, { kind: 'module', name: [module], bytes, loads, seq });
  }

  #service({ payload, pid }: Said, registered: boolean, seq: number): void {
    const service = textOf(payload.service);
    const before = this.find('service', [service]);
    if (registered || before !== null) {
      this.#entries.put(before, { kind: 'service', name: [service], pid, registered, seq });
    }
  }

  #tool({ payload }: Said, registered: boolean, seq: number): void {
    const tool = textOf(payload.tool);
    const before = this.find('tool', [tool]);
    const description =
      before?.entry.kind === 'tool' && !registered
        ? before.entry.description
        : textOf(payload.description);
    if (registered || before !== null) {
      this.#entries.put(before, { kind: 'tool', name: [tool], description, registered, seq });
    }
  }
}

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
