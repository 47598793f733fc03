/** What this process has for agents: found out once, and the same for all of its kernels. */

import { readFileSync } from 'node:fs';
import { RingfenceError } from '../errors.ts';
import { EngineRoom, MAPPINGS_DEFAULT } from '../resource/engine-room.ts';

const FLAG = '--disable-wasm-trap-handler';
/** Agents at a time without density `dense`. */
const CAPACITY_MAX = 12_000;

function mapCountMax(): number {
  try {
    const told = Number.parseInt(readFileSync('/proc/sys/vm/max_map_count', 'utf8'), 10);
    return Number.isSafeInteger(told) && told > 0 ? told : MAPPINGS_DEFAULT;
  } catch {
    return MAPPINGS_DEFAULT;
  }
}

/** Node takes the flag at its start only, from its arguments or its environment. */
function hasTrapHandler(): boolean {
  const words = [...process.execArgv, ...(process.env.NODE_OPTIONS ?? '').split(/\s+/)];
  return !words.some((word) => word.replaceAll('_', '-') === FLAG);
}

export function roomOfProcess(): EngineRoom {
  return new EngineRoom({ mapCountMax: mapCountMax(), trapHandler: hasTrapHandler() });
}

/**
 * Refuses a density that the process was not started for, and what needs it.
 *
 * @throws {RingfenceError} `RF_BACKEND_NOT_AVAILABLE`, `RF_USAGE`
 */
export function requireDensity(
  options: { readonly density?: 'fast' | 'dense' | undefined; readonly capacity?: number },
  room: EngineRoom,
): void {
  const dense = options.density === 'dense';
  if (dense && !room.dense) {
    throw new RingfenceError(
      'RF_BACKEND_NOT_AVAILABLE',
      `Cannot open a dense kernel as this process was started with V8's trap handler, which reserves 8 GiB of addresses for each memory: start the program with node ${FLAG}, or with that in NODE_OPTIONS.`,
      { flag: FLAG },
    );
  }
  const capacity = options.capacity ?? 0;
  if (!dense && capacity > CAPACITY_MAX) {
    throw new RingfenceError(
      'RF_USAGE',
      `Cannot open a kernel for ${capacity} agents: ${CAPACITY_MAX} are the most with density 'fast'; give density 'dense', or run another kernel in another process.`,
      { capacity, max: CAPACITY_MAX },
    );
  }
}
