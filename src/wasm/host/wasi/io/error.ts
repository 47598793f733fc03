/** wasi:io/error: what a guest learns about a stream operation that failed. */

import type { HostAgent, StreamFailure } from '../../agent.ts';
import type { ErrorCode } from '../../files/request.ts';
import type { Functions as ErrorFunctions } from '../../generated/wasi-io-error.ts';
import { implement, releaseHeld } from '../../implement.ts';
import { Held } from '../held.ts';

declare module '../../abi/binding.ts' {
  interface HostResources {
    'wasi:io/error/error': IoError;
  }
}

/** An error of a stream. Its text is a constant of ours: nothing of the host is in it. */
export class IoError extends Held {
  readonly text: string;
  /** What went wrong with the file behind the stream; undefined: it has none. */
  readonly fileError: ErrorCode | undefined;

  constructor(agent: HostAgent, text: string, fileError?: ErrorCode) {
    super(agent);
    this.text = text;
    this.fileError = fileError;
  }
}

/** The error of a stream whose file failed. */
export function fileFailure(agent: HostAgent, { failed }: StreamFailure): IoError {
  return new IoError(agent, `the file behind the stream failed: ${failed}`, failed);
}

export const ioError = implement<ErrorFunctions>('wasi:io/error', null, {
  '[method]error.to-debug-string': (_agent, error) => error.text,
  '[resource-drop]error': releaseHeld,
});
