/**
 * One call of a host function by a function of the program.
 *
 * It goes through the very host function that guests' calls go through, gate included. Where that answers
 * "wait" a guest is suspended; here a promise waits. A guest has one call under way; a function can have
 * several, so what belongs to a call under way is kept here, and the rest is the agent's.
 */

import type { HeldGrant, HeldGrants } from '../../capability/held.ts';
import { RingfenceError } from '../../errors.ts';
import type { Asker, Conversations } from '../../ipc/conversations.ts';
import type { Address, Body, Payload } from '../../ipc/message.ts';
import type { Answer, Question } from '../../ipc/question.ts';
import type { ControlBlock } from '../../resource/control-blocks.ts';
import type { Limits } from '../../resource/limits.ts';
import { WAIT } from '../../wasm/host/abi/binding.ts';
import type {
  Caller,
  Clocks,
  LogSink,
  MailboxView,
  Operation,
  Subscribe,
  TimersView,
  Unsubscribe,
} from '../../wasm/host/agent.ts';

/** The agent whose calls they are. */
export interface Calling {
  readonly pid: number;
  readonly parentPid: number;
  readonly grants: HeldGrants;
  readonly limits: Limits;
  readonly block: ControlBlock;
  readonly log: LogSink;
  readonly clocks: Clocks;
  /** Without the replies: those go to the requests that wait for them. */
  readonly mail: MailboxView;
  readonly timers: TimersView;
  readonly conversations: Conversations;
  forgot(asker: Asker): void;
  /** It waits no longer for the reply to a request of its own. */
  gaveUp(correlation: number): void;
  readonly ended: boolean;
  /** Null: it may go on. Otherwise resolves when others had their turn. */
  turnOver(): Promise<void> | null;
  /** Null: it may go on. Otherwise resolves when it was suspended no longer. */
  readonly rest: Promise<void> | null;
  /** Throws when it has ended. */
  checkAlive(): void;
  hold(bytes: number): boolean;
  release(bytes: number): void;
  deny(capability: string, operation: string): void;
  send(to: Address, body: Body, payload: Payload, waitMs: number | null): Operation<number>;
  ask(question: Question): Operation<Answer>;
  callTool(name: string, argumentsJson: string): Operation<string>;
  /** A call of it waits; it is woken when the agent ends, or when its grant is gone. */
  waits(call: Call): void;
  /** It waits no more. */
  goesOn(call: Call): void;
}

/** A host function, as it is called here: the gate looks at nothing but the agent. */
export type HostFunctionOf<Work extends (...args: never[]) => unknown> = (
  call: { readonly agent: Caller },
  ...args: Parameters<Work>
) => ReturnType<Work> | typeof WAIT;

/** One call, from its first try to its answer. */
export class Call implements Caller {
  pending: unknown;
  waitsUnder: HeldGrant | null = null;
  readonly #agent: Calling;
  #unsubscribe: Unsubscribe | null = null;
  #wake: (() => void) | null = null;
  #woken: Promise<void> | null = null;

  constructor(agent: Calling) {
    this.#agent = agent;
  }

  get pid(): number {
    return this.#agent.pid;
  }
  get parentPid(): number {
    return this.#agent.parentPid;
  }
  get grants(): HeldGrants {
    return this.#agent.grants;
  }
  get limits(): Limits {
    return this.#agent.limits;
  }
  get block(): ControlBlock {
    return this.#agent.block;
  }
  get log(): LogSink {
    return this.#agent.log;
  }
  get clocks(): Clocks {
    return this.#agent.clocks;
  }
  get mailbox(): MailboxView {
    return this.#agent.mail;
  }
  get timers(): TimersView {
    return this.#agent.timers;
  }
  get conversations(): Conversations {
    return this.#agent.conversations;
  }

  forgot(asker: Asker): void {
    this.#agent.forgot(asker);
  }

  /** Calls the host function until it answers. Rejects with `RF_CLOSED` when the agent has ended. */
  async run<Work extends (...args: never[]) => unknown>(
    fn: HostFunctionOf<Work>,
    ...args: Parameters<Work>
  ): Promise<ReturnType<Work>> {
    const turnOver = this.#agent.turnOver();
    if (turnOver !== null) {
      await turnOver;
    }
    for (;;) {
      while (this.#agent.rest !== null) {
        await this.#agent.rest;
      }
      const answer = fn({ agent: this }, ...args);
      if (answer !== WAIT) {
        return answer as ReturnType<Work>;
      }
      this.#agent.waits(this);
      await this.#woken;
      this.#unsubscribe?.();
      this.#agent.goesOn(this);
    }
  }

  wait(subscribe: Subscribe): typeof WAIT {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#woken = promise;
    this.#wake = resolve;
    this.#unsubscribe = subscribe(resolve);
    return WAIT;
  }

  /** It is to try again. */
  wake(): void {
    this.#wake?.();
  }

  checkAlive(): void {
    this.#agent.checkAlive();
  }
  hold(bytes: number): boolean {
    return this.#agent.hold(bytes);
  }
  release(bytes: number): void {
    this.#agent.release(bytes);
  }
  deny(capability: string, operation: string): void {
    this.#agent.deny(capability, operation);
  }
  send(to: Address, body: Body, payload: Payload, waitMs: number | null): Operation<number> {
    return this.#agent.send(to, body, payload, waitMs);
  }
  ask(question: Question): Operation<Answer> {
    return this.#agent.ask(question);
  }
  callTool(name: string, argumentsJson: string): Operation<string> {
    return this.#agent.callTool(name, argumentsJson);
  }

  /** A guest is ended where no typed answer fits; of a function only the call fails. */
  trap(message: string): never {
    throw new RingfenceError('RF_UNAVAILABLE', `Cannot do it: ${message}.`, { pid: this.pid });
  }
}
