/** Agents, their tools and served requests as spans, and what agents log as records of their spans. */

import { AsyncLocalStorage } from 'node:async_hooks';
import {
  type Attributes,
  type Context,
  context,
  type Logger,
  ROOT_CONTEXT,
  SeverityNumber,
  type Span,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import {
  ATTR_ERROR_TYPE,
  ATTR_HTTP_REQUEST_METHOD,
  ATTR_HTTP_RESPONSE_STATUS_CODE,
  ATTR_URL_PATH,
} from '@opentelemetry/semantic-conventions';
import { ATTRIBUTE, cut, LOG_CHARACTERS_MAX } from './attributes.ts';
import type {
  AgentTelemetry,
  RequestTelemetry,
  Telemetry,
  TracedAgent,
  TracedCall,
  TracedEnd,
} from './telemetry.ts';

/** Ends that are nobody's fault. */
const AS_WANTED: ReadonlySet<string> = new Set(['normal', 'killed']);

const SEVERITIES: ReadonlyMap<string, SeverityNumber> = new Map([
  ['trace', SeverityNumber.TRACE],
  ['debug', SeverityNumber.DEBUG],
  ['info', SeverityNumber.INFO],
  ['warn', SeverityNumber.WARN],
  ['error', SeverityNumber.ERROR],
  ['critical', SeverityNumber.FATAL],
]);

/** Methods that have a name of their own in OpenTelemetry; a client may make up others. */
const METHODS: ReadonlySet<string> = new Set([
  'CONNECT',
  'DELETE',
  'GET',
  'HEAD',
  'OPTIONS',
  'PATCH',
  'POST',
  'PUT',
  'TRACE',
]);

const propagator = new W3CTraceContextPropagator();

/** What all of them are made with. */
export interface Tracing {
  readonly tracer: Tracer;
  readonly logger: Logger;
  /** Of everything. */
  readonly attributes: Attributes;
}

/** Without values that there are not. */
function known(attributes: Readonly<Record<string, string | number | null>>): Attributes {
  return Object.fromEntries(
    Object.entries(attributes).flatMap(([name, value]) =>
      value === null ? [] : [[name, typeof value === 'string' ? cut(value) : value]],
    ),
  );
}

function fail(span: Span, type: string): void {
  span.setAttribute(ATTR_ERROR_TYPE, type);
  span.setStatus({ code: SpanStatusCode.ERROR });
}

/** What a server is told of a span; null: there is none, as where providers of the program's do nothing. */
function traceparentOf(within: Context): string | null {
  const carrier: Record<string, string> = {};
  propagator.inject(within, carrier, {
    set: (into, key, value) => {
      into[key] = value;
    },
  });
  return carrier.traceparent ?? null;
}

class AgentSpan implements AgentTelemetry {
  readonly context: Context;
  readonly traceparent: string | null;
  readonly span: Span;
  readonly #tracing: Tracing;
  readonly #about: Attributes;

  constructor(tracing: Tracing, agent: TracedAgent, parent: Context) {
    this.#tracing = tracing;
    this.#about = known({ [ATTRIBUTE.agentName]: agent.name, [ATTRIBUTE.pid]: agent.pid });
    this.span = tracing.tracer.startSpan(
      'invoke_agent',
      {
        startTime: agent.startedAtMs,
        attributes: {
          ...tracing.attributes,
          ...this.#about,
          ...known({
            [ATTRIBUTE.operation]: 'invoke_agent',
            [ATTRIBUTE.parentPid]: agent.parentPid,
            [ATTRIBUTE.module]: agent.moduleDigest,
            [ATTRIBUTE.isolation]: agent.isolation,
            [ATTRIBUTE.backend]: agent.backend,
            [ATTRIBUTE.restartedFrom]: agent.restartedFrom,
          }),
        },
      },
      parent,
    );
    this.context = trace.setSpan(parent, this.span);
    this.traceparent = traceparentOf(this.context);
  }

  tool(name: string | null, argumentBytes: number): TracedCall {
    const span = this.#tracing.tracer.startSpan(
      name === null ? 'execute_tool' : `execute_tool ${cut(name)}`,
      {
        attributes: {
          ...this.#tracing.attributes,
          ...this.#about,
          ...known({
            [ATTRIBUTE.operation]: 'execute_tool',
            [ATTRIBUTE.toolName]: name,
            [ATTRIBUTE.argumentBytes]: argumentBytes,
          }),
        },
      },
      this.context,
    );
    const within = trace.setSpan(this.context, span);
    return {
      run: (work) => context.with(within, work),
      ended: (outcome) => {
        if (outcome !== 'ok') {
          fail(span, outcome);
        }
        span.end();
      },
    };
  }

  log(level: string, message: string): void {
    this.#tracing.logger.emit({
      severityNumber: SEVERITIES.get(level) ?? SeverityNumber.UNSPECIFIED,
      severityText: cut(level),
      body: cut(message, LOG_CHARACTERS_MAX),
      attributes: { ...this.#tracing.attributes, ...this.#about },
      context: this.context,
    });
  }

  hostCall(name: string, startMs: number, endMs: number): void {
    const attributes = { ...this.#tracing.attributes, ...this.#about };
    this.#tracing.tracer
      .startSpan(cut(name), { startTime: startMs, attributes }, this.context)
      .end(endMs);
  }

  ended(end: TracedEnd): void {
    const { span } = this;
    span.setAttributes(
      known({
        [ATTRIBUTE.exitReason]: end.reason,
        [ATTRIBUTE.exitCode]: end.code,
        [ATTRIBUTE.fuel]: end.fuel,
        [ATTRIBUTE.cpuTime]: end.cpuTimeMs,
        [ATTRIBUTE.memory]: end.memoryBytesPeak,
        [ATTRIBUTE.messages]: end.messagesSent,
        [ATTRIBUTE.toolCalls]: end.toolCalls,
        [ATTRIBUTE.denials]: end.denials,
      }),
    );
    if (!AS_WANTED.has(end.reason)) {
      fail(span, end.reason);
    }
    span.end(end.endedAtMs);
  }
}

/** Makes spans and records of what a kernel tells. */
export class Spans implements Pick<Telemetry, 'agent' | 'request'> {
  readonly #tracing: Tracing;
  /** Where a request is served: whoever is spawned for it stands below it. */
  readonly #requests = new AsyncLocalStorage<Context>();

  constructor(tracing: Tracing) {
    this.#tracing = tracing;
  }

  agent(agent: TracedAgent, parent: AgentTelemetry | null): AgentTelemetry {
    // Without a parent it stands below what the program, or a client's request, is doing.
    const within =
      parent instanceof AgentSpan
        ? parent.context
        : (this.#requests.getStore() ?? context.active());
    return new AgentSpan(this.#tracing, agent, within);
  }

  request({
    method,
    pathWithQuery,
    fields,
  }: Parameters<Telemetry['request']>[0]): RequestTelemetry {
    const { tracer, attributes } = this.#tracing;
    const name = METHODS.has(method) ? method : 'HTTP';
    const carrier: Record<string, string> = {};
    for (const [field, value] of fields) {
      carrier[field.toLowerCase()] ??= value;
    }
    const parent = propagator.extract(ROOT_CONTEXT, carrier, {
      get: (from, key) => from[key],
      keys: (from) => Object.keys(from),
    });
    const span = tracer.startSpan(
      name,
      {
        kind: SpanKind.SERVER,
        attributes: {
          ...attributes,
          ...known({
            [ATTR_HTTP_REQUEST_METHOD]: METHODS.has(method) ? method : '_OTHER',
            // What stands behind it can be a secret.
            [ATTR_URL_PATH]: pathWithQuery?.replace(/[?#].*$/s, '') ?? null,
          }),
        },
      },
      parent,
    );
    const within = trace.setSpan(parent, span);
    return {
      run: (work) => this.#requests.run(within, work),
      handledBy: (pid) => void span.setAttribute(ATTRIBUTE.pid, pid),
      ended: (status) => {
        if (status === null) {
          fail(span, 'no_response');
        } else {
          span.setAttribute(ATTR_HTTP_RESPONSE_STATUS_CODE, status);
          if (status >= 500) {
            fail(span, String(status));
          }
        }
        span.end();
      },
    };
  }
}
