/** Tells a telemetry what happens in a kernel: which agent each of it is about, and below which other. */

import { basename } from 'node:path';
import type {
  AgentTelemetry,
  RequestTelemetry,
  Telemetry,
  TracedCall,
  TracedEnd,
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

/**
 * Follows the agents of a kernel. What a program's own providers throw is told the operator, and changes nothing of
 * what is traced.
 */
export class TelemetryFeed {
  readonly #telemetry: Telemetry;
  readonly #agents = new Map<Pid, AgentTelemetry>();
  readonly #ended = new Map<Pid, AgentTelemetry>();
  readonly #failed: (error: unknown) => void;

  constructor(telemetry: Telemetry, failed: (error: unknown) => void) {
    this.#telemetry = telemetry;
    this.#failed = failed;
  }

  #try<Value>(work: () => Value): Value | null {
    try {
      return work();
    } catch (error) {
      this.#failed(error);
      return null;
    }
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
    const agent = this.#try(() =>
      this.#telemetry.agent(
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
      ),
    );
    if (agent !== null) {
      this.#agents.set(pid, agent);
      process.traceparent = agent.traceparent;
    }
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
    const end: TracedEnd = {
      reason: exit?.reason ?? 'internal',
      code: exit?.code ?? null,
      fuel: usage.fuel,
      cpuTimeMs: usage.cpu_time_ms,
      memoryBytesPeak: usage.memory_bytes,
      messagesSent: usage.messages_sent,
      toolCalls: usage.tool_calls,
      denials: denied,
      endedAtMs: exitedAtMs ?? Date.now(),
    };
    this.#try(() => agent?.ended(end));
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
      const agent = this.#agents.get(pid) ?? this.#ended.get(pid);
      this.#try(() => agent?.hostCall(name, startMs, endMs));
    }
  }

  log({ pid, level, message }: LogLine): void {
    this.#try(() => this.#agents.get(pid)?.log(level, message));
  }

  /** An agent calls a tool; null: it is not traced. */
  tool(pid: Pid, name: string | null, argumentsJson: string): TracedCall | null {
    const bytes = Buffer.byteLength(argumentsJson);
    const call = this.#try(() => this.#agents.get(pid)?.tool(name, bytes)) ?? null;
    return (
      call && {
        run: (work) => call.run(work),
        ended: (outcome) => void this.#try(() => call.ended(outcome)),
      }
    );
  }

  /** A request comes in; null: it is not traced. */
  request(head: Parameters<Telemetry['request']>[0]): RequestTelemetry | null {
    const request = this.#try(() => this.#telemetry.request(head));
    return (
      request && {
        run: (work) => request.run(work),
        handledBy: (pid) => void this.#try(() => request.handledBy(pid)),
        ended: (status) => void this.#try(() => request.ended(status)),
      }
    );
  }
}
