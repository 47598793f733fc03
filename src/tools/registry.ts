/** The tools that agents are offered: registered by name, called with JSON. */

import { RingfenceError } from '../errors.ts';
import { hasPrototypeField, readJson } from '../json-schema/text.ts';
import { answerJson } from './answer.ts';
import { Ending, type EndReason, endedOutcome } from './ending.ts';
import { failure, saidOf, type ToolOutcome } from './outcome.ts';
import { Pace } from './pace.ts';
import { isContinuation, STREAMS_PER_AGENT_MAX, Streams } from './streams.ts';
import {
  readTool,
  type Tool,
  type ToolDescription,
  type ToolHandler,
  type ToolListing,
} from './tool.ts';
import { type Release, Turns } from './turns.ts';
import type { Asker } from './waiting.ts';

/** Whether a call's arguments are within the caller's grants: why not, or how long they are. */
export type Admission =
  | { readonly denied: string }
  /** Aborted when the agent has ended, or the grant is no longer in force. */
  | { readonly until: AbortSignal };

/** Who calls, as the kernel knows it. */
export interface Caller {
  readonly pid: number;
  readonly agentId: string;
  /** Who the agent counts for: turns and places to wait are shared by owners, then by their agents. */
  readonly owner: string;
  /** Aborted when nobody waits for this call any more. */
  readonly signal: AbortSignal;
  /** Asked once the arguments were read, before anything else is done with them. */
  admit(args: unknown): Admission;
  /**
   * Asked once nothing is in the way of the call any more, right before its handler is: why it must not be
   * reached; null: it may. Absent: it may.
   */
  begin?(): Promise<ToolOutcome | null>;
}

/** How often a tool was called, by how that came out. */
export interface ToolCount {
  readonly name: string;
  readonly calls: number;
  readonly failures: number;
}

interface Registered {
  readonly tool: Tool;
  readonly turns: Turns;
  readonly pace: Pace;
  readonly gone: AbortController;
  calls: number;
  failures: number;
}

const FAILED = failure('unavailable', 'the tool failed: the host knows why');

const isAsyncIterable = (value: unknown): value is AsyncIterable<unknown> =>
  typeof value === 'object' && value !== null && Symbol.asyncIterator in value;

/** The tools of a kernel, by name. */
export class ToolRegistry {
  readonly #tools = new Map<string, Registered>();
  readonly #streams = new Streams();
  readonly #onFailure: (tool: string, error: unknown) => void;

  /** `onFailure` is told what a handler threw. */
  constructor(onFailure: (tool: string, error: unknown) => void) {
    this.#onFailure = onFailure;
  }

  /**
   * Offers a tool; `isOwn`: it is of the catalogue.
   *
   * @throws {RingfenceError} `RF_USAGE` for a name that is taken, a description of the wrong shape, or
   * parameters that are no schema that is taken.
   */
  register(
    description: ToolDescription,
    handler: ToolHandler,
    options: { readonly isOwn?: boolean } = {},
  ): void {
    const tool = readTool(description, handler, options);
    const { name } = tool.listing;
    if (this.#tools.has(name)) {
      throw new RingfenceError(
        'RF_USAGE',
        `Cannot register the tool '${name}' as the name is taken: choose another, or unregister it first.`,
        { name },
      );
    }
    this.#tools.set(name, {
      tool,
      turns: new Turns(tool.limits),
      pace: new Pace(tool.limits.callsPerMinute, () => performance.now()),
      gone: new AbortController(),
      calls: 0,
      failures: 0,
    });
  }

  /** Offers a tool no longer: its calls under way and its streams are given up. False: there was none. */
  unregister(name: string): boolean {
    const registered = this.#tools.get(name);
    this.#tools.delete(name);
    registered?.gone.abort();
    return registered !== undefined;
  }

  /** Whether there is a tool of this name. */
  has(name: string): boolean {
    return this.#tools.has(name);
  }

  /** What is said of each, in the order of their registration. */
  list(): ToolListing[] {
    return [...this.#tools.values()].map(({ tool }) => tool.listing);
  }

  /** How often each was called, in the order of their registration. */
  counts(): ToolCount[] {
    return [...this.#tools.values()].map(({ tool, calls, failures }) => ({
      name: tool.listing.name,
      calls,
      failures,
    }));
  }

  /** An agent has ended: nothing is kept of it. */
  exited(pid: number): void {
    for (const { pace } of this.#tools.values()) {
      pace.forget(pid);
    }
  }

  /** Calls a tool. Whatever its handler throws, the agent learns what a `ToolError` says and nothing else. */
  async call(name: string, argumentsJson: string, caller: Caller): Promise<ToolOutcome> {
    const registered = this.#tools.get(name);
    if (registered === undefined) {
      return failure('not-found', 'no tool has this name: ask the host which tools it offers');
    }
    registered.calls += 1;
    const outcome = await this.#read(registered, argumentsJson, caller);
    registered.failures += outcome.tag === 'err' ? 1 : 0;
    return outcome;
  }

  #read(registered: Registered, argumentsJson: string, caller: Caller) {
    const { limits, listing, validate } = registered.tool;
    if (Buffer.byteLength(argumentsJson) > limits.maxArgumentBytes) {
      return failure(
        'limit-exceeded',
        `the arguments are larger than ${limits.maxArgumentBytes} bytes: pass less`,
      );
    }
    const read = readJson(argumentsJson);
    if (read.tag === 'err') {
      return failure(
        'invalid',
        read.why === 'too deep'
          ? 'the arguments have more than 64 levels: pass flatter ones'
          : 'the arguments are not JSON: pass a JSON object',
      );
    }
    if (isContinuation(read.val)) {
      return this.#streams.continue(listing.name, read.val, caller);
    }
    const admission = caller.admit(read.val);
    if ('denied' in admission) {
      return failure('denied', admission.denied);
    }
    if (validate !== null) {
      const misfit = validate(read.val);
      if (misfit !== null || hasPrototypeField(read.val)) {
        const { path, message } = misfit ?? { path: '', message: "has a field '__proto__'" };
        return failure('invalid', `arguments${path}: ${message}`);
      }
    }
    if (!registered.pace.take(caller.pid)) {
      return failure(
        'limit-exceeded',
        `the tool was called more than ${limits.callsPerMinute} times in a minute: wait`,
      );
    }
    return this.#work(registered, read.val, caller, admission.until);
  }

  async #work(
    registered: Registered,
    args: unknown,
    caller: Caller,
    until: AbortSignal,
  ): Promise<ToolOutcome> {
    const { tool, turns } = registered;
    if (turns.isClogged) {
      return failure('unavailable', 'too many calls of the tool were given up and go on: wait');
    }
    const ending = new Ending();
    ending.within(tool.limits.timeoutMs);
    ending.on(caller.signal, 'abandoned');
    ending.on(until, 'revoked');
    ending.on(registered.gone.signal, 'unregistered');
    const release = turns.take(caller) ?? (await turnOf(turns, caller, ending));
    if (release === null) {
      ending.settle();
      return ending.reason === null
        ? failure('limit-exceeded', 'too many calls of the tool wait for their turn: try later')
        : endedOutcome(ending.reason);
    }
    if (caller.begin !== undefined) {
      const refused = await caller.begin();
      if (refused !== null || ending.reason !== null) {
        ending.settle();
        release();
        return refused ?? endedOutcome(ending.reason ?? 'closed');
      }
    }
    return this.#run(registered, args, { caller, ending, release });
  }

  /** Runs the handler; `release` is called when its work is done, or was given up. */
  async #run(
    { tool, turns }: Registered,
    args: unknown,
    { caller, ending, release }: { caller: Caller; ending: Ending; release: Release },
  ): Promise<ToolOutcome> {
    const { name } = tool.listing;
    const { maxAnswerBytes, timeoutMs } = tool.limits;
    try {
      const { pid, agentId } = caller;
      const made = tool.handler(args, { pid, agentId, signal: ending.signal });
      const answer = await orEnded(made, ending, turns);
      if ('ended' in answer) {
        release();
        return endedOutcome(answer.ended);
      }
      if (!isAsyncIterable(answer.value)) {
        ending.settle();
        release();
        return { tag: 'ok', val: answerJson(answer.value, maxAnswerBytes) };
      }
      if (!this.#streams.hasRoom(pid)) {
        ending.end('closed');
        release();
        return failure(
          'limit-exceeded',
          `${STREAMS_PER_AGENT_MAX} streams are open: read one to its end, or close it`,
        );
      }
      ending.untimed();
      const stream = this.#streams.open(answer.value, {
        pid,
        tool: name,
        ending,
        itemBytesMax: maxAnswerBytes,
        timeoutMs,
        isWaitedFor: () => turns.isWaitedFor,
        onFailure: (error) => this.#onFailure(name, error),
        onGone: release,
      });
      const first = await stream.next(null, caller.signal);
      // The stream outlives the call that has opened it.
      ending.forget(caller.signal);
      return first;
    } catch (error) {
      ending.settle();
      release();
      const said = saidOf(error);
      if (said === null) {
        // What a handler throws may name host paths or secrets: it is for the operator alone.
        this.#onFailure(name, error);
      }
      return said ?? FAILED;
    }
  }
}

/** A turn, when there is one; null: its place is others', or it has ended. */
function turnOf(turns: Turns, { owner, pid }: Asker, ending: Ending): Promise<Release | null> {
  return new Promise((resolve) => {
    const cancel = turns.wait({ owner, pid, begin: resolve, displaced: () => resolve(null) });
    if (cancel === null) {
      resolve(null);
      return;
    }
    ending.ended(() => {
      cancel();
      resolve(null);
    });
  });
}

/** What a handler answers, unless it is given up before: then what it does later is nobody's. */
async function orEnded(
  made: unknown,
  ending: Ending,
  turns: Turns,
): Promise<{ readonly value: unknown } | { readonly ended: EndReason }> {
  if (!isThenable(made)) {
    return ending.reason === null ? { value: made } : { ended: ending.reason };
  }
  const work = Promise.resolve(made).then((value) => ({ value }));
  const ended = new Promise<{ readonly ended: EndReason }>((resolve) => {
    ending.ended((reason) => resolve({ ended: reason }));
  });
  const first = await Promise.race([work, ended]);
  if ('ended' in first) {
    const settled = turns.leaveBehind();
    work.then(settled, settled);
  }
  return first;
}

const isThenable = (value: unknown): value is PromiseLike<unknown> =>
  (typeof value === 'object' || typeof value === 'function') &&
  value !== null &&
  typeof (value as { then?: unknown }).then === 'function';
