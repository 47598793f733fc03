/** What an agent is told to do from the outside: to end, to stop where it is, to go on. */

import { RingfenceError } from '../errors.ts';
import type { Pid } from '../process/state.ts';
import type { ProcessTable } from '../process/table.ts';
import { Alarm } from '../resource/alarm.ts';
import { COMMAND } from '../resource/control-blocks.ts';
import type { ProcessFacts } from './facts.ts';
import type { AgentGrants } from './grants.ts';
import type { Process } from './process.ts';
import { silentOf } from './sweep.ts';

/** Commands to all agents of a kernel. */
export class Commands {
  readonly #table: ProcessTable<Process, ProcessFacts>;
  readonly #grants: AgentGrants;

  constructor(table: ProcessTable<Process, ProcessFacts>, grants: AgentGrants) {
    this.#table = table;
    this.#grants = grants;
  }

  /** Ends an agent by force; nothing happens to one that has exited. */
  kill(pid: Pid, message = 'it was killed'): void {
    const process = this.#table.findLive(pid);
    if (process === undefined) {
      // Says so where nobody ever had this pid.
      this.#table.get(pid);
      return;
    }
    if (process.block?.request(COMMAND.kill)) {
      process.killMessage = message;
      process.running?.command(message);
    }
  }

  /**
   * Asks an agent to end: who may receive messages, or hears it anyway, gets `cancelled`. It is ended by force when the time
   * has passed, and at once where it could not hear. Nothing happens to one that has exited.
   */
  stop(pid: Pid, shutdownMs: number, message: string): void {
    const process = this.#table.findLive(pid);
    const canHear =
      process?.running?.alwaysHears === true ||
      this.#grants.of(pid).some(({ kind }) => kind === 'ipc');
    if (process?.running == null || !canHear || shutdownMs === 0) {
      this.kill(pid, message);
      return;
    }
    const now = (): number => performance.now();
    const atMs = now() + shutdownMs;
    if (process.stopsAtMs <= atMs) {
      // It was told, and has no more time than that.
      return;
    }
    const { state } = process;
    if (state === 'running' || state === 'suspended') {
      this.#table.transition(pid, 'stopping');
    }
    if (state === 'suspended') {
      // To hear it, it has to run.
      this.#letRun(process);
    }
    if (process.stopsAtMs === Number.POSITIVE_INFINITY) {
      process.running.signal({ tag: 'cancelled', message });
    }
    process.stopsAtMs = atMs;
    const alarm = new Alarm({
      atMs,
      now,
      ring: () => this.kill(pid, `${message}, and it did not end within ${shutdownMs} ms`),
    });
    void process.exited.then(() => alarm.clear());
  }

  /**
   * Reaps agents whose thread or process does not answer within a time: all that it runs ends with it.
   * Resolves with their pids; their reports say so when they have ended.
   */
  async sweep(withinMs: number): Promise<Pid[]> {
    const silent = await silentOf(this.#table.list(), withinMs);
    const message = `what ran it did not answer within ${withinMs} ms`;
    // Of all of them it is known before the first takes the others with it.
    const reaped = silent.filter((process) => process.block?.request(COMMAND.reap));
    for (const process of reaped) {
      process.killMessage = message;
    }
    for (const process of silent) {
      process.running?.reap();
    }
    return reaped.map(({ pid }) => pid);
  }

  /**
   * Has an agent stop where it is, until it is resumed; nothing happens to one that is suspended.
   *
   * @throws {RingfenceError} `RF_PROCESS_NOT_FOUND`; `RF_INVALID_STATE_TRANSITION` for one that is neither
   * running nor suspended
   */
  suspend(pid: Pid): void {
    const process = this.#table.findLive(pid);
    if (process?.state === 'suspended') {
      return;
    }
    this.#table.transition(pid, 'suspended');
    process?.block?.suspend();
    process?.running?.suspended();
  }

  /**
   * Lets a suspended agent go on; nothing happens to one that is running.
   *
   * @throws {RingfenceError} `RF_PROCESS_NOT_FOUND`; `RF_INVALID_STATE_TRANSITION` for one that is neither
   */
  resume(pid: Pid): void {
    const process = this.#table.findLive(pid);
    const state = process?.state ?? this.#table.get(pid).state;
    if (state === 'running') {
      return;
    }
    if (state === 'starting') {
      throw new RingfenceError(
        'RF_INVALID_STATE_TRANSITION',
        `Cannot resume pid ${pid} as it is starting: it will be running by itself; only one that is suspended can be resumed.`,
        { pid, from: state, to: 'running' },
      );
    }
    this.#table.transition(pid, 'running');
    if (process !== undefined) {
      this.#letRun(process);
    }
  }

  #letRun(process: Process): void {
    process.block?.resume();
    process.running?.resumed();
  }
}
