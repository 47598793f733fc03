// Answers each HTTP request with a greeting.

import {
  ErrorCode,
  Fields,
  IncomingRequest,
  OutgoingBody,
  OutgoingResponse,
  ResponseOutparam,
} from 'wasi/http/types';
import { Result } from 'wit/values';

export function handle(request: IncomingRequest, out: ResponseOutparam): void {
  const path = request.pathWithQuery();
  const headers = Fields.create();
  headers.set('content-type', [bytesOf('text/plain; charset=utf-8')]);
  const response = OutgoingResponse.create(headers);
  const body = response.body().value;
  ResponseOutparam.set(out, Result.ok<OutgoingResponse, ErrorCode>(response));
  const stream = body.write().value;
  stream.blockingWriteAndFlush(bytesOf(`Hello from ${path === null ? '/' : path}\n`));
  stream.drop();
  OutgoingBody.finish(body, null);
}

function bytesOf(text: string): Uint8Array {
  return Uint8Array.wrap(String.UTF8.encode(text));
}
