/** Agents in processes of their own without a kernel: a test sees what the backend tells of them. */

import { vi } from 'vitest';
import type {
  BackendAgent,
  BackendEnd,
  BackendEvents,
  BackendStart,
  Isolation,
} from '../../src/backend/backend.ts';
import type { WasmModule } from '../../src/backend/wasm/module.ts';
import type { HeldGrant } from '../../src/capability/held.ts';
import { parseGrants } from '../../src/capability/input.ts';
import { ControlBlocks } from '../../src/resource/control-blocks.ts';
import { parseLimits } from '../../src/resource/limits.ts';
import { NO_FEATURES } from '../../src/wasm/metering/features.ts';

const blocks = new ControlBlocks(256);
let nextPid = 1;

/** Where the control blocks are. */
export const blocksMemory = blocks.memory;

/** Grants as an agent holds them. */
export function held(input: unknown): HeldGrant[] {
  return parseGrants(input as never).map(({ kind, scope, expiresAtMs }, index) => ({
    id: 100 + index,
    kind,
    index,
    scope,
    expiresAtMs: expiresAtMs ?? Number.POSITIVE_INFINITY,
    revoked: false,
  }));
}

export interface Given {
  readonly grants?: unknown;
  readonly limits?: Record<string, number>;
  readonly mounts?: BackendStart['mounts'];
  readonly isolation?: Isolation;
}

/** What runs agents. */
export interface Host {
  start(start: BackendStart, module: WasmModule, events: BackendEvents): BackendAgent;
}

/** For a process that does not look at what it is to run. */
const NO_MODULE = {
  digest: 'x',
  plan: { steps: [], modules: [], features: NO_FEATURES },
  compiled: [],
  modules: [],
};

/** Starts an agent whose only argument is `mode`. */
export function startAgent(host: Host, mode: string, given: Given = {}) {
  const { grants, limits, mounts = [], isolation = 'process' } = given;
  const block = blocks.take();
  const ended = Promise.withResolvers<BackendEnd>();
  const logged: string[] = [];
  const denied = new Map<string, number>();
  const events = {
    running: vi.fn(),
    exited: (end: BackendEnd) => ended.resolve(end),
    counted: vi.fn(),
    exchange: vi.fn(),
    // Nobody takes any.
    hostCalls: () => new Promise<void>(() => {}),
    recorded: vi.fn(),
    kept: vi.fn(),
    denied: (_: string, operation: string, count: number) => void denied.set(operation, count),
    log: (_: string, message: string) => void logged.push(message),
    output: vi.fn(() => new Promise<'taken'>(() => {})),
    input: vi.fn(() => new Promise<null>(() => {})),
    send: vi.fn(async () => ({ tag: 'ok', val: 7 }) as const),
    unanswered: vi.fn(),
    gaveUp: vi.fn(),
    ask: vi.fn(async () => ({ tag: 'ok', val: null }) as const),
    callTool: vi.fn(async () => ({ tag: 'ok', val: '3' }) as const),
    spawn: vi.fn(async () => ({ tag: 'ok', val: 9 }) as const),
    requestGrant: vi.fn(async () => ({ tag: 'ok', val: 'denied' }) as const),
  };
  const pid = nextPid;
  nextPid += 1;
  const agent: BackendAgent = host.start(
    {
      pid,
      parentPid: 0,
      agentId: mode,
      moduleDigest: 'x',
      block,
      grants: held(grants ?? {}),
      mounts,
      isolation,
      limits: parseLimits(limits),
      arguments: [mode],
      environment: [],
      config: [],
      terminal: { stdin: false, stdout: false, stderr: false },
      spawnedAtMs: performance.timeOrigin + performance.now(),
      diagnosis: null,
      keep: null,
      traceparent: null,
    },
    NO_MODULE as unknown as WasmModule,
    events,
  );
  const kill = (): void => {
    if (block.request(1)) {
      agent.command('it was killed');
    }
  };
  return { agent, block, events, ended: ended.promise, logged, denied, kill };
}
