/** What the agents of one worker share. */

import type { Payload } from '../../ipc/message.ts';
import type { Operation } from '../host/agent.ts';
import type { FromWorker } from './protocol.ts';
import type { Scheduler } from './scheduler.ts';

/** An agent, as the worker's parts know it. */
export interface Resident {
  readonly pid: number;
}

export interface WorkerParts {
  readonly scheduler: Scheduler;
  /** The memory of all control blocks. */
  readonly blocks: SharedArrayBuffer;
  /** Fuel between two scheduling points. */
  readonly sliceFuel: number;
  /** Traps: never returns, and no guest can catch it. */
  readonly trap: () => never;
  readonly post: (message: FromWorker) => void;
  /** Tells the operator about a failure of ringfence's own. */
  report(error: unknown): void;
  /** The agent has ended: forget it. */
  ended(agent: Resident): void;
  send(from: Resident, to: number, payload: Payload, waitMs: number | null): Operation<null>;
  callTool(from: Resident, name: string, argumentsJson: string): Operation<string>;
}
