/** A collector of the tests' own: takes OTLP over HTTP as JSON, and says what has arrived. */

import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

interface AnyValue {
  readonly stringValue?: string;
  readonly intValue?: number | string;
  readonly doubleValue?: number;
  readonly boolValue?: boolean;
}

interface KeyValue {
  readonly key: string;
  readonly value: AnyValue;
}

const plain = ({ stringValue, intValue, doubleValue, boolValue }: AnyValue) =>
  stringValue ?? (intValue === undefined ? (doubleValue ?? boolValue ?? null) : Number(intValue));

const attributesOf = (attributes: readonly KeyValue[] = []) =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, plain(value)]));

export interface ArrivedSpan {
  readonly name: string;
  readonly kind: number;
  readonly traceId: string;
  readonly spanId: string;
  /** '': it has none. */
  readonly parentSpanId: string;
  readonly attributes: Readonly<Record<string, unknown>>;
  /** 2: it is an error. */
  readonly status: number;
  readonly startMs: number;
  readonly endMs: number;
}

export interface ArrivedLog {
  readonly traceId: string;
  readonly spanId: string;
  readonly severity: number;
  readonly body: unknown;
  readonly attributes: Readonly<Record<string, unknown>>;
}

export interface ArrivedMetric {
  readonly name: string;
  readonly unit: string;
  readonly isCounter: boolean;
  readonly points: readonly {
    readonly attributes: Readonly<Record<string, unknown>>;
    readonly value: number;
  }[];
}

/** What of one scope has arrived, as OTLP's JSON has it. */
interface Scope {
  readonly spans?: readonly {
    readonly name: string;
    readonly kind: number;
    readonly traceId: string;
    readonly spanId: string;
    readonly parentSpanId?: string;
    readonly attributes: readonly KeyValue[];
    readonly status?: { readonly code?: number };
    readonly startTimeUnixNano: string;
    readonly endTimeUnixNano: string;
  }[];
  readonly logRecords?: readonly {
    readonly traceId?: string;
    readonly spanId?: string;
    readonly severityNumber: number;
    readonly body: AnyValue;
    readonly attributes: readonly KeyValue[];
  }[];
  readonly metrics?: readonly {
    readonly name: string;
    readonly unit: string;
    readonly sum?: Points & { readonly isMonotonic?: boolean };
    readonly gauge?: Points;
  }[];
}

interface Points {
  readonly dataPoints: readonly {
    readonly attributes: readonly KeyValue[];
    readonly asDouble?: number;
    readonly asInt?: number | string;
  }[];
}

/** One signal's body. */
type Body = Readonly<
  Record<
    'resourceSpans' | 'resourceLogs' | 'resourceMetrics',
    readonly {
      readonly resource: { readonly attributes: readonly KeyValue[] };
      readonly scopeSpans?: readonly Scope[];
      readonly scopeLogs?: readonly Scope[];
      readonly scopeMetrics?: readonly Scope[];
    }[]
  >
>;

export class Collector implements AsyncDisposable {
  readonly url: string;
  readonly spans: ArrivedSpan[] = [];
  readonly logs: ArrivedLog[] = [];
  /** The last reading of each. */
  readonly metrics = new Map<string, ArrivedMetric>();
  readonly headers: (readonly [path: string, headers: Record<string, unknown>])[] = [];
  readonly resources: Readonly<Record<string, unknown>>[] = [];
  /** All that has arrived, as it is. */
  readonly bodies: string[] = [];
  /** It takes requests, and answers none. */
  isStalled = false;
  /** What it answers. */
  status = 200;
  readonly #server: Server;

  constructor(server: Server) {
    this.#server = server;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  take(path: string, headers: Record<string, unknown>, text: string): void {
    this.headers.push([path, headers]);
    this.bodies.push(text);
    for (const entry of Object.values(JSON.parse(text) as Body).flat()) {
      const { resource, scopeSpans = [], scopeLogs = [], scopeMetrics = [] } = entry;
      this.resources.push(attributesOf(resource.attributes));
      for (const scope of [...scopeSpans, ...scopeLogs, ...scopeMetrics]) {
        this.#takeScope(scope);
      }
    }
  }

  #takeScope({ spans = [], logRecords = [], metrics = [] }: Scope): void {
    for (const span of spans) {
      this.spans.push({
        name: span.name,
        kind: span.kind,
        traceId: span.traceId,
        spanId: span.spanId,
        parentSpanId: span.parentSpanId ?? '',
        attributes: attributesOf(span.attributes),
        status: span.status?.code ?? 0,
        startMs: Number(BigInt(span.startTimeUnixNano) / 1_000_000n),
        endMs: Number(BigInt(span.endTimeUnixNano) / 1_000_000n),
      });
    }
    for (const record of logRecords) {
      this.logs.push({
        traceId: record.traceId ?? '',
        spanId: record.spanId ?? '',
        severity: record.severityNumber,
        body: plain(record.body),
        attributes: attributesOf(record.attributes),
      });
    }
    for (const { name, unit, sum, gauge } of metrics) {
      const points = ((sum ?? gauge)?.dataPoints ?? []).map((point) => ({
        attributes: attributesOf(point.attributes),
        value: point.asDouble ?? Number(point.asInt),
      }));
      this.metrics.set(name, { name, unit, isCounter: sum?.isMonotonic === true, points });
    }
  }

  /** A span of this name, and of this agent where one is given. */
  span(name: string, pid?: number): ArrivedSpan | undefined {
    return this.spans.find(
      (span) =>
        span.name === name && (pid === undefined || span.attributes['ringfence.agent.pid'] === pid),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

/** Starts a collector on a port that is free. */
export async function startCollector(): Promise<Collector> {
  let collector: Collector | null = null;
  const server = createServer((request, response) => {
    const pieces: Buffer[] = [];
    request.on('data', (piece: Buffer) => pieces.push(piece));
    request.on('end', () => {
      if (collector === null || collector.isStalled) {
        return;
      }
      if (collector.status === 200) {
        collector.take(request.url ?? '', request.headers, Buffer.concat(pieces).toString());
      }
      response.writeHead(collector.status, { 'content-type': 'application/json' });
      response.end('{}');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  collector = new Collector(server);
  return collector;
}
