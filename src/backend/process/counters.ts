/** What is counted of an agent in a process of its own, in its control block here. */

import { MAILBOX_MESSAGES_MAX } from '../../ipc/message.ts';
import type { ControlBlock } from '../../resource/control-blocks.ts';
import type { Limits } from '../../resource/limits.ts';
import type { ChildCounters } from '../../wasm/worker/child/messages.ts';
import type { Counted } from './requests.ts';

/** No more is used than may be, whatever a process says; 0: any. */
const within = (used: number, limit: number): number =>
  limit === 0 ? used : Math.min(used, limit);

/**
 * Takes over what the process says it has counted. What it says of its fuel, memory and CPU time is
 * for the report: what keeps a process that lies within them is the system (confine.ts, watch.ts).
 */
export function takeCounters(
  block: ControlBlock,
  limits: Limits,
  told: ChildCounters,
  counted: Counted,
): void {
  const before = block.read();
  block.setFuel(Math.max(before.fuel, within(told.fuel, limits.fuel)));
  block.setMemoryBytes(Math.max(before.memoryBytes, within(told.memoryBytes, limits.memoryBytes)));
  block.setCpuTimeMicroseconds(Math.max(before.cpuTimeMicroseconds, told.cpuTimeMicroseconds));
  block.setLongestWaitMicroseconds(
    Math.max(before.longestWaitMicroseconds, told.longestWaitMicroseconds),
  );
  block.setMailboxMessages(Math.min(told.mailboxMessages, MAILBOX_MESSAGES_MAX));
  block.raise({
    slices: told.slices,
    messagesSent: Math.max(counted.messagesSent, within(told.messagesSent, limits.messages)),
    toolCalls: Math.max(counted.toolCalls, within(told.toolCalls, limits.toolCalls)),
  });
}
