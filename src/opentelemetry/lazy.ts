/** Opens telemetry, and loads what that needs: nobody else pays for it. */

import { ownVersion } from '../own-version.ts';
import { usageError } from '../usage-error.ts';
import type { OpenTelemetry } from './open.ts';
import { type OpenTelemetryOptions, openTelemetryOptionsSchema } from './options.ts';

/**
 * Opens telemetry for a kernel: its agents, their tools and served requests as spans, what they log as records,
 * and its metrics, in OpenTelemetry's words (docs/opentelemetry.md).
 *
 * @throws {RingfenceError} `RF_USAGE`
 *
 * @example
 * ```ts
 * await using telemetry = await openTelemetry({ endpoint: 'http://localhost:4318' });
 * await using kernel = await openKernel({ telemetry });
 * ```
 */
export async function openTelemetry(options: OpenTelemetryOptions = {}): Promise<OpenTelemetry> {
  const parsed = openTelemetryOptionsSchema.safeParse(options);
  if (!parsed.success) {
    throw usageError('open telemetry', parsed.error);
  }
  const { OpenTelemetry } = await import('./open.ts');
  return new OpenTelemetry(parsed.data, await ownVersion());
}
