/** An agent under test. */

import type {
  Agent,
  Kernel,
  LogLine,
  MessageInput,
  PatienceOptions,
  Payload,
  Pid,
  Report,
  Usage,
} from '../index.ts';
import { RingfenceError } from '../index.ts';
import { checkOptions, instantOf, type TestAgentOptions } from './options.ts';
import { type Peer, type PeerMail, spawnPeer } from './peers.ts';
import { Recorded, type SentMessage } from './recorded.ts';
import { spawn } from './spawn.ts';
import { type Stage, Stages } from './stage.ts';
import { type RecordedToolCall, registerTools } from './tools.ts';

/** How long answers and ends are waited for, in milliseconds: machines that run tests have others to serve. */
const PATIENCE_MS = 20_000;

/** One set of stages: the kernel of a test is that of the next one. */
const stages = new Stages();

/**
 * Spawns an agent for a test. Its kernel, its gate and its worker are those of every agent; its time stands still
 * until {@link TestAgent.advance}, and its random numbers follow from a seed. Resolves when it has come to rest:
 * it waits for mail, for input or for a later moment, or has ended.
 *
 * Dispose of it at the end of the test (`await using`): all agents of its kernel are ended, and the kernel
 * goes to the next test.
 *
 * @param module - The file of the component, or its bytes.
 * @throws {RingfenceError} `RF_USAGE` for what can't be understood; as {@link Kernel.load} and
 * {@link Kernel.spawn}; `RF_TIMEOUT` where it has not come to rest within 20 s
 * @throws what a handler of the test has thrown: so does each method that waits, or else the end of the test
 *
 * @example
 * ```ts
 * import { testAgent } from 'ringfence/test';
 *
 * await using agent = await testAgent('chat.wasm', { grants: { ipc: 'parent_only' } });
 * console.log(agent.logs, agent.usage().messages_sent);
 * ```
 */
export async function testAgent(
  module: string | URL | Uint8Array,
  options: TestAgentOptions = {},
): Promise<TestAgent> {
  checkOptions(options);
  const record = new Recorded(options.program ?? null, options.onElevation ?? null);
  const stage = await stages.enter(record, instantOf(options.now));
  record.stage = stage;
  let takeBack = (): void => {};
  const leave = (): Promise<void> => stage.leave(takeBack);
  try {
    const { kernel, clock } = stage;
    takeBack = registerTools(kernel, options.tools ?? {}, record);
    const peers = new Map<string, Peer>();
    for (const [name, handler] of Object.entries(options.peers ?? {})) {
      const { keep, failed, unanswered } = record;
      const heard = (mail: PeerMail): void => record.heard(name, mail);
      const peer = { kernel, clock, name, handler, heard, keep, failed, unanswered };
      peers.set(name, await spawnPeer(peer));
    }
    for (const [name, file] of Object.entries(options.modules ?? {})) {
      stage.spoil();
      await kernel.load(file, { name });
    }
    const agent = await spawn(kernel, module, options);
    await record.failures.beside(clock.settled({ patienceMs: options.patienceMs }));
    return new TestAgent({ agent, stage, record, peers, leave });
  } catch (error) {
    await leave();
    throw error;
  }
}

/** What an agent under test is made of. */
interface Parts {
  readonly agent: Agent;
  readonly stage: Stage;
  readonly record: Recorded;
  readonly peers: ReadonlyMap<string, Peer>;
  leave(): Promise<void>;
}

/** An agent under test, and all that it has done so far. */
export class TestAgent implements AsyncDisposable {
  readonly #parts: Parts;
  #report: Report | null = null;

  /** Made by {@link testAgent}. */
  constructor(parts: Parts) {
    this.#parts = parts;
    void parts.agent.exited.then((report) => {
      this.#report = report;
    });
  }

  get pid(): Pid {
    return this.#parts.agent.pid;
  }
  /** Its kernel, for whatever is not here: agents that it has spawned, services, revocation. */
  get kernel(): Kernel {
    this.#parts.stage.spoil();
    return this.#parts.stage.kernel;
  }
  /** Messages and requests that it and its children have sent to the program and to peers, in order. */
  get sent(): readonly SentMessage[] {
    return this.#parts.record.sent;
  }
  /** The same that went to the program, pid 0, with how requests are answered. */
  get toProgram(): readonly PeerMail[] {
    return this.#parts.record.toProgram;
  }
  /** Calls that reached its tools, in order; what its grants refused is in {@link TestAgent.denied}. */
  get toolCalls(): readonly RecordedToolCall[] {
    return this.#parts.record.toolCalls;
  }
  /** Lines that it and its children have logged. */
  get logs(): readonly LogLine[] {
    return this.#parts.record.logs;
  }
  /** What its kernel has warned of, a tool that has thrown for instance. */
  get warnings(): readonly string[] {
    return this.#parts.record.warnings;
  }
  /** Calls, messages and lines that came when 10,000 or 64 MiB of them were kept: the lists above lack them. */
  get unrecorded(): number {
    return this.#parts.record.unrecorded;
  }
  /** What it has written to its standard output so far, as text. */
  get stdout(): string {
    return Buffer.from(this.#parts.agent.stdout).toString();
  }
  /** What it has written to its standard error so far, as text. */
  get stderr(): string {
    return Buffer.from(this.#parts.agent.stderr).toString();
  }
  /** What it was denied; null: it has not ended, and nobody has counted yet. */
  get denied(): Report['denied'] | null {
    return this.#report?.denied ?? null;
  }
  /** How it ended; null: it has not. */
  get exit(): Report['exit'] | null {
    return this.#report?.exit ?? null;
  }
  /** Resolves with its report when it has ended. */
  get exited(): Promise<Report> {
    return this.#parts.record.failures.beside(this.#parts.agent.exited);
  }
  /** Its time, in milliseconds since 1970. */
  get nowMs(): number {
    return this.#parts.stage.clock.nowMs;
  }
  /** Used so far. Its fuel is the same in each run. */
  usage(): Usage {
    return this.#parts.agent.usage();
  }

  /** A peer that the test was given. @throws {RingfenceError} `RF_USAGE` where there is none of the name */
  peer(name: string): Peer {
    const peer = this.#parts.peers.get(name);
    if (peer === undefined) {
      throw new RingfenceError('RF_USAGE', `There is no peer '${name}': name it in 'peers'.`);
    }
    return peer;
  }

  /** Sends it a message, as the program, and resolves when all have come to rest. @throws as {@link Agent.send} */
  async send(message: MessageInput): Promise<void> {
    await this.#parts.agent.send(message);
    await this.settled();
  }

  /**
   * Asks it, as the program, and resolves with its reply. Where it takes its time to reply, advance that before
   * you await this. @throws as {@link Agent.request}
   */
  request(message: MessageInput, options: { readonly timeoutMs?: number } = {}): Promise<Payload> {
    return this.#parts.record.failures.beside(
      this.#parts.agent.request(message, { timeoutMs: PATIENCE_MS, ...options }),
    );
  }

  /** Publishes to who has subscribed, as the program; resolves when all have come to rest. */
  async publish(topic: string, message: MessageInput): Promise<void> {
    await this.kernel.publish(topic, message);
    await this.settled();
  }

  /**
   * Moves its time on by so many milliseconds: timers ring, waiting ends, in their order.
   *
   * @throws {RingfenceError} `RF_TIMEOUT` where agents have not come to rest within 20 s of the machine's time
   */
  async advance(milliseconds: number, options: PatienceOptions = {}): Promise<void> {
    const { record, stage } = this.#parts;
    await record.failures.beside(stage.clock.advance(milliseconds, options));
  }

  /** Resolves when all agents have come to rest. @throws {RingfenceError} as {@link TestAgent.advance} */
  async settled(options: PatienceOptions = {}): Promise<void> {
    const { record, stage } = this.#parts;
    await record.failures.beside(stage.clock.settled(options));
  }

  /** Asks it to end, as a supervisor does, and resolves with its report. It has 20 s of the machine's time. */
  async stop(message?: string): Promise<Report> {
    this.#parts.agent.stop({ shutdownMs: PATIENCE_MS, ...(message !== undefined && { message }) });
    return this.exited;
  }

  /**
   * Ends all agents of its kernel, and gives that to the next test.
   *
   * @throws what a handler of the test has thrown, where nothing else was told of it
   */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#parts.leave();
    this.#parts.record.failures.throwUntold();
  }
}
