/** What was taken out of a mailbox, as the contract says it. */

import type { Delivery } from '../../../ipc/message.ts';
import type { ResourceKind } from '../../../resource/limit-marks.ts';
import type { Caller } from '../agent.ts';
import type { Received } from '../generated/ringfence-agent-ipc.ts';
import type { ResourceKind as WitResourceKind } from '../generated/ringfence-agent-types.ts';

const KINDS: Readonly<Record<ResourceKind, WitResourceKind>> = {
  fuel: 'fuel',
  memory: 'memory',
  cpu_time: 'cpu-time',
  messages: 'messages',
  tool_calls: 'tool-calls',
  disk: 'disk',
};

/** Takes it over: a request gets the id by which it is answered, a timer may ring again. */
export function toReceived(agent: Caller, delivery: Delivery): Received {
  switch (delivery.tag) {
    case 'message': {
      const { payload } = delivery;
      return { tag: 'message', val: { sender: BigInt(delivery.sender), payload } };
    }
    case 'request': {
      const { sender, method, payload, correlation } = delivery;
      const by = { pid: sender, correlation, routed: delivery.routed };
      const { id, forgotten } = agent.conversations.asked(by);
      if (forgotten !== null) {
        agent.forgot(forgotten);
      }
      return {
        tag: 'request',
        val: {
          sender: BigInt(sender),
          correlation: BigInt(id),
          method: method ?? undefined,
          payload,
        },
      };
    }
    case 'reply': {
      const { sender, payload } = delivery;
      const correlation = BigInt(delivery.correlation);
      return { tag: 'reply', val: { sender: BigInt(sender), correlation, payload } };
    }
    case 'topic': {
      const { topic, payload } = delivery;
      return { tag: 'topic', val: { sender: BigInt(delivery.sender), topic, payload } };
    }
    case 'exit':
      return { tag: 'exit', val: { pid: BigInt(delivery.pid), reason: delivery.reason } };
    case 'down': {
      const { monitor, pid, reason } = delivery;
      return { tag: 'down', val: { monitor: BigInt(monitor), pid: BigInt(pid), reason } };
    }
    case 'warning': {
      const { pid, kind, used, limit } = delivery;
      return {
        tag: 'warning',
        val: { pid: BigInt(pid), kind: KINDS[kind], used: BigInt(used), limit: BigInt(limit) },
      };
    }
    case 'timer':
      agent.timers.taken(delivery.timer);
      return {
        tag: 'timer',
        val: { timer: BigInt(delivery.timer), payload: delivery.payload },
      };
    case 'cancelled':
      return { tag: 'cancelled', val: delivery.message };
    case 'unanswered':
      // It is told by the receive that waits for the reply, and never stands in a mailbox.
      throw new Error('a signal that is no message was taken out of a mailbox');
  }
}
