/** How an agent ended whose thread or process is gone. */

import { COMMAND, type ControlBlock } from '../resource/control-blocks.ts';
import type { BackendEnd, Isolation } from './backend.ts';

/** A thread or process that is gone, other than in order. */
export interface LostWorker {
  readonly isolation: Isolation;
  /** How many agents have gone with it. */
  readonly agents: number;
}

/** One that was being ended has its own reason: the end of what ran it only carried that out. */
export function endOfLost(block: ControlBlock, message: string): BackendEnd {
  const end = { code: -1, undelivered: [], lost: block.mailboxMessages };
  switch (block.command) {
    case COMMAND.kill:
    case COMMAND.reap:
      return { ...end, reason: 'killed', message: 'it was killed' };
    case COMMAND.timeout:
      return { ...end, reason: 'timeout', message: 'its timeout passed' };
    case COMMAND.none:
      return { ...end, reason: 'worker_lost', message };
  }
}
