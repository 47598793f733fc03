/** A supervisor alone, whose agents a test drives: what is kept of them can be counted. */

import { parseGrants } from '../../src/capability/input.ts';
import { DEFAULT_LIMITS } from '../../src/resource/limits.ts';
import type { SupervisorOptions } from '../../src/supervisor/options.ts';
import type { SpawnRequest } from '../../src/supervisor/process.ts';
import { FIRST } from '../../src/supervisor/specification.ts';
import { Supervisor } from '../../src/supervisor/supervisor.ts';
import { FakeBackend, type FakeGuest } from './fake-backend.ts';

const nothing = (): void => {};
const unexpected = (): never => {
  throw new Error('nobody asks for this');
};

/** What they are spawned with. */
export const REQUEST: SpawnRequest = {
  agentId: 'agent',
  parentPid: 0,
  lineage: FIRST,
  module: { path: null, digest: 'd'.repeat(64), name: null },
  grants: parseGrants({ ipc: 'all' }),
  roots: new Map(),
  isolation: 'shared',
  features: { gc: false, relaxedSimd: false },
  deterministic: true,
  owner: null,
  declaredBytes: 0,
  limits: DEFAULT_LIMITS,
  arguments: [],
  environment: [],
  config: [],
  terminal: { stdin: false, stdout: false, stderr: false },
  diagnosis: null,
  onHostCall: null,
  provides: [],
  linked: false,
  input: undefined,
  keeping: null,
  stdout: undefined,
  stderr: undefined,
};

/** Agents with a grant of `ipc` to all, unless something else is asked for. */
export function agentsWorld(
  capacity: number,
  options: Partial<SupervisorOptions> = {},
): {
  readonly supervisor: Supervisor;
  spawn(changes?: Partial<SpawnRequest>): FakeGuest;
} {
  const backend = new FakeBackend();
  const supervisor = new Supervisor({
    capacity,
    quotas: {},
    ownerQuotas: {},
    onLog: nothing,
    requireRecording: nothing,
    nearLimit: nothing,
    callTool: unexpected,
    spawnChild: unexpected,
    childStopped: nothing,
    elevate: unexpected,
    changed: nothing,
    exited: nothing,
    tools: () => [],
    revoked: () => {},
    onMessage: null,
    undelivered: nothing,
    lost: nothing,
    warn: nothing,
    ...options,
  });
  return {
    supervisor,
    spawn: (changes = {}) => {
      const { pid } = supervisor.spawn({ ...REQUEST, ...changes }, backend);
      const guest = backend.guests.get(pid) as FakeGuest;
      backend.guests.delete(pid);
      return guest;
    },
  };
}
