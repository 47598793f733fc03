/** Tells a telemetry what happens in a kernel: which agent each of it is about, and below which other. */

import { basename } from 'node:path';
import type {
  AgentTelemetry,
  RequestTelemetry,
  Telemetry,
  TracedCall,
} from '../opentelemetry/telemetry.ts';
import { KERNEL_PID, type Pid, type ProcessState } from '../process/state.ts';
import type { LogLine } from '../supervisor/options.ts';
import type { Process } from '../supervisor/process.ts';
import type { TracedHostCall } from '../wasm/worker/protocol.ts';

/** An agent's name without the path that it has where nobody has given it another. */
function nameOf({ agentId, request }: Process): string {
  return agentId === request.module?.path ? basename(agentId) : agentId;
}

/** Agents that have ended of whom something may still be told. */
const ENDED_MAX = 256;

/** Follows the agents of a kernel. */
export class TelemetryFeed {
  readonly #telemetry: Telemetry;
  readonly #agents = new Map<Pid, AgentTelemetry>();
  readonly #ended = new Map<Pid, AgentTelemetry>();

  constructor(telemetry: Telemetry) {
    this.#telemetry = telemetry;
  }

  /** An agent was spawned (`from` is null), or has changed its state. */
  changed(process: Process, from: ProcessState | null): void {
    if (from === null) {
      this.#spawned(process);
    }
    if (process.exit !== null) {
      this.#exited(process);
    }
  }

  #spawned(process: Process): void {
    const { pid, parentPid, request, restartedFrom } = process;
    const parent = parentPid === KERNEL_PID ? null : (this.#agents.get(parentPid) ?? null);
    const agent = this.#telemetry.agent(
      {
        pid,
        parentPid,
        name: nameOf(process),
        moduleDigest: request.module?.digest ?? null,
        isolation: request.isolation,
        backend: request.module === null ? 'native' : 'wasm',
        restartedFrom,
        startedAtMs: process.spawnedAtMs,
      },
      parent,
    );
    this.#agents.set(pid, agent);
  }

  #exited({ pid, exit, usage, denials, exitedAtMs }: Process): void {
    const agent = this.#agents.get(pid);
    this.#agents.delete(pid);
    if (agent !== undefined && this.#telemetry.hostCalls > 0) {
      this.#keepEnded(pid, agent);
    }
    let denied = 0;
    for (const { count } of denials.values()) {
      denied += count;
    }
    agent?.ended({
      reason: exit?.reason ?? 'internal',
      code: exit?.code ?? null,
      fuel: usage.fuel,
      cpuTimeMs: usage.cpu_time_ms,
      memoryBytesPeak: usage.memory_bytes,
      messagesSent: usage.messages_sent,
      toolCalls: usage.tool_calls,
      denials: denied,
      endedAtMs: exitedAtMs ?? Date.now(),
    });
  }

  /** What it called last can be told behind its end. */
  #keepEnded(pid: Pid, agent: AgentTelemetry): void {
    this.#ended.set(pid, agent);
    const [oldest] = this.#ended.keys();
    if (this.#ended.size > ENDED_MAX && oldest !== undefined) {
      this.#ended.delete(oldest);
    }
  }

  /** One of so many host calls is told of; null: none is. */
  get traceEvery(): number | null {
    const { hostCalls } = this.#telemetry;
    return hostCalls > 0 ? Math.round(1 / hostCalls) : null;
  }

  hostCalls(calls: readonly TracedHostCall[]): void {
    for (const { pid, name, startMs, endMs } of calls) {
      (this.#agents.get(pid) ?? this.#ended.get(pid))?.hostCall(name, startMs, endMs);
    }
  }

  log({ pid, level, message }: LogLine): void {
    this.#agents.get(pid)?.log(level, message);
  }

  /** An agent calls a tool; null: it is not traced. */
  tool(pid: Pid, name: string | null, argumentsJson: string): TracedCall | null {
    return this.#agents.get(pid)?.tool(name, Buffer.byteLength(argumentsJson)) ?? null;
  }

  request(head: Parameters<Telemetry['request']>[0]): RequestTelemetry {
    return this.#telemetry.request(head);
  }
}
