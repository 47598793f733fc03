/** `ringfence:agent/timers`: messages to oneself, later. Who may not receive has no use for them. */

import { MESSAGE_BYTES_MAX, type Payload, payloadBytes } from '../../../ipc/message.ts';
import { ok } from '../abi/binding.ts';
import type { Caller } from '../agent.ts';
import type { Functions } from '../generated/ringfence-agent-timers.ts';
import { implement } from '../implement.ts';
import { denied, failed } from './errors.ts';
import { toId, toMilliseconds } from './numbers.ts';

function set(agent: Caller, milliseconds: bigint, payload: Payload, repeats: boolean) {
  if (payloadBytes(payload) > MESSAGE_BYTES_MAX) {
    return failed('limit-exceeded', 'the message is larger than 16 MiB: keep it yourself');
  }
  const timer = agent.timers.set(toMilliseconds(milliseconds), payload, repeats);
  switch (timer) {
    case 'too-many':
      return failed('limit-exceeded', 'it has as many timers as it may: cancel one');
    case 'no-room':
      return failed('limit-exceeded', 'the host holds too much for the agent: keep it yourself');
    default:
      return ok(BigInt(timer));
  }
}

export const timers = implement<Functions, Caller>('ringfence:agent/timers', 'ipc', {
  after: {
    denied,
    run: (agent, milliseconds, payload) => set(agent, milliseconds, payload, false),
  },
  every: {
    denied,
    run: (agent, milliseconds, payload) => set(agent, milliseconds, payload, true),
  },
  cancel: {
    denied,
    run: (agent, timer) =>
      agent.timers.cancel(toId(timer))
        ? ok()
        : failed('not-found', 'it has no such timer, or that has rung: nothing is left to cancel'),
  },
});
