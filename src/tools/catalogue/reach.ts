/** What a tool of the catalogue asks the kernel about the agent that calls it. */

import type { ToolCall, ToolDescription } from '../tool.ts';

/** How a file is written: it must not be there, is made anew, or is added to. */
export type WriteMode = 'create' | 'replace' | 'append';

/** An entry of a directory. */
export interface ReachedEntry {
  readonly name: string;
  readonly type: string;
}

/** What is known of a file. */
export interface ReachedStat {
  readonly type: string;
  readonly size: number;
  /** Milliseconds since 1970; null: before. */
  readonly modifiedMs: number | null;
}

/**
 * The directories that are mounted for an agent, by the paths that it knows.
 *
 * @throws {ToolError} each, with a code of WASI's and nothing of the host
 */
export interface AgentFiles {
  read(path: string, offset: number, length: number): { bytes: Uint8Array; end: boolean };
  write(path: string, bytes: Uint8Array, mode: WriteMode): number;
  list(path: string, most: number): { entries: ReachedEntry[]; more: boolean };
  stat(path: string): ReachedStat;
  remove(path: string, what: 'file' | 'directory'): void;
  makeDirectory(path: string): void;
}

/** A request over HTTP. */
export interface HttpAsk {
  readonly url: URL;
  readonly method: string;
  readonly fields: readonly (readonly [name: string, value: string])[];
  readonly body: Uint8Array | null;
  readonly redirect: 'follow' | 'manual';
  /** Bytes of the response's body that are read. */
  readonly bytesMax: number;
}

/** A response over HTTP. */
export interface HttpAnswer {
  readonly status: number;
  /** Where it came from. */
  readonly url: string;
  readonly fields: readonly (readonly [name: string, value: string])[];
  readonly body: Uint8Array;
  /** There was more. */
  readonly truncated: boolean;
}

/** What an agent holds at the moment, as far as a tool of the catalogue may use it on its behalf. */
export interface AgentReach {
  /** Whether it may look at clocks. */
  readonly hasClocks: boolean;
  /** The variables that it was spawned with. */
  readonly environment: readonly (readonly [string, string])[];
  /** Who its values are kept for; null: that one has ended. */
  readonly owner: string | null;
  readonly files: AgentFiles;
  /** Sends a request under its grants of the network. @throws {ToolError} */
  fetch(ask: HttpAsk, signal: AbortSignal): Promise<HttpAnswer>;
  /** Whether what `path` names, a file of the host, could be changed by it. */
  canChange(path: string): boolean;
}

/** Finds what an agent holds; null: it has ended. */
export type ReachOf = (pid: number) => AgentReach | null;

/** A tool of the catalogue. */
export interface CatalogueTool {
  readonly description: ToolDescription;
  handler(args: unknown, call: ToolCall): unknown;
}
