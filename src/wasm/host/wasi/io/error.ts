/** wasi:io/error: what a guest learns about a stream operation that failed. */

import type { HostAgent, StreamFailure } from '../../agent.ts';
import type { ErrorCode } from '../../files/request.ts';
import type { ErrorCode as HttpErrorCode } from '../../generated/wasi-http-types.ts';
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
  /** What went wrong with the HTTP body that the stream is of; undefined: it is of none. */
  readonly httpError: HttpErrorCode | undefined;

  constructor(
    agent: HostAgent,
    text: string,
    of: { readonly fileError?: ErrorCode; readonly httpError?: HttpErrorCode } = {},
  ) {
    super(agent);
    this.text = text;
    this.fileError = of.fileError;
    this.httpError = of.httpError;
  }
}

/** The error of a stream whose file, HTTP body or connection failed. */
export function streamFailure(agent: HostAgent, failure: StreamFailure): IoError {
  if ('failed' in failure) {
    const { failed } = failure;
    return new IoError(agent, `the file behind the stream failed: ${failed}`, {
      fileError: failed,
    });
  }
  if ('socketFailed' in failure) {
    return new IoError(agent, `the connection behind the stream failed: ${failure.socketFailed}`);
  }
  const { httpFailed } = failure;
  return new IoError(agent, `the body behind the stream failed: ${httpFailed.tag}`, {
    httpError: httpFailed,
  });
}

export const ioError = implement<ErrorFunctions>('wasi:io/error', null, {
  '[method]error.to-debug-string': (_agent, error) => error.text,
  '[resource-drop]error': releaseHeld,
});
