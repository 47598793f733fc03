/** `ringfence:agent/ipc`: messages from agent to agent. Requests and topics are not offered yet. */

import type { IpcScope } from '../../../capability/grant.ts';
import { reachesName, reachesPid, reachesTopic } from '../../../capability/scope.ts';
import {
  type Delivery,
  heldBytes,
  MESSAGE_BYTES_MAX,
  type MessageFilter,
  type Payload,
  payloadBytes,
} from '../../../ipc/message.ts';
import { ok } from '../abi/binding.ts';
import type { Caller, Operation, Subscribe } from '../agent.ts';
import type { Filter, Functions, Received, Target } from '../generated/ringfence-agent-ipc.ts';
import { implement } from '../implement.ts';
import { denied, failed, failedOutcome, limitExceeded, unavailable } from './errors.ts';

/** The longest wait that is told apart from waiting for ever, in milliseconds: some 50 days. */
const WAIT_MS_MAX = 0xffff_ffffn;

const NANOSECONDS_PER_MS = 1_000_000n;

/** A pid that no agent can have is nobody's. */
const toPid = (pid: bigint): number => (pid > BigInt(Number.MAX_SAFE_INTEGER) ? -1 : Number(pid));

/** What can't be reached yet is told by `unavailable`, not by `denied`, where nothing forbids it. */
function permitsTarget(scope: IpcScope, agent: Caller, to: Target): boolean {
  switch (to.tag) {
    case 'process':
      return reachesPid(scope, toPid(to.val), agent.parentPid);
    case 'service':
      return permitsService(agent, to.val);
    case 'service-method':
      return permitsService(agent, to.val.service);
    default:
      return true;
  }
}

/** A service is asked by a message, and only under a grant of its own. */
const permitsService = (agent: Caller, name: string): boolean =>
  agent.grants.of.services.some(
    (grant) => agent.grants.inForce(grant) && reachesName(grant.scope.names, name),
  );

interface Sending {
  readonly operation: Operation<null>;
  readonly bytes: number;
}

/** Hands the message on; what is under way is held for the sender. */
function beginSending(
  agent: Caller,
  to: number,
  payload: Payload,
  waitMs: bigint | undefined,
): Sending | null {
  const bytes = heldBytes(payload);
  if (!agent.hold(bytes)) {
    return null;
  }
  const wait = waitMs === undefined ? null : Number(waitMs < WAIT_MS_MAX ? waitMs : WAIT_MS_MAX);
  const sending = { operation: agent.send(to, payload, wait), bytes };
  agent.pending = sending;
  return sending;
}

/** What was not taken over yet never is; nobody waits for it. */
function cancelSending(agent: Caller): void {
  const sending = agent.pending as Sending;
  sending.operation.abandon();
  agent.release(sending.bytes);
}

function toReceived(delivery: Delivery): Received {
  if (delivery.tag === 'cancelled') {
    return { tag: 'cancelled', val: String(delivery.payload.val) };
  }
  return {
    tag: 'message',
    val: { sender: BigInt(delivery.sender), payload: delivery.payload },
  };
}

const toFilter = (filter: Filter): MessageFilter =>
  filter.tag === 'sender' ? { tag: 'sender', val: toPid(filter.val) } : filter;

/** Wakes at mail, and at an instant of the agent's clock. */
const mailOr =
  (mail: Subscribe, instant: Subscribe | null): Subscribe =>
  (wake) => {
    const ends = [mail(wake), ...(instant === null ? [] : [instant(wake)])];
    return () => {
      for (const end of ends) {
        end();
      }
    };
  };

/** Topics are checked on publishing and on subscribing, though nothing is delivered by them yet. */
const topics = {
  permits: (scope: IpcScope, _agent: Caller, topic: string) => reachesTopic(scope, topic),
  denied,
  run: unavailable,
};

const requests = { denied, run: unavailable };

export const ipc = implement<Functions, Caller>('ringfence:agent/ipc', 'ipc', {
  send: {
    permits: permitsTarget,
    counts: 'messages',
    denied,
    limitExceeded,
    blocking: true,
    cancel: cancelSending,
    run(agent, to, payload, waitMs) {
      if (to.tag !== 'process') {
        return unavailable();
      }
      if (payloadBytes(payload) > MESSAGE_BYTES_MAX) {
        return failed('limit-exceeded', 'the message is larger than 16 MiB: send it in parts');
      }
      const sending =
        (agent.pending as Sending | undefined) ??
        beginSending(agent, toPid(to.val), payload, waitMs);
      if (sending === null) {
        return failed(
          'limit-exceeded',
          'the host holds too much for the agent already: send less, or take mail out',
        );
      }
      const { outcome } = sending.operation;
      if (outcome === null) {
        return agent.wait(sending.operation.onSettled);
      }
      agent.release(sending.bytes);
      return outcome.tag === 'ok' ? ok() : failedOutcome(outcome);
    },
  },
  receive: {
    denied,
    blocking: true,
    run(agent, filter, timeoutMs) {
      const delivery = agent.mailbox.take(toFilter(filter));
      if (delivery !== null) {
        return ok(toReceived(delivery));
      }
      if (timeoutMs === undefined || timeoutMs > WAIT_MS_MAX) {
        agent.pending = 'for ever';
        return agent.wait(agent.mailbox.onMail);
      }
      const deadline =
        (agent.pending as bigint | undefined) ??
        agent.clocks.monotonic() + timeoutMs * NANOSECONDS_PER_MS;
      if (agent.clocks.monotonic() >= deadline) {
        return failed('timeout', 'no message came in time: wait longer, or go on without it');
      }
      agent.pending = deadline;
      return agent.wait(mailOr(agent.mailbox.onMail, agent.clocks.at(deadline)));
    },
  },
  request: { ...requests, permits: permitsTarget },
  reply: requests,
  publish: topics,
  subscribe: topics,
  unsubscribe: topics,
});
