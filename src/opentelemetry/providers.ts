/** Providers of ringfence's own: what they are given is sent by OTLP over HTTP, as JSON. */

import { OTLPLogExporter } from '@opentelemetry/exporter-logs-otlp-http';
import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-http';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { detectResources, envDetector, resourceFromAttributes } from '@opentelemetry/resources';
import { BatchLogRecordProcessor, LoggerProvider } from '@opentelemetry/sdk-logs';
import { MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import {
  BatchSpanProcessor,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import { ATTR_SERVICE_NAME, ATTR_SERVICE_VERSION } from '@opentelemetry/semantic-conventions';
import { VALUE_CHARACTERS_MAX } from './attributes.ts';
import {
  boundedLogs,
  boundedSpans,
  counted,
  Outbound,
  QUEUE_MAX,
  type SignalCounts,
} from './bounded.ts';
import { Connections } from './connections.ts';
import type { OpenTelemetrySettings } from './options.ts';

/** How long one sending may take; a collector that is slower has not taken it. */
const EXPORT_MS = 5_000;

/** How long spans and records wait for others to be sent with. */
const DELAY_MS = 1_000;

/** Attributes of a span or a record. */
const ATTRIBUTES_MAX = 64;

/** Providers, and what has become of what they were given. */
export interface OwnProviders {
  readonly tracerProvider: TracerProvider;
  readonly meterProvider: MeterProvider;
  readonly loggerProvider: LoggerProvider;
  counts(): TelemetryCounts;
  /** Ends the connections: what is not sent then is not sent. */
  disconnect(): void;
}

/** What was sent, and what was not. Of metrics there is nothing that waits: they are read anew. */
export interface TelemetryCounts {
  readonly spans: SignalCounts;
  readonly logs: SignalCounts;
}

/** Makes providers that send to one collector. */
export function ownProviders(settings: OpenTelemetrySettings, version: string): OwnProviders {
  const { endpoint, headers, serviceName, sample, metricsMs, onWarning = () => {} } = settings;
  // Of the process, the host and the command line nothing is said: only what the environment asks for.
  const resource = resourceFromAttributes({
    [ATTR_SERVICE_NAME]: 'ringfence',
    [ATTR_SERVICE_VERSION]: version,
  })
    .merge(detectResources({ detectors: [envDetector] }))
    .merge(
      resourceFromAttributes(serviceName === undefined ? {} : { [ATTR_SERVICE_NAME]: serviceName }),
    );
  const connections = new Connections(EXPORT_MS);
  const to = (signal: string) => ({
    ...(endpoint !== undefined && { url: `${endpoint.replace(/\/+$/, '')}/v1/${signal}` }),
    ...(headers !== undefined && { headers: { ...headers } }),
    timeoutMillis: EXPORT_MS,
    concurrencyLimit: 4,
    httpAgentOptions: (protocol: string) => connections.agentOf(signal.toUpperCase(), protocol),
  });
  const outbound = (what: string): Outbound =>
    new Outbound((isFailing, why) =>
      onWarning(
        isFailing
          ? `${what} can't be sent to the collector (${why}): they wait, and what has no room is dropped`
          : `${what} are sent to the collector again`,
      ),
    );
  const spans = outbound('spans');
  const logs = outbound('log records');
  const batch = {
    maxQueueSize: QUEUE_MAX,
    scheduledDelayMillis: DELAY_MS,
    exportTimeoutMillis: 2 * EXPORT_MS,
  };
  return {
    tracerProvider: new TracerProvider({
      resource,
      sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(sample) }),
      spanLimits: {
        attributeCountLimit: ATTRIBUTES_MAX,
        attributeValueLengthLimit: VALUE_CHARACTERS_MAX,
      },
      spanProcessors: [
        boundedSpans(
          new BatchSpanProcessor({
            ...batch,
            exporter: counted(new OTLPTraceExporter(to('traces')), spans),
          }),
          spans,
        ),
      ],
    }),
    meterProvider: new MeterProvider({
      resource,
      readers: [
        new PeriodicExportingMetricReader({
          exporter: new OTLPMetricExporter(to('metrics')),
          exportIntervalMillis: metricsMs,
          exportTimeoutMillis: Math.min(metricsMs, 2 * EXPORT_MS),
        }),
      ],
    }),
    loggerProvider: new LoggerProvider({
      resource,
      logRecordLimits: {
        attributeCountLimit: ATTRIBUTES_MAX,
        attributeValueLengthLimit: VALUE_CHARACTERS_MAX,
      },
      processors: [
        boundedLogs(
          new BatchLogRecordProcessor({
            ...batch,
            exporter: counted(new OTLPLogExporter(to('logs')), logs),
          }),
          logs,
        ),
      ],
    }),
    counts: () => ({ spans: spans.counts, logs: logs.counts }),
    disconnect: () => connections.close(),
  };
}
