/** wasi:random: random bytes, a bounded number at a time. */

import type { HostAgent } from '../agent.ts';
import type { Functions as InsecureFunctions } from '../generated/wasi-random-insecure.ts';
import type { Functions as InsecureSeedFunctions } from '../generated/wasi-random-insecure-seed.ts';
import type { Functions as RandomFunctions } from '../generated/wasi-random-random.ts';
import { implement } from '../implement.ts';

/** The most random bytes that one call gives. WASI wants exactly as many as were asked for. */
export const RANDOM_BYTES_MAX = 64 * 1024;

function randomBytes(agent: HostAgent, length: bigint): Uint8Array {
  if (length > RANDOM_BYTES_MAX) {
    return agent.trap(
      `limit-exceeded: ${length} random bytes were asked for: one call gives at most ${RANDOM_BYTES_MAX}`,
    );
  }
  return agent.random.bytes(Number(length));
}

function randomNumber(agent: HostAgent): bigint {
  const bytes = agent.random.bytes(8);
  return new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true);
}

export const random = implement<RandomFunctions>('wasi:random/random', 'random', {
  'get-random-bytes': randomBytes,
  'get-random-u64': randomNumber,
});

/** No worse than the others: a generator of its own would be one more thing to get wrong. */
export const insecure = implement<InsecureFunctions>('wasi:random/insecure', 'random', {
  'get-insecure-random-bytes': randomBytes,
  'get-insecure-random-u64': randomNumber,
});

export const insecureSeed = implement<InsecureSeedFunctions>(
  'wasi:random/insecure-seed',
  'random',
  { 'insecure-seed': (agent) => agent.random.insecureSeed },
);
