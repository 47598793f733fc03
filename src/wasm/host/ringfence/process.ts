/** `ringfence:agent/process`: who am I, starting, stopping and watching others. */

import { SIGNALS_UNREAD_MAX } from '../../../ipc/message.ts';
import type { Question } from '../../../ipc/question.ts';
import { ok } from '../abi/binding.ts';
import type { Caller, Operation } from '../agent.ts';
import type { Functions } from '../generated/ringfence-agent-process.ts';
import { type Interface, implement } from '../implement.ts';
import { asking, cancelAsking, nothing } from './asking.ts';
import { denied, type Failed, failed, failedOutcome } from './errors.ts';
import { toId } from './numbers.ts';

interface Spawning {
  readonly operation: Operation<number>;
}

/** Null: it may cause more. */
function tooManyUnread(agent: Caller): Failed | null {
  return agent.pending === undefined && agent.mailbox.signals >= SIGNALS_UNREAD_MAX
    ? failed(
        'limit-exceeded',
        `it has not received ${SIGNALS_UNREAD_MAX} exits, monitors and timers: receive them first`,
      )
    : null;
}

/**
 * About one other agent, or itself. Whom it may concern the kernel decides: it knows who is whose child
 * (supervisor/router.ts).
 */
const about = <Value>(question: (value: Value) => Question) => ({
  blocking: true,
  cancel: cancelAsking,
  run: (agent: Caller, value: Value) => asking(agent, () => question(value), nothing),
});

const INTERFACE = 'ringfence:agent/process';

type OfOthers = 'stop' | 'link' | 'unlink' | 'monitor' | 'demonitor' | 'trap-exit';

/** Those that ask the kernel about others: a function of the program can, too. */
export const others = implement<Pick<Functions, OfOthers>, Caller>(INTERFACE, null, {
  stop: {
    capability: 'spawn',
    denied,
    blocking: true,
    cancel: cancelAsking,
    run: (agent, pid, mode) =>
      asking(agent, () => ({ ask: 'stop', pid: toId(pid), mode }), nothing),
  },
  link: about((pid: bigint) => ({ ask: 'link', pid: toId(pid) })),
  unlink: about((pid: bigint) => ({ ask: 'unlink', pid: toId(pid) })),
  monitor: {
    blocking: true,
    cancel: cancelAsking,
    run: (agent, pid) =>
      tooManyUnread(agent) ??
      asking(
        agent,
        () => ({ ask: 'monitor', pid: toId(pid) }),
        (monitor) => BigInt(monitor as number),
      ),
  },
  demonitor: about((monitor: bigint) => ({ ask: 'demonitor', monitor: toId(monitor) })),
  'trap-exit': about((enabled: boolean) => ({ ask: 'trap-exit', enabled })),
});

const itself = implement<Omit<Functions, OfOthers>>(INTERFACE, null, {
  self: (agent) => BigInt(agent.pid),
  parent: (agent) => BigInt(agent.parentPid),
  spawn: {
    capability: 'spawn',
    denied,
    blocking: true,
    // Whether the child was spawned already is not known: it is, or it is not, and nobody waits.
    cancel: (agent) => (agent.pending as Spawning).operation.abandon(),
    run(agent, request) {
      const refused = tooManyUnread(agent);
      if (refused !== null) {
        return refused;
      }
      const spawning = (agent.pending as Spawning | undefined) ?? {
        operation: agent.spawn(request),
      };
      agent.pending = spawning;
      const { outcome } = spawning.operation;
      if (outcome === null) {
        return agent.wait(spawning.operation.onSettled);
      }
      return outcome.tag === 'ok' ? ok(BigInt(outcome.val)) : failedOutcome(outcome);
    },
  },
});

export const agentProcess: Interface = new Map([...itself, ...others]);
