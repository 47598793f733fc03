/** A call of a tool that a host function has begun, and what the host holds for the caller meanwhile. */

import type { Caller, Operation, Outcome, Subscribe } from './agent.ts';

/** Characters of a call's arguments. */
export const ARGUMENTS_CHARACTERS_MAX = 1024 * 1024;

/** The host would hold too much for the agent. */
export const HOLDS_TOO_MUCH = {
  tag: 'err',
  error: 'limit-exceeded',
  message: 'the host holds too much for the agent: pass and ask for less',
} as const;

/** One call that is under way. */
export class ToolCall {
  readonly #operation: Operation<string>;
  /** Bytes that are held for the arguments. */
  readonly #bytes: number;

  private constructor(operation: Operation<string>, bytes: number) {
    this.#operation = operation;
    this.#bytes = bytes;
  }

  /** Hands a call on. Null: the host would hold too much. */
  static begin(agent: Caller, name: string, argumentsJson: string): ToolCall | null {
    const bytes = argumentsJson.length * 2;
    return agent.hold(bytes) ? new ToolCall(agent.callTool(name, argumentsJson), bytes) : null;
  }

  get isSettled(): boolean {
    return this.#operation.outcome !== null;
  }

  get onSettled(): Subscribe {
    return this.#operation.onSettled;
  }

  /** How it came out: asked once, as soon as it is settled. What it answers is no longer held. */
  settle(agent: Caller): Outcome<string> {
    const outcome = this.#operation.outcome as Outcome<string>;
    agent.release(this.#bytes);
    if (outcome.tag === 'err') {
      return outcome;
    }
    const bytes = outcome.val.length * 2;
    if (!agent.hold(bytes)) {
      return HOLDS_TOO_MUCH;
    }
    // It is the guest's as soon as the answer is lowered.
    agent.release(bytes);
    return outcome;
  }

  /** Whether the tool has done its work already is not known: it is told to stop, and nobody waits. */
  abandon(agent: Caller): void {
    this.#operation.abandon();
    agent.release(this.#bytes);
  }
}
