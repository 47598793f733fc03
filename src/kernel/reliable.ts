/** Reliable delivery of the program's messages: to an agent, or to whoever provides a service by then. */

import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod';
import { RingfenceError } from '../errors.ts';
import type { DeadLetterReason, DeadLetters } from '../ipc/dead-letters.ts';
import { heldBytes, type Mail, type Payload } from '../ipc/message.ts';
import { type MessageInput, readMessage } from '../ipc/payload.ts';
import {
  type AttemptOutcome,
  DEFAULT_RETRY_RULES,
  type ReliableOutcome,
  type RetryRules,
  sendUntilAcknowledged,
} from '../ipc/reliable.ts';
import { KERNEL_PID, type Pid } from '../process/state.ts';
import type { Supervisor } from '../supervisor/supervisor.ts';
import { TIMER_MS_MAX } from '../timer.ts';
import { usageError } from '../usage-error.ts';

/** What is sent until it is acknowledged. */
export interface ReliableSend {
  /** An agent; or a service, whoever provides it at each attempt. */
  readonly to: Pid | { readonly service: string };
  readonly message: MessageInput;
  /** Attempts after the first, up to 100. @default 3 */
  readonly retries?: number;
  /** How long the first attempt waits for its reply, in milliseconds; each further one twice as long. @default 5000 */
  readonly initialMs?: number;
  /** The longest that an attempt waits. @default 30000 */
  readonly maxMs?: number;
  /** Gives it up. */
  readonly signal?: AbortSignal;
}

/** Messages that are under way at a time, and the bytes that are held for them. */
const RELIABLE_MAX = 1_000;
const RELIABLE_BYTES_MAX = 64 * 1024 * 1024;

const milliseconds = z.int().min(1).max(TIMER_MS_MAX).optional();

const sendSchema = z.strictObject({
  to: z.union([z.int().positive(), z.strictObject({ service: z.string().min(1).max(256) })]),
  message: z.unknown(),
  retries: z.int().min(0).max(100).optional(),
  initialMs: milliseconds,
  maxMs: milliseconds,
  signal: z.instanceof(AbortSignal).optional(),
});

/** Where it sends, and where what was in vain goes. */
export interface ReliableOptions {
  readonly supervisor: Supervisor;
  readonly deadLetters: DeadLetters;
  /** Aborted when the kernel is closed. */
  readonly closing: AbortSignal;
}

interface UnderWay {
  readonly to: ReliableSend['to'];
  readonly payload: Payload;
  readonly signal: AbortSignal;
  /** The last that was tried; null: nobody provided the service. */
  pid: Pid | null;
  /** Why the last attempt has failed, as a dead letter says it. */
  why: DeadLetterReason;
}

/** Sends until it is acknowledged. */
export class ReliableSends {
  readonly #options: ReliableOptions;
  #underWay = 0;
  #bytes = 0;

  constructor(options: ReliableOptions) {
    this.#options = options;
  }

  /** @throws {RingfenceError} see {@link Kernel.sendReliably} */
  async send(given: ReliableSend): Promise<Payload> {
    const parsed = sendSchema.safeParse(given);
    if (!parsed.success) {
      throw usageError('send the message', parsed.error);
    }
    const payload = readMessage(given.message);
    const { closing } = this.#options;
    const { to, signal: own } = parsed.data;
    const signal = own === undefined ? closing : AbortSignal.any([closing, own]);
    const bytes = heldBytes(payload);
    this.#take(bytes);
    try {
      const sent: UnderWay = { to, payload, signal, pid: null, why: 'timeout' };
      const outcome = await this.#untilAcknowledged(sent, rulesOf(parsed.data));
      if (outcome.tag === 'acknowledged') {
        return outcome.reply;
      }
      throw this.#inVain(sent, outcome);
    } catch (error) {
      throw signal.aborted ? givenUp(to, closing.aborted) : error;
    } finally {
      this.#underWay -= 1;
      this.#bytes -= bytes;
    }
  }

  #take(bytes: number): void {
    if (this.#underWay >= RELIABLE_MAX || this.#bytes + bytes > RELIABLE_BYTES_MAX) {
      throw new RingfenceError(
        'RF_LIMIT_EXCEEDED',
        `Cannot send the message reliably as ${this.#underWay} of ${this.#bytes} bytes are under way, and ${RELIABLE_MAX} of ${RELIABLE_BYTES_MAX} are the most: wait for some.`,
        { messages: this.#underWay, bytes: this.#bytes },
      );
    }
    this.#underWay += 1;
    this.#bytes += bytes;
  }

  #untilAcknowledged(
    sent: UnderWay,
    { retries, initialMs, maxMs }: RetryRules,
  ): Promise<ReliableOutcome> {
    const time = {
      now: () => performance.now(),
      wait: (ms: number) => sleep(Math.ceil(ms), undefined, { signal: sent.signal }),
    };
    return sendUntilAcknowledged({ retries, initialMs, maxMs }, time, (timeoutMs) => {
      sent.signal.throwIfAborted();
      return this.#attempt(sent, timeoutMs);
    });
  }

  async #attempt(sent: UnderWay, timeoutMs: number): Promise<AttemptOutcome> {
    const { supervisor } = this.#options;
    const isService = typeof sent.to === 'object';
    sent.pid = isService ? (supervisor.services.provider(sent.to.service) ?? null) : sent.to;
    if (sent.pid === null) {
      return this.#failed(sent, 'not_found', false);
    }
    const outcome = await supervisor.mail.request(sent.pid, sent.payload, timeoutMs, sent.signal);
    if (outcome.tag === 'err') {
      const why = supervisor.mail.whyUndelivered(sent.pid, outcome.error);
      // What the receiver could never hold, for instance, it can't hold later either.
      return this.#failed(sent, why ?? 'mailbox_full', why === null || (!isService && isGone(why)));
    }
    switch (outcome.val) {
      case 'timeout':
        return this.#failed(sent, 'timeout', false);
      case 'closed':
        return this.#failed(sent, 'exited', !isService);
      case 'cancelled':
        return { tag: 'failed' };
      default:
        return { tag: 'acknowledged', reply: outcome.val };
    }
  }

  #failed(sent: UnderWay, why: DeadLetterReason, forGood: boolean): AttemptOutcome {
    sent.why = why;
    return { tag: forGood ? 'failed' : 'again' };
  }

  #inVain(sent: UnderWay, { tag, attempts }: ReliableOutcome): RingfenceError {
    sent.signal.throwIfAborted();
    const reason = tag === 'failed' ? sent.why : 'timeout';
    const mail: Mail = { tag: 'message', sender: KERNEL_PID, payload: sent.payload };
    this.#options.deadLetters.add(sent.pid, mail, reason, attempts);
    const [code, what] = ENDS[reason];
    return new RingfenceError(
      code,
      `Cannot deliver the message to ${nameOf(sent.to)}: ${what}, after ${attempts} attempts; it is among the dead letters.`,
      { attempts, reason },
    );
  }
}

function rulesOf(given: z.infer<typeof sendSchema>): RetryRules {
  const { retries, initialMs, maxMs } = DEFAULT_RETRY_RULES;
  return {
    retries: given.retries ?? retries,
    initialMs: given.initialMs ?? initialMs,
    maxMs: given.maxMs ?? maxMs,
  };
}

const isGone = (why: DeadLetterReason): boolean => why === 'exited' || why === 'not_found';

const ENDS = {
  exited: ['RF_CLOSED', 'it has ended'],
  not_found: ['RF_PROCESS_NOT_FOUND', 'it was never spawned'],
  mailbox_full: ['RF_LIMIT_EXCEEDED', 'it is more than the receiver may hold'],
  timeout: ['RF_TIMEOUT', 'it was not acknowledged'],
} as const;

const nameOf = (to: ReliableSend['to']): string =>
  typeof to === 'object' ? `the service '${to.service}'` : `pid ${to}`;

function givenUp(to: ReliableSend['to'], isClosed: boolean): RingfenceError {
  return isClosed
    ? new RingfenceError(
        'RF_CLOSED',
        `Cannot deliver the message to ${nameOf(to)} as the kernel is closed: open another.`,
      )
    : new RingfenceError(
        'RF_CANCELLED',
        `Cannot deliver the message to ${nameOf(to)}: it was given up before it was acknowledged.`,
      );
}
