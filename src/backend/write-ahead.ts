/**
 * A backend whose agents begin when it is on disk that they do, where they are recorded: until then they wait,
 * and whatever is told to them waits with them, in order. The same holds for a grant that must be recorded first.
 */

import type { HeldGrant } from '../capability/held.ts';
import type { ToExchange } from '../http/exchange.ts';
import type { Mail, Signal } from '../ipc/message.ts';
import type {
  Backend,
  BackendAgent,
  BackendEnd,
  BackendEvents,
  BackendStart,
  CallOutcome,
} from './backend.ts';
import { endOfLost } from './lost.ts';

/** What is waited for. */
export interface WriteAhead {
  /** Resolves when it is on disk that the agent starts, rejects where that can't be; null: nobody waits. */
  started(pid: number): Promise<void> | null;
  /** The same of a grant that was given in this turn, and it is to be told of. */
  grantOnDisk(grant: Pick<HeldGrant, 'kind'>): Promise<void> | null;
}

interface Waiting {
  /** Null: it only waits for those before it. */
  readonly after: Promise<void> | null;
  /** Null: the agent has ended before it has begun. */
  pass(agent: BackendAgent | null): void;
  failed(): void;
}

const NOT_RECORDED: BackendEnd = {
  code: -1,
  reason: 'internal',
  message: 'its start could not be recorded',
  undelivered: [],
  lost: 0,
};

const NOT_STARTED: BackendEnd = { ...NOT_RECORDED, message: 'it could not be started' };

const ignored = (): void => {};

const isKept = (promise: Promise<void>): Promise<boolean> =>
  promise.then(
    () => true,
    () => false,
  );

/** An agent that may not have begun. */
class WriteAheadAgent implements BackendAgent {
  readonly #start: BackendStart;
  readonly #events: BackendEvents;
  readonly #log: WriteAhead;
  readonly #waiting: Waiting[] = [];
  #agent: BackendAgent | null = null;
  #isPassing = false;
  #isOver = false;

  constructor(inner: Backend, start: BackendStart, events: BackendEvents, log: WriteAhead) {
    this.#start = start;
    this.#events = events;
    this.#log = log;
    const after = log.started(start.pid);
    if (after === null) {
      this.#agent = inner.start(start, events);
      return;
    }
    this.#add({
      after,
      pass: () => this.#begin(inner),
      failed: () => this.#end(NOT_RECORDED),
    });
  }

  #begin(inner: Backend): void {
    if (this.#isOver) {
      return;
    }
    try {
      this.#agent = inner.start(this.#start, this.#events);
    } catch {
      this.#end(NOT_STARTED);
    }
  }

  /** It has not begun, and will not. */
  #end(end: BackendEnd): void {
    if (!this.#isOver) {
      this.#isOver = true;
      queueMicrotask(() => this.#events.exited(end));
    }
  }

  #add(waiting: Waiting): void {
    if (waiting.after === null && !this.#isPassing) {
      waiting.pass(this.#agent);
      return;
    }
    this.#waiting.push(waiting);
    if (!this.#isPassing) {
      this.#isPassing = true;
      void this.#pass();
    }
  }

  async #pass(): Promise<void> {
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      if (next.after === null || (await isKept(next.after))) {
        next.pass(this.#agent);
      } else {
        next.failed();
      }
    }
    this.#isPassing = false;
  }

  #tell(pass: (agent: BackendAgent) => void): void {
    this.#add({
      after: null,
      pass: (agent) => {
        if (agent !== null) {
          pass(agent);
        }
      },
      failed: ignored,
    });
  }

  command(message: string): void {
    if (this.#agent === null) {
      this.#end(endOfLost(this.#start.block, message));
    } else {
      this.#agent.command(message);
    }
  }

  /** Nothing runs it yet that could be silent. */
  async answers(): Promise<void> {
    await this.#agent?.answers();
  }

  reap(): void {
    if (this.#agent === null) {
      this.#end(endOfLost(this.#start.block, ''));
    } else {
      this.#agent.reap();
    }
  }

  suspended(): void {
    this.#tell((agent) => agent.suspended());
  }

  resumed(): void {
    this.#tell((agent) => agent.resumed());
  }

  granted(grant: HeldGrant): void {
    this.#add({
      after: this.#log.grantOnDisk(grant),
      pass: (agent) => agent?.granted(grant),
      failed: ignored,
    });
  }

  revoked(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#add({
        after: null,
        pass: (agent) => (agent?.revoked() ?? Promise.resolve()).then(resolve, reject),
        failed: resolve,
      });
    });
  }

  deliver(mail: Mail, waitMs: number | null, signal?: AbortSignal): Promise<CallOutcome<number>> {
    return new Promise((resolve, reject) => {
      this.#add({
        after: null,
        pass: (agent) => {
          if (agent === null) {
            resolve({ tag: 'err', error: 'closed', message: 'the receiver has ended' });
          } else {
            agent.deliver(mail, waitMs, signal).then(resolve, reject);
          }
        },
        failed: ignored,
      });
    });
  }

  signal(signal: Signal): void {
    this.#tell((agent) => agent.signal(signal));
  }

  exchange(say: ToExchange): void {
    this.#tell((agent) => agent.exchange?.(say));
  }
}

/** Starts agents by another backend, when it is on disk that they start. */
export class WriteAheadBackend implements Backend {
  readonly #inner: Backend;
  readonly #log: WriteAhead;

  constructor(inner: Backend, log: WriteAhead) {
    this.#inner = inner;
    this.#log = log;
  }

  get name(): Backend['name'] {
    return this.#inner.name;
  }

  start(start: BackendStart, events: BackendEvents): BackendAgent {
    return new WriteAheadAgent(this.#inner, start, events, this.#log);
  }

  close(): Promise<void> {
    return this.#inner.close();
  }
}
