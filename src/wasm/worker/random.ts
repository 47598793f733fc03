/** The random numbers of an agent: the system's own generator, or a sequence that a seed decides. */

import { type Cipheriv, createCipheriv, createHash, randomFillSync } from 'node:crypto';
import type { RandomSource } from '../host/agent.ts';

/** The system's generator. */
export class SystemRandom implements RandomSource {
  #seed: readonly [bigint, bigint] | null = null;

  get insecureSeed(): readonly [bigint, bigint] {
    this.#seed ??= numbers(this.bytes(16));
    return this.#seed;
  }

  bytes(length: number): Uint8Array {
    return randomFillSync(new Uint8Array(length));
  }
}

/** The key stream of AES-256 in counter mode under the seed's hash: the same seed, the same bytes. */
export class SeededRandom implements RandomSource {
  readonly insecureSeed: readonly [bigint, bigint];
  readonly #stream: Cipheriv;

  constructor(seed: string) {
    const key = createHash('sha256').update('ringfence random 1\n').update(seed).digest();
    this.#stream = createCipheriv('aes-256-ctr', key, new Uint8Array(16));
    this.insecureSeed = numbers(this.bytes(16));
  }

  bytes(length: number): Uint8Array {
    return this.#stream.update(new Uint8Array(length));
  }
}

function numbers(bytes: Uint8Array): readonly [bigint, bigint] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, 16);
  return [view.getBigUint64(0, true), view.getBigUint64(8, true)];
}
