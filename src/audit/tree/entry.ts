/**
 * What the resource tree holds of an agent, a module, a tool or a service, and its bytes
 * (docs/audit-format.md has every one).
 */

import { hash } from 'node:crypto';
import type { Score } from '../../scores/score.ts';
import type { Bytes32 } from '../merkle.ts';

/** The format's name and version, in every entry: none can be taken for an event. */
export const TREE_FORMAT = 'ringfence-tree/1';

/** Kinds of entries. */
export const ENTRY_KINDS = ['agent', 'module', 'service', 'tool'] as const;

/** One of {@link ENTRY_KINDS}. */
export type EntryKind = (typeof ENTRY_KINDS)[number];

interface EntryCommon {
  /** The event that has changed it last. */
  readonly seq: number;
}

/** Agents of one name: those that run, and what those that have exited have shown. */
export interface AgentEntry extends EntryCommon {
  readonly kind: 'agent';
  /** The name; of one that an agent has spawned, after the name of the agent that the program spawned. */
  readonly name: readonly [string] | readonly [string, string];
  /** How the last one ended that did; null: none has. `lost`: its program was gone before it. */
  readonly exit: { readonly code: number | null; readonly reason: string } | null;
  /** Of the one that was spawned last. */
  readonly module: string | null;
  readonly parent_pid: number;
  readonly pid: number;
  /** How many run. */
  readonly running: number;
  /** How many were spawned. */
  readonly runs: number;
  readonly score: Score;
  /** Exits that have moved the score. */
  readonly scored: number;
  /** The event of the last spawn: its number, and its hash. */
  readonly spawn_seq: number;
  readonly spawn: string;
}

/** A module that was loaded. */
export interface ModuleEntry extends EntryCommon {
  readonly kind: 'module';
  /** SHA-256 of its bytes. */
  readonly name: readonly [string];
  readonly bytes: number;
  readonly loads: number;
}

/** A tool that is offered, or was. */
export interface ToolEntry extends EntryCommon {
  readonly kind: 'tool';
  readonly name: readonly [string];
  /** SHA-256 of its description. */
  readonly description: string;
  readonly registered: boolean;
}

/** A service that is provided, or was. */
export interface ServiceEntry extends EntryCommon {
  readonly kind: 'service';
  readonly name: readonly [string];
  /** Who provides it. */
  readonly pid: number;
  readonly registered: boolean;
}

/** An entry of the resource tree. */
export type ResourceEntry = AgentEntry | ModuleEntry | ServiceEntry | ToolEntry;

/** What an entry is found by. No name can look like two, whatever characters it has: it is JSON. */
export function keyOf(kind: EntryKind, name: readonly string[]): string {
  return JSON.stringify([kind, ...name]);
}

/** Whether an entry stays whatever room is needed. */
export function isLive(entry: ResourceEntry): boolean {
  switch (entry.kind) {
    case 'agent':
      return entry.running > 0;
    case 'module':
      return false;
    case 'service':
    case 'tool':
      return entry.registered;
  }
}

/**
 * An entry as canonical JSON (RFC 8785). Names are written in order by hand, which a test compares with the
 * library: each checkpoint writes those that have changed.
 */
export function entryText(entry: ResourceEntry): string {
  const { kind, name, seq } = entry;
  switch (kind) {
    case 'agent': {
      const { exit, module, parent_pid, pid, running, runs, scored, spawn, spawn_seq } = entry;
      const { difficulty, performance, reliability, reward, trust, velocity } = entry.score;
      const exitText =
        exit === null ? 'null' : `{"code":${exit.code},"reason":${JSON.stringify(exit.reason)}}`;
      const scoreText = `{"difficulty":${difficulty},"performance":${performance},"reliability":${reliability},"reward":${reward},"trust":${trust},"velocity":${velocity}}`;
      return `{"exit":${exitText},"kind":"agent","module":${JSON.stringify(module)},"name":${JSON.stringify(name)},"parent_pid":${parent_pid},"pid":${pid},"running":${running},"runs":${runs},"score":${scoreText},"scored":${scored},"seq":${seq},"spawn":"${spawn}","spawn_seq":${spawn_seq},"v":"${TREE_FORMAT}"}`;
    }
    case 'module':
      return JSON.stringify({
        bytes: entry.bytes,
        kind,
        loads: entry.loads,
        name,
        seq,
        v: TREE_FORMAT,
      });
    case 'service':
      return JSON.stringify({
        kind,
        name,
        pid: entry.pid,
        registered: entry.registered,
        seq,
        v: TREE_FORMAT,
      });
    case 'tool':
      return JSON.stringify({
        description: entry.description,
        kind,
        name,
        registered: entry.registered,
        seq,
        v: TREE_FORMAT,
      });
  }
}

/** The leaf of an entry's bytes: SHA-256 of a zero byte and them, as RFC 6962 has it. */
export function entryLeaf(text: string): Bytes32 {
  return hash('sha256', `\0${text}`, 'latin1');
}

/** An entry from its own bytes: who calls this has written them. */
export function entryOfText(text: string): ResourceEntry {
  const { v: _, ...entry } = JSON.parse(text) as ResourceEntry & { v: string };
  return entry as ResourceEntry;
}
