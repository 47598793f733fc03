/** Input streams: bytes that come to an agent, a bounded piece at a time. */

import { err, ok, type Result } from '../../abi/binding.ts';
import type { HostAgent, InputSource, Subscribe } from '../../agent.ts';
import type { StreamError } from '../../generated/wasi-io-streams.ts';
import { Held } from '../held.ts';
import { streamFailure } from './error.ts';
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
  #failed = false;

  constructor(agent: HostAgent, source: InputSource) {
    super(agent);
    this.#source = source;
  }

  get ready(): boolean {
    return this.#failed || this.#source.ready;
  }

  get onReady(): Subscribe {
    return this.#source.onReady;
  }

  /** At most so many bytes of what is there; none: not yet. A read of 0 bytes tells whether it is open. */
  read(agent: HostAgent, length: bigint): Result<Uint8Array, StreamError> {
    if (this.#failed) {
      return err({ tag: 'closed' });
    }
    const max = length < READ_BYTES_MAX ? Number(length) : READ_BYTES_MAX;
    const bytes = this.#source.read(max);
    if (bytes === 'closed') {
      return err({ tag: 'closed' });
    }
    if (bytes === 'empty') {
      return ok(NO_BYTES);
    }
    if (!(bytes instanceof Uint8Array)) {
      this.#failed = true;
      return err({ tag: 'last-operation-failed', val: streamFailure(agent, bytes) });
    }
    return ok(bytes);
  }

  override release(agent: HostAgent): void {
    super.release(agent);
    this.#source.release?.();
  }
}
