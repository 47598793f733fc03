/** Input streams: bytes that come to an agent, a bounded piece at a time. */

import { err, ok, type Result } from '../../abi/binding.ts';
import type { HostAgent, InputSource, Subscribe } from '../../agent.ts';
import { Held } from '../held.ts';
import type { Readiness } from './pollable.ts';

declare module '../../abi/binding.ts' {
  interface HostResources {
    'wasi:io/streams/input-stream': InputStream;
  }
}

/** The most bytes that one call reads, whatever the guest asks for. */
export const READ_BYTES_MAX = 64 * 1024;

const NO_BYTES = new Uint8Array(0);

/** A handle on a source of bytes; several handles take from the same source. */
export class InputStream extends Held implements Readiness {
  readonly #source: InputSource;

  constructor(agent: HostAgent, source: InputSource) {
    super(agent);
    this.#source = source;
  }

  get ready(): boolean {
    return this.#source.ready;
  }

  get onReady(): Subscribe {
    return this.#source.onReady;
  }

  /** At most so many bytes of what is there; none: not yet. A read of 0 bytes tells whether it is open. */
  read(length: bigint): Result<Uint8Array, { readonly tag: 'closed' }> {
    const max = length < READ_BYTES_MAX ? Number(length) : READ_BYTES_MAX;
    const bytes = this.#source.read(max);
    if (bytes === 'closed') {
      return err({ tag: 'closed' });
    }
    return ok(bytes === 'empty' ? NO_BYTES : bytes);
  }
}
