/** One agent in a worker thread, from the kernel's side. */

import type { HeldGrant } from '../../capability/held.ts';
import type { ToExchange } from '../../http/exchange.ts';
import type { Mail, Signal } from '../../ipc/message.ts';
import { COMMAND } from '../../resource/control-blocks.ts';
import type { ToWorker } from '../../wasm/worker/protocol.ts';
import type {
  BackendAgent,
  BackendEnd,
  BackendEvents,
  BackendStart,
  CallOutcome,
} from '../backend.ts';
import { Deadline } from '../deadline.ts';
import { Operations } from '../operations.ts';

/** The thread, as its agents need it. */
export interface AgentThread {
  post(message: ToWorker): void;
  deliver(
    to: number,
    mail: Mail,
    waitMs: number | null,
    signal?: AbortSignal,
  ): Promise<CallOutcome<number>>;
  /** Resolves when its event loop has had a turn after the call; never where its thread is gone. */
  answers(): Promise<void>;
  /** How many agents have ended on it. */
  readonly ends: number;
  /** The last resort against a thread that does not answer. */
  terminate(): void;
}

/** An agent of a thread: what it has asked for, and its last resort. */
export class RunningAgent implements BackendAgent {
  readonly start: BackendStart;
  readonly events: BackendEvents;
  readonly operations: Operations;
  readonly #thread: AgentThread;
  readonly #deadline: Deadline;
  #exited = false;

  constructor(start: BackendStart, events: BackendEvents, thread: AgentThread) {
    const { pid } = start;
    this.start = start;
    this.events = events;
    this.#thread = thread;
    this.operations = new Operations((id, outcome) =>
      thread.post({ kind: 'settled', pid, id, outcome }),
    );
    this.#deadline = new Deadline(
      () => {
        // It counts as ended by its timeout, unless it was to be ended before.
        start.block.request(COMMAND.timeout);
        thread.terminate();
      },
      () => thread.ends,
    );
    if (start.limits.wallTimeMs !== 0) {
      this.#deadline.set(start.spawnedAtMs + start.limits.wallTimeMs);
    }
  }

  command(message: string): void {
    this.#thread.post({ kind: 'command', pid: this.start.pid, message });
    this.#deadline.setNow();
  }

  answers(): Promise<void> {
    return this.#thread.answers();
  }

  reap(): void {
    this.#thread.terminate();
  }

  /** Its worker sees that in shared memory, before it runs again and at the end of each slice. */
  suspended(): void {}

  resumed(): void {
    this.#thread.post({ kind: 'resumed', pid: this.start.pid });
  }

  deliver(mail: Mail, waitMs: number | null, signal?: AbortSignal): Promise<CallOutcome<number>> {
    return this.#thread.deliver(this.start.pid, mail, waitMs, signal);
  }

  signal(signal: Signal): void {
    this.#thread.post({ kind: 'signal', pid: this.start.pid, signal });
  }

  exchange(say: ToExchange): void {
    this.#thread.post({ kind: 'exchange', pid: this.start.pid, say });
  }

  granted(grant: HeldGrant): void {
    this.#thread.post({ kind: 'grant', pid: this.start.pid, grant });
  }

  /** The bits are in shared memory: no check of the worker's can miss them already. */
  async revoked(): Promise<void> {
    this.#thread.post({ kind: 'revoked', pid: this.start.pid });
  }

  exited(end: BackendEnd): void {
    if (this.#exited) {
      return;
    }
    this.#exited = true;
    this.#deadline.clear();
    this.operations.abandonAll();
    this.events.exited(end);
  }
}
