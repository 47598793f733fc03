/** The random numbers of an agent: the system's own generator. */

import { randomFillSync } from 'node:crypto';
import type { RandomSource } from '../host/agent.ts';

export class SystemRandom implements RandomSource {
  readonly insecureSeed: readonly [bigint, bigint];

  constructor() {
    const seed = new BigUint64Array(randomFillSync(new Uint8Array(16)).buffer);
    this.insecureSeed = [seed[0] ?? 0n, seed[1] ?? 0n];
  }

  bytes(length: number): Uint8Array {
    return randomFillSync(new Uint8Array(length));
  }
}
