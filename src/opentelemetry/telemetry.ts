/** What a kernel tells of its agents to whoever traces, logs and measures them. Nothing here knows OpenTelemetry. */

import type { Field } from '../http/exchange.ts';

/** An agent that starts. */
export interface TracedAgent {
  readonly pid: number;
  readonly parentPid: number;
  /** Its name; no path of the host. */
  readonly name: string;
  /** SHA-256 of its module; null: it is a function of the program. */
  readonly moduleDigest: string | null;
  readonly isolation: string;
  readonly backend: string;
  /** Whom it was started again for; null: nobody. */
  readonly restartedFrom: number | null;
  readonly startedAtMs: number;
}

/** How an agent has ended. Its message is not told: it can be the guest's words. */
export interface TracedEnd {
  readonly reason: string;
  readonly code: number | null;
  readonly fuel: number;
  readonly cpuTimeMs: number;
  readonly memoryBytesPeak: number;
  readonly messagesSent: number;
  readonly toolCalls: number;
  readonly denials: number;
  readonly endedAtMs: number;
}

/** A call that is under way. */
export interface TracedCall {
  /** Does its work, so that what that traces itself stands below it. */
  run<Value>(work: () => Value): Value;
  /** `ok`, or the name of the error. */
  ended(outcome: string): void;
}

/** An agent, as it is traced. */
export interface AgentTelemetry {
  /** Its span as W3C's `traceparent`, for servers that the program lets know it; null: it has none. */
  readonly traceparent: string | null;
  /** It calls a tool; null: there is none of the name, which the guest has made up. */
  tool(name: string | null, argumentBytes: number): TracedCall;
  log(level: string, message: string): void;
  /** It has called a host function; also told when it has ended. */
  hostCall(name: string, startMs: number, endMs: number): void;
  ended(end: TracedEnd): void;
}

/** A request that is served. */
export interface RequestTelemetry {
  /** Starts whoever handles it. */
  run<Value>(work: () => Value): Value;
  /** The instance that handles it. */
  handledBy(pid: number): void;
  ended(status: number | null): void;
}

/** One metric, as it is described. */
export interface MetricDescription {
  readonly kind: 'counter' | 'gauge';
  /** As Prometheus has it. */
  readonly name: string;
  readonly help: string;
  /** What its values are told apart by; null: it has one. */
  readonly label: string | null;
}

/** A metric with its values, by its label's; one that has none has the value ''. */
export interface MetricReading extends MetricDescription {
  readonly values: readonly (readonly [label: string, value: number])[];
}

/** Where metrics are read. */
export interface MetricSource {
  readonly descriptions: readonly MetricDescription[];
  read(): readonly MetricReading[];
}

/** Traces, logs and measures agents. None of it throws, and none of it waits. */
export interface Telemetry {
  /** The share of host calls that it is told of, 0 to 1. */
  readonly hostCalls: number;
  /** An agent starts; `parent`: the agent that has spawned it, where that is traced. */
  agent(agent: TracedAgent, parent: AgentTelemetry | null): AgentTelemetry;
  /** A request comes in. */
  request(request: {
    readonly method: string;
    readonly pathWithQuery: string | null;
    readonly fields: readonly Field[];
  }): RequestTelemetry;
  /** The metrics of a kernel that was opened; answers how they are read for the last time. */
  measure(source: MetricSource): () => void;
}
