/** What the program that spawned an agent sees and does of it. */

import * as z from 'zod';
import type { Grant } from '../capability/grant.ts';
import { type ErrorCode, RingfenceError } from '../errors.ts';
import type { Payload } from '../ipc/message.ts';
import { type MessageInput, readMessage } from '../ipc/payload.ts';
import type { Findings } from '../process/diagnosis.ts';
import { checkTransition, type Pid, type ProcessState } from '../process/state.ts';
import type { Recording } from '../recording/file.ts';
import type { Usage } from '../resource/usage.ts';
import type { Process } from '../supervisor/process.ts';
import type { Report } from '../supervisor/report.ts';
import { DEFAULT_SHUTDOWN_MS } from '../supervisor/specification.ts';
import type { Supervisor } from '../supervisor/supervisor.ts';
import { TIMER_MS_MAX } from '../timer.ts';
import { usageError } from '../usage-error.ts';
import { RunRecording } from './recording.ts';

const sendSchema = z.strictObject({ waitMs: z.number().int().nonnegative().optional() });

const requestSchema = z.strictObject({
  timeoutMs: z.number().int().positive().max(TIMER_MS_MAX).optional(),
  signal: z.instanceof(AbortSignal).optional(),
});

/** How long a request waits for its reply, if nothing else is said: as a call of OTP's gen_server. */
const REQUEST_MS = 5_000;

const stopSchema = z.strictObject({
  shutdownMs: z.number().int().nonnegative().max(TIMER_MS_MAX).optional(),
  message: z.string().max(1_024).optional(),
});

/** An agent, from the outside. */
export class Agent {
  readonly #process: Process;
  readonly #supervisor: Supervisor;

  /** Made by {@link Kernel.spawn}. */
  constructor(process: Process, supervisor: Supervisor) {
    this.#process = process;
    this.#supervisor = supervisor;
  }

  /** Its name in the kernel: from 1, never given out again. */
  get pid(): Pid {
    return this.#process.pid;
  }
  /** The name that it was spawned under; several agents may have the same. */
  get agentId(): string {
    return this.#process.agentId;
  }
  /** Where it is between `starting` and `exited`. */
  get state(): ProcessState {
    return this.#process.state;
  }
  /** Resolves with the report when the agent has ended, for whatever reason. Never rejects. */
  get exited(): Promise<Report> {
    return this.#process.exited;
  }
  /** What was captured of its standard output, where no writer was given. */
  get stdout(): Uint8Array {
    return this.#process.stdout.captured;
  }
  /** What was captured of its standard error, where no writer was given. */
  get stderr(): Uint8Array {
    return this.#process.stderr.captured;
  }
  /**
   * What its host calls have answered, once it has ended; null: it is not recorded, as its spawn did not
   * ask for it.
   */
  get recording(): Promise<Recording> | null {
    const { keeping } = this.#process.request;
    return keeping instanceof RunRecording ? keeping.of(this.#process) : null;
  }
  /** Used so far, or in all once it has ended. */
  usage(): Usage {
    return this.#process.usage;
  }
  /** What it was granted and still has. Empty once it has ended. */
  grants(): Grant[] {
    return this.#supervisor.grants.of(this.pid);
  }
  /** What was found out of it, where {@link SpawnOptions.diagnosis} asked for something and it has ended. */
  findings(): Findings | null {
    return this.#process.findings;
  }
  /** Slices of fuel that it has used up so far. */
  slices(): number {
    return this.#process.slices;
  }

  /**
   * Sends it a message, as the kernel (pid 0). A string is a text, bytes are binary.
   *
   * @throws {RingfenceError} `RF_CLOSED` when it has ended, `RF_MAILBOX_FULL` when there is no room
   * (within `waitMs`), `RF_LIMIT_EXCEEDED` for more than 16 MiB.
   */
  async send(message: MessageInput, options: { readonly waitMs?: number } = {}): Promise<void> {
    const payload = readMessage(message);
    const parsed = sendSchema.safeParse(options);
    if (!parsed.success) {
      throw usageError('send the message', parsed.error);
    }
    const outcome = await this.#supervisor.mail.send(this.pid, payload, options.waitMs ?? null);
    if (outcome.tag === 'err') {
      throw this.#notSent(outcome);
    }
  }

  #notSent(outcome: { readonly error: string; readonly message: string }): RingfenceError {
    const { pid } = this;
    if (this.state === 'exited') {
      // The kernel forgets who exited long ago.
      return new RingfenceError('RF_CLOSED', `Cannot send to pid ${pid}: it has ended.`, { pid });
    }
    const code = CODE_OF_OUTCOME[outcome.error] ?? 'RF_CLOSED';
    return new RingfenceError(code, `Cannot send to pid ${pid}: ${outcome.message}.`, { pid });
  }

  /**
   * Sends it a request, as the kernel (pid 0), and resolves with its reply. It receives a `request`, and
   * answers by `reply`.
   *
   * @throws {RingfenceError} as {@link Agent.send}; `RF_CLOSED` when it ends without a reply too,
   * `RF_TIMEOUT` when none came within `timeoutMs` (5,000 by default), `RF_CANCELLED` when `signal` was
   * aborted.
   */
  async request(
    message: MessageInput,
    options: { readonly timeoutMs?: number; readonly signal?: AbortSignal } = {},
  ): Promise<Payload> {
    const payload = readMessage(message);
    const parsed = requestSchema.safeParse(options);
    if (!parsed.success) {
      throw usageError('send the request', parsed.error);
    }
    const { timeoutMs = REQUEST_MS, signal } = parsed.data;
    const { pid } = this;
    const outcome = await this.#supervisor.mail.request(pid, payload, timeoutMs, signal);
    if (outcome.tag === 'err') {
      throw this.#notSent(outcome);
    }
    switch (outcome.val) {
      case 'closed':
        throw new RingfenceError(
          'RF_CLOSED',
          `Cannot get a reply of pid ${pid}: it has ended without one, or was asked too much besides.`,
          { pid },
        );
      case 'timeout':
        throw new RingfenceError(
          'RF_TIMEOUT',
          `Cannot get a reply of pid ${pid}: none came within ${timeoutMs} ms; wait longer.`,
          { pid, duration_ms: timeoutMs },
        );
      case 'cancelled':
        throw new RingfenceError(
          'RF_CANCELLED',
          `Cannot get a reply of pid ${pid}: it was given up before one came.`,
          { pid },
        );
      default:
        return outcome.val;
    }
  }

  /**
   * Asks it to end: where it is granted `ipc` it receives `cancelled`. When the time has passed it is
   * ended by force; at once where it can't receive anything. Nothing happens to one that has ended.
   *
   * @throws {RingfenceError} `RF_USAGE`
   */
  stop(options: { readonly shutdownMs?: number; readonly message?: string } = {}): void {
    const parsed = stopSchema.safeParse(options);
    if (!parsed.success) {
      throw usageError('stop the agent', parsed.error);
    }
    if (this.state !== 'exited') {
      const { shutdownMs = DEFAULT_SHUTDOWN_MS, message = 'it was stopped' } = parsed.data;
      this.#supervisor.commands.stop(this.pid, shutdownMs, message);
    }
  }

  /**
   * Has it stop at the end of its slice, until it is resumed: it uses no CPU time, and nothing wakes it.
   * What is sent to it is kept in its mailbox, its timeout goes on, and it can be stopped and killed.
   * Nothing happens to one that is suspended.
   *
   * @throws {RingfenceError} `RF_INVALID_STATE_TRANSITION` where it is neither running nor suspended
   */
  suspend(): void {
    if (this.state === 'exited') {
      checkTransition(this.pid, 'exited', 'suspended');
    }
    this.#supervisor.commands.suspend(this.pid);
  }

  /**
   * Lets it go on where it was suspended. Nothing happens to one that is running.
   *
   * @throws {RingfenceError} `RF_INVALID_STATE_TRANSITION` where it is neither suspended nor running
   */
  resume(): void {
    if (this.state === 'exited') {
      checkTransition(this.pid, 'exited', 'running');
    }
    this.#supervisor.commands.resume(this.pid);
  }

  /** Ends it by force; its report says `killed`. Nothing happens to one that has ended. */
  kill(message?: string): void {
    // The kernel forgets who exited long ago; who still has it in hand need not know when.
    if (this.state !== 'exited') {
      this.#supervisor.commands.kill(this.pid, message);
    }
  }

  /**
   * Ends by force all agents that count for its owner ({@link SpawnOptions.owner}), also once it has exited itself:
   * where it was given no owner, itself and all that it has spawned, and those. Resolves when they have exited:
   * who is to end spawns nobody more, so that none is left.
   */
  async killOwned(message?: string): Promise<void> {
    const { owner } = this.#process.admitted;
    const owned = this.#supervisor.list().filter(({ admitted }) => admitted.owner === owner);
    for (const { pid } of owned) {
      this.#supervisor.commands.kill(pid, message);
    }
    await Promise.all(owned.map(({ exited }) => exited));
  }
}

/**
 * An agent that has not exited.
 *
 * @throws {RingfenceError} `RF_PROCESS_NOT_FOUND`
 */
export function agentOf(supervisor: Supervisor, pid: Pid): Agent {
  const process = supervisor.find(pid);
  if (process === undefined) {
    throw new RingfenceError(
      'RF_PROCESS_NOT_FOUND',
      `Cannot find an agent with pid ${pid} that runs: it was never spawned, or it has exited.`,
      { pid },
    );
  }
  return new Agent(process, supervisor);
}

/** Codes of what a delivery can answer; whatever else it is, nobody is there. */
const CODE_OF_OUTCOME: Readonly<Record<string, ErrorCode>> = {
  'mailbox-full': 'RF_MAILBOX_FULL',
  'limit-exceeded': 'RF_LIMIT_EXCEEDED',
  'not-found': 'RF_PROCESS_NOT_FOUND',
};
