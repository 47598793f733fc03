/** `ringfence:agent/ipc`: messages, requests and replies, and topics. */

import type { IpcScope } from '../../../capability/grant.ts';
import { reachesName, reachesPid, reachesTopic } from '../../../capability/scope.ts';
import {
  type Address,
  type Body,
  heldBytes,
  MESSAGE_BYTES_MAX,
  type MessageFilter,
  NAME_CHARACTERS_MAX,
  type Payload,
  payloadBytes,
} from '../../../ipc/message.ts';
import { ok, type WAIT } from '../abi/binding.ts';
import type { Caller, Operation, Outcome, Subscribe } from '../agent.ts';
import type { Filter, Functions, Target } from '../generated/ringfence-agent-ipc.ts';
import { implement } from '../implement.ts';
import { asking, cancelAsking, nothing } from './asking.ts';
import {
  denied,
  type Failed,
  failed,
  failedOutcome,
  limitExceeded,
  unavailable,
} from './errors.ts';
import { toId, toMilliseconds, WAIT_MS_MAX } from './numbers.ts';
import { toReceived } from './received.ts';

const NANOSECONDS_PER_MS = 1_000_000n;

function permitsTarget(scope: IpcScope, agent: Caller, to: Target): boolean {
  switch (to.tag) {
    case 'process':
      return reachesPid(scope, toId(to.val), agent.parentPid);
    case 'kernel':
      return reachesPid(scope, 0, agent.parentPid);
    case 'service':
      return permitsService(agent, to.val);
    case 'service-method':
      return permitsService(agent, to.val.service);
    case 'broadcast':
    case 'remote':
      // Whom it reaches is decided for each; other nodes there are none of.
      return true;
  }
}

/** A service is asked by a message, and only under a grant of its own. */
const permitsService = (agent: Caller, name: string): boolean =>
  agent.grants.of.services.some(
    (grant) => agent.grants.inForce(grant) && reachesName(grant.scope.names, name),
  );

/** Null: nobody can be reached there. */
function toAddress(to: Target): Address | null {
  switch (to.tag) {
    case 'process':
      return { tag: 'process', pid: toId(to.val) };
    case 'broadcast':
    case 'kernel':
      return to;
    case 'service':
      return { tag: 'service', name: to.val, method: null };
    case 'service-method':
      return { tag: 'service', name: to.val.service, method: to.val.method };
    case 'remote':
      return null;
  }
}

const isNamed = (address: Address): boolean =>
  address.tag !== 'service' ||
  (address.name.length <= NAME_CHARACTERS_MAX &&
    (address.method ?? '').length <= NAME_CHARACTERS_MAX);

interface Sending {
  readonly operation: Operation<number>;
  readonly bytes: number;
  /** What a request waits for, under which id. */
  readonly correlation: number | null;
}

const tooLarge = (): Failed =>
  failed('limit-exceeded', 'the message is larger than 16 MiB: send it in parts');

const holdsTooMuch = (): Failed =>
  failed(
    'limit-exceeded',
    'the host holds too much for the agent already: send less, or take mail out',
  );

/** Hands the message on, or looks how that came out; what is under way is held for the sender. */
function sending(
  agent: Caller,
  payload: Payload,
  begin: () => { operation: Operation<number>; correlation: number | null },
): { outcome: Outcome<number>; correlation: number | null } | Failed | typeof WAIT {
  let pending = agent.pending as Sending | undefined;
  if (pending === undefined) {
    if (payloadBytes(payload) > MESSAGE_BYTES_MAX) {
      return tooLarge();
    }
    const bytes = heldBytes(payload);
    if (!agent.hold(bytes)) {
      return holdsTooMuch();
    }
    pending = { ...begin(), bytes };
    agent.pending = pending;
  }
  const { operation, bytes, correlation } = pending;
  const { outcome } = operation;
  if (outcome === null) {
    return agent.wait(operation.onSettled);
  }
  agent.release(bytes);
  if (outcome.tag === 'err' && correlation !== null) {
    agent.conversations.forget(correlation);
  }
  return { outcome, correlation };
}

/** What was not taken over yet never is; nobody waits for it. */
function cancelSending(agent: Caller): void {
  const { operation, bytes, correlation } = agent.pending as Sending;
  operation.abandon();
  agent.release(bytes);
  if (correlation !== null) {
    agent.conversations.forget(correlation);
  }
}

const MESSAGE: Body = { tag: 'message' };

const nameTooLong = (): Failed =>
  failed('invalid', `the name has more than ${NAME_CHARACTERS_MAX} characters: use a shorter one`);

const toFilter = (filter: Filter): MessageFilter => {
  switch (filter.tag) {
    case 'sender':
      return { tag: 'sender', val: toId(filter.val) };
    case 'correlation':
      return { tag: 'correlation', val: toId(filter.val) };
    default:
      return filter;
  }
};

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

/** Why nothing will come that fits; null: something may. */
function hopeless(agent: Caller, filter: MessageFilter): Failed | null {
  if (filter.tag === 'correlation') {
    switch (agent.conversations.standing(filter.val)) {
      case 'unknown':
        return failed(
          'not-found',
          'it waits for no reply under this id: it was received, or given up',
        );
      case 'closed':
        agent.conversations.forget(filter.val);
        return failed(
          'closed',
          'who was asked has ended without a reply, or was asked too much besides: ask again, or somebody else',
        );
      case 'waiting':
    }
  }
  return filter.tag !== 'any' && agent.mailbox.cancelled
    ? failed('cancelled', 'the agent is asked to end: receive any message, and see why')
    : null;
}

/** What the gate has to know of all that hand a message on. */
const sends = {
  counts: 'messages',
  denied,
  limitExceeded,
  blocking: true,
  cancel: cancelSending,
} as const;

/** Topics are checked on publishing and on subscribing. */
const topics = {
  permits: (scope: IpcScope, _agent: Caller, topic: string) => reachesTopic(scope, topic),
  denied,
  blocking: true,
  cancel: cancelAsking,
};

export const ipc = implement<Functions, Caller>('ringfence:agent/ipc', 'ipc', {
  send: {
    ...sends,
    permits: permitsTarget,
    run(agent, to, payload, waitMs) {
      const address = toAddress(to);
      if (address === null) {
        return unavailable();
      }
      if (!isNamed(address)) {
        return nameTooLong();
      }
      const wait = waitMs === undefined ? null : toMilliseconds(waitMs);
      const sent = sending(agent, payload, () => ({
        operation: agent.send(address, MESSAGE, payload, wait),
        correlation: null,
      }));
      if (typeof sent === 'symbol' || 'tag' in sent) {
        return sent;
      }
      return sent.outcome.tag === 'ok' ? ok() : failedOutcome(sent.outcome);
    },
  },
  request: {
    ...sends,
    permits: permitsTarget,
    run(agent, to, payload) {
      const address = toAddress(to);
      if (address === null) {
        return unavailable();
      }
      if (address.tag === 'broadcast') {
        return failed('invalid', 'a request goes to one: send a message to all instead');
      }
      if (!isNamed(address)) {
        return nameTooLong();
      }
      const sent = sending(agent, payload, () => {
        const correlation = agent.conversations.ask(address.tag === 'process' ? address.pid : null);
        const body: Body = { tag: 'request', correlation };
        return { operation: agent.send(address, body, payload, null), correlation };
      });
      if (typeof sent === 'symbol' || 'tag' in sent) {
        return sent;
      }
      return sent.outcome.tag === 'ok'
        ? ok(BigInt(sent.correlation ?? 0))
        : failedOutcome(sent.outcome);
    },
  },
  reply: {
    ...sends,
    run(agent, correlation, payload) {
      const id = toId(correlation);
      const asker = agent.conversations.asker(id);
      if (asker === undefined) {
        return failed('not-found', 'it was asked nothing under this id, or has replied already');
      }
      const sent = sending(agent, payload, () => {
        const { correlation: asked, routed } = asker;
        const body: Body = { tag: 'reply', correlation: asked, routed };
        const to: Address = { tag: 'process', pid: asker.pid };
        return { operation: agent.send(to, body, payload, null), correlation: null };
      });
      if (typeof sent === 'symbol' || 'tag' in sent) {
        return sent;
      }
      if (sent.outcome.tag === 'err') {
        if (sent.outcome.error !== 'mailbox-full') {
          agent.conversations.answered(id);
        }
        return failedOutcome(sent.outcome);
      }
      agent.conversations.answered(id);
      return ok();
    },
  },
  receive: {
    denied,
    blocking: true,
    run(agent, filter, timeoutMs) {
      const wanted = toFilter(filter);
      const delivery = agent.mailbox.take(wanted);
      if (delivery !== null) {
        return ok(toReceived(agent, delivery));
      }
      const failure = hopeless(agent, wanted);
      if (failure !== null) {
        return failure;
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
  publish: {
    ...topics,
    counts: 'messages',
    limitExceeded,
    run(agent, topic, payload) {
      if (topic.length > NAME_CHARACTERS_MAX) {
        return nameTooLong();
      }
      if (payloadBytes(payload) > MESSAGE_BYTES_MAX) {
        return tooLarge();
      }
      return asking(agent, () => ({ ask: 'publish', topic, payload }), nothing);
    },
  },
  subscribe: {
    ...topics,
    run: (agent, topic) =>
      topic.length > NAME_CHARACTERS_MAX
        ? nameTooLong()
        : asking(agent, () => ({ ask: 'subscribe', topic }), nothing),
  },
  unsubscribe: {
    ...topics,
    run: (agent, topic) =>
      topic.length > NAME_CHARACTERS_MAX
        ? nameTooLong()
        : asking(agent, () => ({ ask: 'unsubscribe', topic }), nothing),
  },
});
