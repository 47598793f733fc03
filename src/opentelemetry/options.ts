/** How telemetry is opened, as callers write it. */

import type { LoggerProvider, MeterProvider, TracerProvider } from '@opentelemetry/api';
import * as z from 'zod';

/** Attributes that a program may add to all that is told. */
const ATTRIBUTES_MAX = 32;

/** Where telemetry goes, and what of it. */
export interface OpenTelemetryOptions {
  /**
   * `own`: ringfence sends by OTLP over HTTP itself, and leaves the program's OpenTelemetry alone. `program`:
   * by the providers that the program has registered with `@opentelemetry/api`, or by those given here: what is
   * sent where, and how much of it waits, is theirs.
   *
   * @default 'own'
   */
  readonly providers?: 'own' | 'program' | TelemetryProviders | undefined;
  /**
   * Where `own` sends: `/v1/traces`, `/v1/metrics` and `/v1/logs` are added. @default the environment's
   * `OTEL_EXPORTER_OTLP_ENDPOINT` and its relatives, else http://localhost:4318
   */
  readonly endpoint?: string | undefined;
  /** Headers that go with it, such as a token. @default the environment's `OTEL_EXPORTER_OTLP_HEADERS` */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** @default the environment's `OTEL_SERVICE_NAME`, else 'ringfence' */
  readonly serviceName?: string | undefined;
  /** Attributes of all spans, records and metrics: which of several kernels it is, for instance. */
  readonly attributes?: Readonly<Record<string, string>> | undefined;
  /** The share of traces that are kept, of those that begin here, 0 to 1. @default 1 */
  readonly sample?: number | undefined;
  /**
   * The share of host calls that are spans, 0 to 1: one agent can make millions in a second. A thread tells of
   * 2,000 a second at the most; of isolation `process` none is told. @default 0
   */
  readonly hostCalls?: number | undefined;
  /** Milliseconds between two readings of the metrics. @default 60,000 */
  readonly metricsMs?: number | undefined;
  /** Is told when what waits can't be sent, and when it can again. */
  readonly onWarning?: ((text: string) => void) | undefined;
}

/** Providers of a program's; what is absent is the one that it has registered. */
export interface TelemetryProviders {
  readonly tracerProvider?: TracerProvider | undefined;
  readonly meterProvider?: MeterProvider | undefined;
  readonly loggerProvider?: LoggerProvider | undefined;
}

const provider = <Kind>(method: string) =>
  z
    .custom<Kind>(
      (value) =>
        typeof value === 'object' &&
        value !== null &&
        typeof (value as Record<string, unknown>)[method] === 'function',
      `give one that has ${method}()`,
    )
    .optional();

/** Reads {@link OpenTelemetryOptions}. */
export const openTelemetryOptionsSchema = z.strictObject({
  providers: z
    .union([
      z.enum(['own', 'program']),
      z.strictObject({
        tracerProvider: provider<TracerProvider>('getTracer'),
        meterProvider: provider<MeterProvider>('getMeter'),
        loggerProvider: provider<LoggerProvider>('getLogger'),
      }),
    ])
    .default('own'),
  endpoint: z.url({ protocol: /^https?$/ }).optional(),
  headers: z.record(z.string(), z.string()).optional(),
  serviceName: z.string().min(1).max(256).optional(),
  attributes: z
    .record(z.string().min(1).max(256), z.string().max(256))
    .refine(
      (given) => Object.keys(given).length <= ATTRIBUTES_MAX,
      `give ${ATTRIBUTES_MAX} at most`,
    )
    .default({}),
  sample: z.number().min(0).max(1).default(1),
  hostCalls: z.number().min(0).max(1).default(0),
  metricsMs: z.number().int().min(100).max(2_147_483_647).default(60_000),
  onWarning: z.custom<(text: string) => void>((value) => typeof value === 'function').optional(),
});

/** {@link OpenTelemetryOptions}, read. */
export type OpenTelemetrySettings = z.output<typeof openTelemetryOptionsSchema>;
