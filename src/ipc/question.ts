/**
 * What an agent asks the kernel beside sending: about other agents, topics and tools. The kernel
 * decides each by the asker's pid, its family and its grants (supervisor/router.ts).
 */

import type { Payload } from './message.ts';

/** What is asked. */
export type Question =
  | { readonly ask: 'link'; readonly pid: number }
  | { readonly ask: 'unlink'; readonly pid: number }
  | { readonly ask: 'monitor'; readonly pid: number }
  | { readonly ask: 'demonitor'; readonly monitor: number }
  | { readonly ask: 'trap-exit'; readonly enabled: boolean }
  | { readonly ask: 'stop'; readonly pid: number; readonly mode: 'graceful' | 'force' }
  | { readonly ask: 'subscribe'; readonly topic: string }
  | { readonly ask: 'unsubscribe'; readonly topic: string }
  | { readonly ask: 'publish'; readonly topic: string; readonly payload: Payload }
  | { readonly ask: 'tools' };

/** A tool that the asker may call. */
export interface ToolListing {
  readonly name: string;
  readonly description: string;
  /** A JSON schema of the arguments. */
  readonly parameters: string;
}

/** An id, nothing, or the tools. */
export type Answer = number | null | readonly ToolListing[];
