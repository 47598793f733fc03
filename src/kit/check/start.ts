/** Starts a component without any grant, to see what it takes until it first calls its host. */

import { type HostCall, type Kernel, type LoadedModule, parseLimits } from '../../index.ts';
import type { CheckedStart, CheckProblem } from './component-check.ts';

/** A start takes some thousand units; an engine for scripts takes tens of millions. */
const FUEL_MAX = 1_000_000_000;
/** Where the machine is slow. */
const WALL_TIME_MS_MAX = 120_000;

/** What was seen of a start. */
export interface SeenStart {
  /** Null: it did not come so far, which is among the problems, or is not started by itself. */
  readonly start: CheckedStart | null;
  readonly problems: readonly CheckProblem[];
}

/**
 * Starts it, and ends it at its first host call. One that handles requests is not started: it is for these. Nor
 * is one that declares more memory than its limit, as a check of what nobody has allowed must not take that.
 */
export async function startOf(
  kernel: Kernel,
  module: LoadedModule,
  limitBytes: number,
  signal: AbortSignal | undefined,
): Promise<SeenStart> {
  if (module.world === 'wasi:http' || isTooLarge(module, limitBytes)) {
    return { start: null, problems: [] };
  }
  signal?.throwIfAborted();
  const { memoryBytes } = parseLimits({});
  let first = null as HostCall | null;
  const called = Promise.withResolvers<void>();
  const agent = await kernel.spawn({
    module,
    features: module.features,
    isolation: module.features.gc ? 'process' : 'shared',
    arguments: ['check'],
    limits: {
      fuel: FUEL_MAX,
      wallTimeMs: WALL_TIME_MS_MAX,
      memoryBytes: Math.max(memoryBytes, module.declaredBytes),
    },
    diagnosis: {
      trace: (call) => {
        first ??= call;
        called.resolve();
        // What comes behind is of no interest.
        return new Promise<void>(() => {});
      },
    },
  });
  const stop = (): void => agent.kill();
  signal?.addEventListener('abort', stop, { once: true });
  await Promise.race([called.promise, agent.exited]);
  stop();
  const { exit, usage } = await agent.exited;
  signal?.removeEventListener('abort', stop);
  signal?.throwIfAborted();
  if (first !== null) {
    return { start: { fuel: first.fuel, until: first.function }, problems: [] };
  }
  if (exit.reason === 'normal' || exit.reason === 'error') {
    return { start: { fuel: usage.fuel, until: null }, problems: [] };
  }
  const how =
    exit.reason === 'trap'
      ? `It traps (${exit.message ?? 'it does not say why'}) before it first calls its host`
      : `It has not called its host after ${usage.fuel} units of fuel`;
  const message = `${how}: see where it stands with 'ringfence run'.`;
  return { start: null, problems: [{ severity: 'error', message }] };
}

/** Whether it declares more memory than its limit; 0 is none. */
export const isTooLarge = (
  { declaredBytes }: Pick<LoadedModule, 'declaredBytes'>,
  limitBytes: number,
): boolean => limitBytes !== 0 && declaredBytes > limitBytes;
