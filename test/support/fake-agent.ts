/**
 * An agent for tests of host functions: its clocks, streams and limits are in the test's hands, its
 * traps are exceptions, and what stays subscribed or held can be counted.
 */

import type { ElevationOutcome } from '../../src/capability/elevation.ts';
import { type HeldGrant, HeldGrants } from '../../src/capability/held.ts';
import { type GrantsInput, parseGrants } from '../../src/capability/input.ts';
import { Conversations } from '../../src/ipc/conversations.ts';
import type { Answer, Question } from '../../src/ipc/question.ts';
import type { SocketHost } from '../../src/network/sockets/host.ts';
import { NO_SOCKETS } from '../../src/network/sockets/host.ts';
import { ControlBlocks } from '../../src/resource/control-blocks.ts';
import { DEFAULT_LIMITS, type Limits } from '../../src/resource/limits.ts';
import { type GatedFunction, type GuestCall, WAIT } from '../../src/wasm/host/abi/binding.ts';
import type {
  Clocks,
  HostAgent,
  InputSource,
  LogSink,
  MailboxView,
  NetworkHost,
  Operation,
  OutputSink,
  RandomSource,
  Subscribe,
  Unsubscribe,
} from '../../src/wasm/host/agent.ts';
import { openFiles } from '../../src/wasm/host/files/engine.ts';
import type { FileHost } from '../../src/wasm/host/files/host.ts';

/** What a trap looks like in a test. */
export class FakeTrap extends Error {}

/** What `exit` looks like in a test. */
export class FakeExit extends Error {
  readonly exitCode: number;

  constructor(exitCode: number) {
    super(`exit ${exitCode}`);
    this.exitCode = exitCode;
  }
}

/** Those who wait for something of a fake. */
export class FakeWaiters {
  readonly #wakes = new Set<() => void>();

  get count(): number {
    return this.#wakes.size;
  }

  readonly subscribe: Subscribe = (wake) => {
    // A key of its own for each subscription, so that none ends another's.
    const entry = (): void => wake();
    this.#wakes.add(entry);
    return () => this.#wakes.delete(entry);
  };

  notify(): void {
    for (const wake of [...this.#wakes]) {
      this.#wakes.delete(wake);
      wake();
    }
  }
}

/** Input that a test hands out piece by piece. */
export class FakeSource implements InputSource {
  readonly waiters = new FakeWaiters();
  readonly onReady = this.waiters.subscribe;
  #bytes = new Uint8Array(0);
  #closed = false;

  get ready(): boolean {
    return this.#bytes.length > 0 || this.#closed;
  }

  read(max: number): Uint8Array | 'empty' | 'closed' {
    if (this.#bytes.length === 0) {
      return this.#closed ? 'closed' : 'empty';
    }
    const part = this.#bytes.slice(0, max);
    this.#bytes = this.#bytes.slice(part.length);
    return part;
  }

  push(bytes: Uint8Array | string): void {
    this.#bytes = Uint8Array.from(Buffer.concat([this.#bytes, Buffer.from(bytes)]));
    this.waiters.notify();
  }

  close(): void {
    this.#closed = true;
    this.waiters.notify();
  }
}

/** Output that a test takes over when it likes. */
export class FakeSink implements OutputSink {
  readonly waiters = new FakeWaiters();
  readonly onChange = this.waiters.subscribe;
  readonly capacity: number;
  /** All that was written, in order. */
  readonly written: Uint8Array[] = [];
  closed = false;
  #underWay = 0;

  constructor(capacity = 8192) {
    this.capacity = capacity;
  }

  get room(): number {
    return this.capacity - this.#underWay;
  }

  get flushed(): boolean {
    return this.#underWay === 0;
  }

  get text(): string {
    return Buffer.concat(this.written).toString();
  }

  write(bytes: Uint8Array): void {
    if (bytes.length > this.room) {
      throw new Error(`wrote ${bytes.length} bytes where there was room for ${this.room}`);
    }
    this.#underWay += bytes.length;
    this.written.push(bytes.slice());
  }

  /** The reader takes bytes over: all that are under way, or so many. */
  take(bytes = this.#underWay): void {
    this.#underWay -= bytes;
    this.waiters.notify();
  }

  close(): void {
    this.closed = true;
    this.waiters.notify();
  }
}

/** A log whose lines a test reads. */
export class FakeLog implements LogSink {
  readonly waiters = new FakeWaiters();
  readonly onChange = this.waiters.subscribe;
  readonly lines: [string, string][] = [];
  room = 4096;

  write(level: string, message: string): void {
    this.lines.push([level, message]);
  }
}

/** Clocks that stand still until a test advances them. */
export class FakeClocks implements Clocks {
  readonly resolution = 1_000_000n;
  readonly #timers = new Map<() => void, bigint>();
  #now = 5_000_000_000n;

  /** Timers that are armed. */
  get timers(): number {
    return this.#timers.size;
  }

  monotonic(): bigint {
    return this.#now;
  }

  wall(): bigint {
    return 1_700_000_000_123_000_000n;
  }

  at(instant: bigint): Subscribe {
    return (wake) => {
      const entry = (): void => wake();
      this.#timers.set(entry, instant);
      return () => this.#timers.delete(entry);
    };
  }

  advance(nanoseconds: bigint): void {
    this.#now += nanoseconds;
    for (const [wake, instant] of [...this.#timers]) {
      if (instant <= this.#now) {
        this.#timers.delete(wake);
        wake();
      }
    }
  }
}

/** Bytes that count up. */
class FakeRandom implements RandomSource {
  readonly insecureSeed = [1n, 2n] as const;
  /** The lengths that were asked for. */
  readonly asked: number[] = [];

  bytes(length: number): Uint8Array {
    this.asked.push(length);
    return Uint8Array.from({ length }, (_, index) => index);
  }
}

/** What a test can say about its agent. */
export interface FakeAgentOptions {
  readonly grants?: GrantsInput;
  readonly files?: (grants: HeldGrants) => FileHost;
  readonly limits?: Partial<Limits>;
  readonly arguments?: readonly string[];
  readonly environment?: readonly (readonly [string, string])[];
  readonly config?: readonly (readonly [string, string])[];
  readonly terminal?: {
    readonly stdin: boolean;
    readonly stdout: boolean;
    readonly stderr: boolean;
  };
  readonly stdoutCapacity?: number;
}

export class FakeAgent implements HostAgent {
  readonly pid = 7;
  readonly parentPid = 0;
  readonly agentId = 'fake';
  readonly grants: HeldGrants;
  readonly files: FileHost;
  /** What is sent goes nowhere, unless a test says otherwise. */
  network: NetworkHost = {
    send: () => ({
      bytes: () => {},
      end: () => {},
      broken: () => {},
      pull: () => {},
      drop: () => {},
    }),
  };
  sockets: SocketHost = NO_SOCKETS;
  readonly limits: Limits;
  readonly block = new ControlBlocks(1).take();
  readonly arguments: readonly string[];
  readonly environment: readonly (readonly [string, string])[];
  readonly config: readonly (readonly [string, string])[];
  readonly terminal: HostAgent['terminal'];
  readonly stdin = new FakeSource();
  readonly stdout: FakeSink;
  readonly stderr = new FakeSink();
  readonly log = new FakeLog();
  readonly clocks = new FakeClocks();
  readonly random = new FakeRandom();
  readonly mailbox: MailboxView = {
    take: () => null,
    cancelled: false,
    signals: 0,
    onMail: () => () => {},
  };
  readonly timers = { set: () => 1, cancel: () => true, taken: () => {} };
  readonly conversations = new Conversations();
  forgot(): void {}
  pending: unknown;
  waitsUnder: HeldGrant | null = null;

  /** Bytes that the host holds for it now. */
  held = 0;
  /** Denials in their order. */
  readonly denials: { capability: string; operation: string }[] = [];
  /** How often it has waited. */
  waits = 0;
  alive = true;
  #woken = false;
  #wokenLater: (() => void) | null = null;
  #unsubscribe: Unsubscribe | null = null;

  constructor(options: FakeAgentOptions = {}) {
    this.grants = new HeldGrants(
      this.block,
      parseGrants(options.grants).map(
        ({ kind, scope, expiresAtMs }, index): HeldGrant => ({
          id: index + 1,
          kind,
          index,
          scope,
          expiresAtMs: expiresAtMs ?? Number.POSITIVE_INFINITY,
        }),
      ),
    );
    this.files =
      options.files?.(this.grants) ?? openFiles([], { take: () => false, give: () => {} });
    this.limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.arguments = options.arguments ?? ['module.wasm'];
    this.environment = options.environment ?? [];
    this.config = options.config ?? [];
    this.terminal = options.terminal ?? { stdin: false, stdout: false, stderr: false };
    this.stdout = new FakeSink(options.stdoutCapacity);
  }

  /** Whether it waits for something now. */
  get waiting(): boolean {
    return this.#unsubscribe !== null && !this.#woken;
  }

  /** Subscriptions to its streams and its clocks that are there now. */
  get subscriptions(): number {
    const streams = [this.stdin, this.stdout, this.stderr];
    return streams.reduce((sum, { waiters }) => sum + waiters.count, this.clocks.timers);
  }

  wait(subscribe: Subscribe): typeof WAIT {
    this.waits += 1;
    this.#woken = false;
    this.#unsubscribe?.();
    this.#unsubscribe = subscribe(() => {
      this.#woken = true;
      this.#wokenLater?.();
    });
    return WAIT;
  }

  /** Until it is woken. */
  async woken(): Promise<void> {
    if (!this.#woken) {
      await new Promise<void>((resolve) => {
        this.#wokenLater = resolve;
      });
    }
    this.#unsubscribe?.();
    this.#unsubscribe = null;
    this.#wokenLater = null;
  }

  /** It was killed while it waited. */
  kill(): void {
    this.alive = false;
    this.#unsubscribe?.();
    this.#unsubscribe = null;
  }

  hold(bytes: number): boolean {
    if (this.held + bytes > this.limits.hostBytes) {
      return false;
    }
    this.held += bytes;
    return true;
  }

  release(bytes: number): void {
    this.held -= bytes;
  }

  send(): Operation<number> {
    throw new Error('this fake sends nothing');
  }

  ask(_question: Question): Operation<Answer> {
    throw new Error('this fake asks the kernel nothing');
  }

  spawn(): Operation<number> {
    throw new Error('this fake spawns nobody');
  }

  requestGrant(): Operation<ElevationOutcome> {
    throw new Error('this fake asks nobody');
  }

  callTool(_name: string, _argumentsJson: string): Operation<string> {
    throw new Error('this fake calls no tool');
  }

  deny(capability: string, operation: string): void {
    this.denials.push({ capability, operation });
  }

  exit(code: number): never {
    throw new FakeExit(code);
  }

  trap(message: string): never {
    throw new FakeTrap(message);
  }

  worked(_milliseconds: number): void {}

  checkAlive(): void {
    this.grants.look();
    if (!this.alive) {
      throw new FakeTrap('ended');
    }
  }
}

/** Calls a host function once, through its gate. */
export function callOnce<Answer>(
  agent: FakeAgent,
  hostFunction: GatedFunction | undefined,
  ...args: unknown[]
): Answer | typeof WAIT {
  if (hostFunction === undefined) {
    throw new Error('no such host function');
  }
  const gated = hostFunction as unknown as (
    call: Pick<GuestCall<FakeAgent>, 'agent'>,
    ...args: unknown[]
  ) => Answer | typeof WAIT;
  return gated({ agent }, ...args);
}

/** Calls a host function that answers at once. */
export function call<Answer>(
  agent: FakeAgent,
  hostFunction: GatedFunction | undefined,
  ...args: unknown[]
): Answer {
  const answer = callOnce<Answer>(agent, hostFunction, ...args);
  if (answer === WAIT) {
    throw new Error('it waits');
  }
  return answer;
}

/** Calls a host function, again after each time that it had to wait. */
export async function callUntilAnswered<Answer>(
  agent: FakeAgent,
  hostFunction: GatedFunction | undefined,
  ...args: unknown[]
): Promise<Answer> {
  for (;;) {
    const answer = callOnce<Answer>(agent, hostFunction, ...args);
    if (answer !== WAIT) {
      return answer;
    }
    await agent.woken();
  }
}
