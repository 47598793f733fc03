/** Opens telemetry: by the program's providers, or by some of its own. */

import { logs, metrics, trace } from '@opentelemetry/api';
import { RingfenceError } from '../errors.ts';
import { measure } from './instruments.ts';
import type { OpenTelemetrySettings } from './options.ts';
import { type OwnProviders, ownProviders, type TelemetryCounts } from './providers.ts';
import { Spans } from './spans.ts';
import type {
  AgentTelemetry,
  MetricSource,
  RequestTelemetry,
  Telemetry,
  TracedAgent,
} from './telemetry.ts';

/** How long what waits has to be sent when telemetry is closed or flushed. */
const FLUSH_MS = 5_000;

/** Under which all of it is told. */
const SCOPE = 'ringfence';

/** Telemetry of one kernel, that is open. */
export class OpenTelemetry implements Telemetry, AsyncDisposable {
  readonly hostCalls: number;
  readonly #settings: OpenTelemetrySettings;
  readonly #version: string;
  readonly #own: OwnProviders | null;
  readonly #spans: Spans;
  #isMeasuring = false;
  #closed: Promise<void> | null = null;

  /** Use {@link openTelemetry}. */
  constructor(settings: OpenTelemetrySettings, version: string) {
    this.hostCalls = settings.hostCalls;
    this.#settings = settings;
    this.#version = version;
    const { providers, attributes } = settings;
    this.#own = providers === 'own' ? ownProviders(settings, version) : null;
    const given = typeof providers === 'object' ? providers : (this.#own ?? {});
    const tracerProvider = given.tracerProvider ?? trace.getTracerProvider();
    const loggerProvider = given.loggerProvider ?? logs.getLoggerProvider();
    this.#spans = new Spans({
      tracer: tracerProvider.getTracer(SCOPE, version),
      logger: loggerProvider.getLogger(SCOPE, version),
      attributes,
    });
  }

  agent(agent: TracedAgent, parent: AgentTelemetry | null): AgentTelemetry {
    return this.#spans.agent(agent, parent);
  }

  request(request: Parameters<Telemetry['request']>[0]): RequestTelemetry {
    return this.#spans.request(request);
  }

  /** @throws {RingfenceError} `RF_USAGE` for a second kernel: its counts would be taken for the first one's */
  measure(source: MetricSource): () => void {
    if (this.#isMeasuring) {
      throw new RingfenceError(
        'RF_USAGE',
        'Cannot open the kernel as its telemetry is another one’s: open telemetry for each, with attributes that tell them apart.',
      );
    }
    this.#isMeasuring = true;
    const { providers, attributes } = this.#settings;
    const given = typeof providers === 'object' ? providers : (this.#own ?? {});
    const provider = given.meterProvider ?? metrics.getMeterProvider();
    return measure(provider.getMeter(SCOPE, this.#version), source, {
      attributes,
      isKept: this.#own !== null,
    });
  }

  /** What was sent and what was dropped; null: the program's providers know it. */
  counts(): TelemetryCounts | null {
    return this.#own?.counts() ?? null;
  }

  /** Sends what waits, within 5 s. Never rejects. */
  async flush(): Promise<void> {
    const own = this.#own;
    if (own !== null) {
      await within(FLUSH_MS, [
        own.tracerProvider.forceFlush(),
        own.loggerProvider.forceFlush(),
        own.meterProvider.forceFlush(),
      ]);
    }
  }

  /** Sends what waits, within 5 s, and nothing more after it. Close the kernel first. Never rejects. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    const own = this.#own;
    if (own !== null) {
      await within(FLUSH_MS, [
        own.tracerProvider.shutdown(),
        own.loggerProvider.shutdown(),
        own.meterProvider.shutdown(),
      ]);
      own.disconnect();
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** Resolves when all have settled, or when the time has passed. */
async function within(ms: number, work: readonly Promise<unknown>[]): Promise<void> {
  const late = Promise.withResolvers<void>();
  const timer = setTimeout(late.resolve, ms);
  await Promise.race([Promise.allSettled(work), late.promise]);
  clearTimeout(timer);
}
