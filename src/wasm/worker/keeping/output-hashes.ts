/** What an agent has written to its streams: how many bytes, and their SHA-256. */

import { createHash, type Hash } from 'node:crypto';
import type { KeptOutput } from '../../../recording/kept.ts';
import type { StreamName } from '../protocol.ts';

interface Counted {
  bytes: number;
  readonly hash: Hash;
}

/** Hashes both streams of one agent, as it goes. */
export class OutputHashes {
  readonly #streams: Record<StreamName, Counted> = {
    stdout: { bytes: 0, hash: createHash('sha256') },
    stderr: { bytes: 0, hash: createHash('sha256') },
  };

  add(stream: StreamName, bytes: Uint8Array): void {
    const counted = this.#streams[stream];
    counted.bytes += bytes.length;
    counted.hash.update(bytes);
  }

  of(stream: StreamName): KeptOutput {
    const { bytes, hash } = this.#streams[stream];
    return { bytes, sha256: hash.copy().digest('hex') };
  }
}
