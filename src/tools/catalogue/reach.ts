/** What a tool of the catalogue asks the kernel about the agent that calls it. */

import type { ToolCall, ToolDescription } from '../tool.ts';

/** What an agent holds at the moment, as far as a tool of the catalogue may use it on its behalf. */
export interface AgentReach {
  /** Whether it may look at clocks. */
  readonly hasClocks: boolean;
  /** The variables that it was spawned with. */
  readonly environment: readonly (readonly [string, string])[];
  /** Who it counts for: an owner that was named, or itself and its descendants. */
  readonly owner: string;
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
