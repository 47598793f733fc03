/** Surroundings of the command line that a test looks into: streams in memory, a kernel of its own. */

import { Writable } from 'node:stream';
import type { Environment } from '../../../src/cli/environment.ts';
import type { EndingSignal } from '../../../src/cli/exit-status.ts';
import { Outlet } from '../../../src/cli/outlet.ts';
import type {
  Agent,
  Exit,
  Kernel,
  LoadedModule,
  Report,
  SpawnOptions,
} from '../../../src/index.ts';

/** A stream that keeps what is written. */
export class Captured extends Writable {
  readonly isTTY: boolean;
  readonly columns = 40;
  text = '';

  constructor(isTTY = false) {
    super();
    this.isTTY = isTTY;
  }

  override _write(chunk: Buffer, _: string, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
}

export interface FakeEnvironment extends Environment {
  readonly written: { readonly stdout: Captured; readonly stderr: Captured };
  /** Statuses that {@link Environment.exit} was called with. */
  readonly exits: number[];
  signal(signal: EndingSignal): void;
}

export interface FakeOptions {
  readonly isTerminal?: boolean;
  readonly variables?: Readonly<Record<string, string>>;
  readonly openKernel?: Environment['openKernel'];
}

export function fakeEnvironment(options: FakeOptions = {}): FakeEnvironment {
  const isTerminal = options.isTerminal ?? false;
  const written = { stdout: new Captured(isTerminal), stderr: new Captured(isTerminal) };
  const listeners = new Set<(signal: EndingSignal) => void>();
  const exits: number[] = [];
  return {
    variables: options.variables ?? {},
    stdin: { isTerminal, async *chunks() {}, close() {} },
    // No descriptor of this process: nothing that a test names is the same file.
    stdout: new Outlet(written.stdout, -1),
    stderr: new Outlet(written.stderr, -1),
    program: [],
    openKernel: options.openKernel ?? (() => Promise.reject(new Error('no kernel is needed'))),
    onSignal(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    exit: (status) => exits.push(status),
    written,
    exits,
    signal(signal) {
      for (const listener of listeners) {
        listener(signal);
      }
    },
  };
}

/** A module that looks as if it had been loaded. */
export const FAKE_MODULE: LoadedModule = {
  name: null,
  digest: 'd'.repeat(64),
  path: 'agent.wasm',
  world: 'ringfence:agent',
  imports: [],
  exports: ['run'],
  features: { gc: false, relaxedSimd: false },
  maximumBytes: null,
  legacyExceptions: false,
  declaredBytes: 65_536,
  fromCache: true,
  adapted: false,
  realPath: null,
};

/** A report of the fake agent, with another end. */
export function fakeReport(exit: Partial<Exit> = {}): Report {
  return {
    pid: 1,
    agent_id: 'agent',
    restarted_from: null,
    restarts: 0,
    module: { path: 'agent.wasm', sha256: FAKE_MODULE.digest },
    deterministic: true,
    exit: { code: 0, reason: 'normal', message: null, ...exit },
    usage: {
      fuel: 5,
      memory_bytes: 65_536,
      cpu_time_ms: 1,
      wall_time_ms: 2_000,
      messages_sent: 0,
      tool_calls: 0,
      disk_bytes: 0,
      fuel_table: 3,
      slices: 0,
      network_requests: 0,
      network_bytes_out: 0,
      network_bytes_in: 0,
      longest_wait_ms: 0,
    },
    limits: {
      fuel: 1_000_000,
      memory_bytes: 0,
      host_bytes: 0,
      cpu_time_ms: 300_000,
      wall_time_ms: 500,
      messages: 0,
      tool_calls: 0,
      disk_bytes: 0,
    },
    denied: [],
    tools: [],
  };
}

/** What a fake kernel does in place of a real one. */
export interface FakeKernelParts {
  readonly load?: Kernel['load'];
  /** Runs the agent; what it answers is its report. `killed` is aborted by `kill`. */
  readonly run?: (options: SpawnOptions, killed: AbortSignal) => Promise<Report>;
  readonly close?: Kernel['close'];
}

/** Opens kernels that do as a test says. Only what the command line uses of a kernel is there. */
export function fakeKernel(parts: FakeKernelParts): Environment['openKernel'] {
  return async () => {
    const kernel: Pick<Kernel, 'load' | 'close' | 'neededGrants' | 'decide'> & {
      spawn(options: SpawnOptions): Promise<Agent>;
    } = {
      load: parts.load ?? (async () => FAKE_MODULE),
      neededGrants: async () => [],
      decide: (policy, module) => policy.decide(module),
      close: parts.close ?? (async () => []),
      async spawn(options) {
        const killed = new AbortController();
        let state = 'running';
        const exited = (
          parts.run?.(options, killed.signal) ?? Promise.resolve(fakeReport())
        ).finally(() => {
          state = 'exited';
        });
        const agent = {
          pid: 1,
          exited,
          recording: null,
          findings: () => null,
          kill: (message?: string) => killed.abort(message),
          get state() {
            return state;
          },
        };
        return agent as unknown as Agent;
      },
    };
    return kernel as Kernel;
  };
}
