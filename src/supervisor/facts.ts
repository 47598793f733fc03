/** What is known of an agent by itself, and what of that is kept when it has exited. */

import type { Isolation } from '../backend/backend.ts';
import type { ProcessRow } from '../process/table.ts';
import type { Limits } from '../resource/limits.ts';
import type { Usage } from '../resource/usage.ts';
import type { Process } from './process.ts';
import type { Exit } from './report.ts';

/** Characters of an exit's message that are kept: 10,000 of them are, and guests write them. */
const MESSAGE_CHARACTERS_MAX = 1_024;

/** What is known of an agent: numbers and names, nothing that it holds. */
export interface ProcessFacts extends ProcessRow {
  /** How often its specification had been started again, this time included. */
  readonly restarts: number;
  /** Whose quota it counts towards, where one was named for it. */
  readonly owner: string | null;
  readonly isolation: Isolation;
  /** Null: it is a function of the program. */
  readonly module: { readonly path: string | null; readonly digest: string } | null;
  readonly limits: Limits;
  /** So far, or in all. */
  readonly usage: Usage;
  /** Calls that were denied, of all kinds. */
  readonly denials: number;
  /** Messages in its mailbox. */
  readonly mailbox: number;
  /** In milliseconds since 1970. */
  readonly spawnedAtMs: number;
  /** Null: it has not exited. */
  readonly exitedAtMs: number | null;
  /** How it ended; its message is cut at 1,024 characters. Null: it has not. */
  readonly exit: Exit | null;
}

/** An exit whose message takes no more than its share; the long one is not kept behind it. */
function cut(exit: Exit): Exit {
  const { message } = exit;
  return message === null || message.length <= MESSAGE_CHARACTERS_MAX
    ? exit
    : { ...exit, message: Buffer.from(message.slice(0, MESSAGE_CHARACTERS_MAX)).toString() };
}

/** What is known of an agent now. */
export function factsOf(process: Process): ProcessFacts {
  const { pid, agentId, parentPid, restartedFrom, state, request, usage, exit } = process;
  let denials = 0;
  for (const { count } of process.denials.values()) {
    denials += count;
  }
  return {
    pid,
    agentId,
    parentPid,
    restartedFrom,
    state,
    restarts: request.lineage.restarts,
    owner: process.owner,
    isolation: request.isolation,
    module: request.module,
    limits: request.limits,
    usage,
    denials,
    mailbox: state === 'exited' ? 0 : (process.block?.mailboxMessages ?? 0),
    spawnedAtMs: process.spawnedAtMs,
    exitedAtMs: process.exitedAtMs,
    exit: exit === null ? null : cut(exit),
  };
}
