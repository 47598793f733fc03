/** `--otel`: telemetry of what is run, sent where the environment's variables of OpenTelemetry say. */

import type { Option } from 'commander';
import { type OpenTelemetry, openTelemetry } from '../index.ts';
import type { Environment } from './environment.ts';
import { option, usage } from './option.ts';
import { printableLine, quoted } from './printable.ts';
import { printLine } from './say.ts';

type Variables = Environment['variables'];

/** What the samplers that can be named keep of the traces that begin here. */
const SAMPLERS: Readonly<Record<string, (argument: string | undefined) => number>> = {
  always_on: () => 1,
  always_off: () => 0,
  parentbased_always_on: () => 1,
  parentbased_always_off: () => 0,
  traceidratio: (argument) => Number(argument ?? 1),
  parentbased_traceidratio: (argument) => Number(argument ?? 1),
};

/** `--otel`. */
export function otelOption(group: string): Option {
  return option(
    '--otel',
    '',
    'send traces, metrics and logs by OpenTelemetry, as the variables OTEL_… say',
    group,
  );
}

/** @throws {RingfenceError} `RF_USAGE` for a sampler that there is not */
function sampleOf(variables: Variables): number {
  const { OTEL_TRACES_SAMPLER: name = 'parentbased_always_on' } = variables;
  const { OTEL_TRACES_SAMPLER_ARG: argument } = variables;
  const sample = Object.hasOwn(SAMPLERS, name) ? SAMPLERS[name]?.(argument) : undefined;
  if (sample === undefined || !(sample >= 0 && sample <= 1)) {
    throw usage(
      `Cannot use --otel with the sampler ${quoted(name)} of OTEL_TRACES_SAMPLER${argument === undefined ? '' : ` and ${quoted(argument)}`}: name one of ${Object.keys(SAMPLERS).join(', ')}, with a share of 0 to 1.`,
    );
  }
  return sample;
}

/** @throws {RingfenceError} `RF_USAGE` for a protocol that is not spoken */
function requireHttp({ OTEL_EXPORTER_OTLP_PROTOCOL: protocol }: Variables): void {
  if (protocol === 'grpc') {
    throw usage(
      "Cannot use --otel with OTEL_EXPORTER_OTLP_PROTOCOL 'grpc': ringfence speaks OTLP over HTTP; unset it, and name the collector's port for that, most often 4318.",
    );
  }
}

/**
 * Telemetry where it was asked for; null: it was not.
 *
 * @throws {RingfenceError} `RF_USAGE` where the environment asks for what there is not
 */
export async function telemetryOf(
  isWanted: boolean,
  { variables, stderr }: Environment,
): Promise<OpenTelemetry | null> {
  if (!isWanted || variables.OTEL_SDK_DISABLED?.toLowerCase() === 'true') {
    return null;
  }
  requireHttp(variables);
  const interval = Number(variables.OTEL_METRIC_EXPORT_INTERVAL);
  return openTelemetry({
    sample: sampleOf(variables),
    ...(interval >= 100 && { metricsMs: Math.floor(interval) }),
    onWarning: (text) => printLine(stderr, `ringfence: warning: ${printableLine(text)}`),
  });
}
