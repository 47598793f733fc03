// Handles requests as their path says, well or badly: `/WORD` or `/WORD/ARGUMENT`. What it says of an
// error is the error's name.

import { subscribeDuration } from 'wasi/clocks/monotonic-clock';
import { handle as send } from 'wasi/http/outgoing-handler';
import {
  ErrorCode,
  Fields,
  HeaderError,
  httpErrorCode,
  IncomingBody,
  IncomingRequest,
  IncomingResponse,
  Method,
  OutgoingBody,
  OutgoingRequest,
  OutgoingResponse,
  RequestOptions,
  ResponseOutparam,
  Scheme,
} from 'wasi/http/types';
import { InputStream, OutputStream } from 'wasi/io/streams';
import { Option, Result, Unit } from 'wit/values';

/** How many requests this instance has handled. */
let handled = 0;
/** An outparam that was kept from an earlier request. */
let kept: ResponseOutparam | null = null;
let keptStream: OutputStream | null = null;

export function handle(request: IncomingRequest, out: ResponseOutparam): void {
  handled += 1;
  const path = request.pathWithQuery()!.substring(1);
  const slash = path.indexOf('/');
  const word = slash < 0 ? path : path.substring(0, slash);
  const argument = slash < 0 ? '' : path.substring(slash + 1);
  if (word == 'nothing') return;
  if (word == 'hold') {
    kept = out;
  } else if (word == 'answer-held') {
    answerHeld(out);
  } else if (word == 'trap') {
    unreachable();
  } else if (word == 'forever') {
    while (true) handled += 1;
  } else if (word == 'sleep') {
    subscribeDuration(3_600_000_000_000).block();
  } else if (word == 'refuse') {
    ResponseOutparam.set(out, refusal(argument));
  } else if (word == 'twice') {
    const handle = out.handle;
    sayText(out, 'first');
    sayText(new ResponseOutparam(handle), 'second');
  } else if (word == 'exit') {
    sayHead(out, 200).drop();
  } else {
    answer(word, argument, request, out);
  }
}

function answer(
  word: string,
  argument: string,
  request: IncomingRequest,
  out: ResponseOutparam,
): void {
  if (word == 'hello') sayText(out, 'hello');
  else if (word == 'count') sayText(out, handled.toString());
  else if (word == 'request') sayText(out, describe(request));
  else if (word == 'echo') echo(request, out);
  else if (word == 'drain') sayText(out, drain(request).toString());
  else if (word == 'once') sayText(out, once(request));
  else if (word == 'body-first') sayText(out, dropsInWrongOrder(request));
  else if (word == 'status') status(out, argument);
  else if (word == 'bytes') sayBytes(out, <i32>parseInt(argument, 10));
  else if (word == 'fields') manyFields(out, <i32>parseInt(argument, 10));
  else if (word == 'field') oneField(out, argument);
  else if (word == 'immutable') sayText(out, immutable(request));
  else if (word == 'short') sized(out, '10', 'short');
  else if (word == 'long') sized(out, '3', 'longer');
  else if (word == 'exact') sized(out, '5', 'exact');
  else if (word == 'announced-exact') announcedExact(out);
  else if (word == 'sizes') sizes(out);
  else if (word == 'trap-half') half(out, true);
  else if (word == 'unfinished') half(out, false);
  else if (word == 'stream-alive') streamAlive(out);
  else if (word == 'keep-stream') keepStream(out);
  else if (word == 'use-kept-stream') sayText(out, useKeptStream());
  else if (word == 'trailers') trailers(out, <i32>parseInt(argument, 10));
  else if (word == 'read-trailers') sayText(out, readTrailers(request));
  else if (word == 'first-byte') firstByte(out);
  else if (word == 'get') pass(Method.get(), argument, null, out, 0);
  else if (word == 'impatient') pass(Method.get(), argument, null, out, 200_000_000);
  else if (word == 'post') pass(Method.post(), argument, request, out, 0);
  else if (word == 'give-up') giveUp(argument, out);
  else sayHead(out, 404).drop();
}

function bytesOf(text: string): Uint8Array {
  return Uint8Array.wrap(String.UTF8.encode(text));
}

function textOf(bytes: Uint8Array): string {
  return String.UTF8.decodeUnsafe(bytes.dataStart, bytes.length);
}

function respond(out: ResponseOutparam, response: OutgoingResponse): void {
  ResponseOutparam.set(out, Result.ok<OutgoingResponse, ErrorCode>(response));
}

/** Answers with a head alone that has these fields; the body is to be written. */
function begin(out: ResponseOutparam, fields: Fields): OutgoingBody {
  const response = OutgoingResponse.create(fields);
  const body = response.body().value;
  respond(out, response);
  return body;
}

function sayHead(out: ResponseOutparam, code: u16): Fields {
  const response = OutgoingResponse.create(Fields.create());
  response.setStatusCode(code);
  const headers = response.headers();
  respond(out, response);
  return headers;
}

function write(stream: OutputStream, bytes: Uint8Array): bool {
  for (let at = 0; at < bytes.length; at += 4096) {
    const end = min(at + 4096, bytes.length);
    if (!stream.blockingWriteAndFlush(bytes.slice(at, end)).isOk) return false;
  }
  return true;
}

function finish(body: OutgoingBody, bytes: Uint8Array): string {
  const stream = body.write().value;
  const written = write(stream, bytes);
  stream.drop();
  const finished = OutgoingBody.finish(body, null);
  return finished.isOk && written ? 'ok' : finished.isOk ? 'not written' : finished.error.name;
}

function sayText(out: ResponseOutparam, text: string): void {
  const fields = Fields.create();
  fields.set('content-type', [bytesOf('text/plain')]);
  finish(begin(out, fields), bytesOf(text));
}

function sayBytes(out: ResponseOutparam, length: i32): void {
  const body = begin(out, Fields.create());
  const stream = body.write().value;
  const piece = new Uint8Array(4096).fill(120);
  let left = length;
  while (left > 0) {
    const next = min(left, 4096);
    if (!stream.blockingWriteAndFlush(piece.slice(0, next)).isOk) break;
    left -= next;
  }
  stream.drop();
  OutgoingBody.finish(body, null);
}

function describe(request: IncomingRequest): string {
  const method = request.method();
  const scheme = request.scheme();
  const authority = request.authority();
  let text = `${method.name} ${scheme === null ? '-' : scheme.name}`;
  text += ` ${authority === null ? '-' : authority} ${request.pathWithQuery()!}\n`;
  const headers = request.headers();
  const entries = headers.entries();
  for (let index = 0; index < entries.length; index += 1) {
    text += `${entries[index].item0}: ${textOf(entries[index].item1)}\n`;
  }
  return text;
}

/** The request's body comes back, piece by piece. */
function echo(request: IncomingRequest, out: ResponseOutparam): void {
  const incoming = request.consume().value;
  const input = incoming.stream().value;
  const body = begin(out, Fields.create());
  const output = body.write().value;
  while (true) {
    const read = input.blockingRead(65536);
    if (!read.isOk) break;
    if (!write(output, read.value)) break;
  }
  input.drop();
  incoming.drop();
  output.drop();
  OutgoingBody.finish(body, null);
}

/** Bytes of the request's body; negative: it was broken off after so many. */
function drain(request: IncomingRequest): i64 {
  const incoming = request.consume().value;
  const input = incoming.stream().value;
  let bytes: i64 = 0;
  let whole = true;
  while (true) {
    const read = input.blockingRead(65536);
    if (read.isOk) {
      bytes += read.value.length;
    } else {
      whole = read.error.name == 'closed';
      break;
    }
  }
  input.drop();
  incoming.drop();
  return whole ? bytes : -bytes - 1;
}

/** What there is once can't be had again. */
function once(request: IncomingRequest): string {
  const first = request.consume();
  const second = request.consume();
  const stream = first.value.stream();
  const again = first.value.stream();
  const text = `${first.isOk.toString()} ${second.isOk.toString()} ${stream.isOk.toString()}`;
  return `${text} ${again.isOk.toString()}`;
}

function dropsInWrongOrder(request: IncomingRequest): string {
  const body = request.consume().value;
  const stream = body.stream().value;
  body.drop();
  stream.drop();
  return 'both';
}

function refusal(name: string): Result<OutgoingResponse, ErrorCode> {
  return Result.err<OutgoingResponse, ErrorCode>(
    name == 'loop' ? ErrorCode.loopDetected() : ErrorCode.internalError('a secret of the guest'),
  );
}

function status(out: ResponseOutparam, argument: string): void {
  const response = OutgoingResponse.create(Fields.create());
  const set = response.setStatusCode(<u16>parseInt(argument, 10));
  if (!set.isOk) {
    response.drop();
    sayText(out, 'no status');
  } else {
    respond(out, response);
  }
}

function manyFields(out: ResponseOutparam, count: i32): void {
  const fields = Fields.create();
  for (let index = 0; index < count; index += 1)
    fields.append(`x-${index.toString()}`, bytesOf('1'));
  finish(begin(out, fields), bytesOf('many'));
}

/** `NAME=VALUE`, percent-decoded as far as CR and LF go. */
function oneField(out: ResponseOutparam, argument: string): void {
  const at = argument.indexOf('=');
  const value = argument
    .substring(at + 1)
    .replaceAll('%0D', '\r')
    .replaceAll('%0A', '\n');
  const name = argument.substring(0, at).replaceAll('%0D', '\r').replaceAll('%0A', '\n');
  const fields = Fields.create();
  const set: Result<Unit, HeaderError> = fields.append(name, bytesOf(value));
  finish(begin(out, fields), bytesOf(set.isOk ? 'set' : set.error.name));
}

function immutable(request: IncomingRequest): string {
  const headers = request.headers();
  const set = headers.append('x-mine', bytesOf('1'));
  const copy = headers.clone();
  const copied = copy.append('x-mine', bytesOf('1'));
  return `${set.isOk ? 'set' : set.error.name} ${copied.isOk.toString()}`;
}

function sized(out: ResponseOutparam, length: string, text: string): void {
  const fields = Fields.create();
  fields.set('content-length', [bytesOf(length)]);
  finish(begin(out, fields), bytesOf(text));
}

/** Trailers are announced, and a length that leaves no room for any. */
function announcedExact(out: ResponseOutparam): void {
  const fields = Fields.create();
  fields.set('trailer', [bytesOf('x-end')]);
  fields.set('content-length', [bytesOf('5')]);
  finish(begin(out, fields), bytesOf('exact'));
}

function sizes(out: ResponseOutparam): void {
  const fields = Fields.create();
  fields.append('content-length', bytesOf('3'));
  fields.append('content-length', bytesOf('5'));
  finish(begin(out, fields), bytesOf('abc'));
}

function half(out: ResponseOutparam, traps: bool): void {
  const body = begin(out, Fields.create());
  const stream = body.write().value;
  write(stream, new Uint8Array(100_000).fill(120));
  if (traps) unreachable();
  stream.drop();
  body.drop();
}

function streamAlive(out: ResponseOutparam): void {
  const body = begin(out, Fields.create());
  body.write();
  OutgoingBody.finish(body, null);
}

function keepStream(out: ResponseOutparam): void {
  const body = begin(out, Fields.create());
  keptStream = body.write().value;
  write(keptStream!, bytesOf('begun'));
}

/** What is written to the response of a request that is over reaches nobody. */
function useKeptStream(): string {
  return write(keptStream!, bytesOf('smuggled')) ? 'written' : 'closed';
}

function answerHeld(out: ResponseOutparam): void {
  const held = kept;
  if (held === null) {
    sayText(out, 'nothing is held');
    return;
  }
  kept = null;
  sayText(held, 'to the one before');
  sayText(out, 'to this one');
}

function trailers(out: ResponseOutparam, count: i32): void {
  const body = begin(out, Fields.create());
  const stream = body.write().value;
  write(stream, bytesOf('body'));
  stream.drop();
  const fields = Fields.create();
  for (let index = 0; index < count; index += 1) {
    fields.append(`x-trailer-${index.toString()}`, bytesOf('t'));
  }
  OutgoingBody.finish(body, fields);
}

function readTrailers(request: IncomingRequest): string {
  const incoming = request.consume().value;
  const future = IncomingBody.finish(incoming);
  const pollable = future.subscribe();
  pollable.block();
  pollable.drop();
  const first = future.get();
  const second = future.get();
  if (first === null || !first.isOk) return 'not ready';
  const got = first.value;
  if (!got.isOk) return got.error.name;
  const fields = got.value;
  if (fields === null) return 'none';
  const values = fields.get('x-end');
  const text = values.length == 0 ? '-' : textOf(values[0]);
  return `${text} ${(second !== null && !second.isOk).toString()}`;
}

/** The head and one byte, and then nothing for a long time. */
function firstByte(out: ResponseOutparam): void {
  const body = begin(out, Fields.create());
  const stream: OutputStream = body.write().value;
  write(stream, bytesOf('1'));
  subscribeDuration(3_600_000_000_000).block();
}

/** A request for `AUTHORITY/PATH`, by HTTP. */
function requestFor(method: Method, argument: string): OutgoingRequest {
  const slash = argument.indexOf('/');
  const sent = OutgoingRequest.create(Fields.create());
  sent.setMethod(method);
  sent.setScheme(Scheme.http());
  sent.setAuthority(argument.substring(0, slash));
  sent.setPathWithQuery(argument.substring(slash));
  return sent;
}

function optionsOf(firstByteNanoseconds: u64): RequestOptions | null {
  if (firstByteNanoseconds == 0) return null;
  const options = RequestOptions.create();
  options.setFirstByteTimeout(Option.some<u64>(firstByteNanoseconds));
  return options;
}

/** Sends a request, with the body of one that came in, and answers with what comes back. */
function pass(
  method: Method,
  argument: string,
  incoming: IncomingRequest | null,
  out: ResponseOutparam,
  firstByteNanoseconds: u64,
): void {
  const sent = requestFor(method, argument);
  let body: OutgoingBody | null = null;
  if (incoming !== null) body = sent.body().value;
  const handled = send(sent, optionsOf(firstByteNanoseconds));
  if (!handled.isOk) {
    sayText(out, handled.error.name);
    return;
  }
  if (incoming !== null && body !== null) copyRequest(incoming, body);
  const future = handled.value;
  const pollable = future.subscribe();
  pollable.block();
  pollable.drop();
  const got = future.get()!.value;
  future.drop();
  if (!got.isOk) {
    sayText(out, got.error.name);
  } else {
    copyResponse(got.value, out);
  }
}

function copyRequest(incoming: IncomingRequest, body: OutgoingBody): void {
  const source = incoming.consume().value;
  const input = source.stream().value;
  const output = body.write().value;
  copy(input, output);
  input.drop();
  source.drop();
  output.drop();
  OutgoingBody.finish(body, null);
}

function copyResponse(response: IncomingResponse, out: ResponseOutparam): void {
  const answer = OutgoingResponse.create(Fields.create());
  answer.setStatusCode(response.status());
  const body = answer.body().value;
  respond(out, answer);
  const source = response.consume().value;
  const input = source.stream().value;
  const output = body.write().value;
  const error = copy(input, output);
  input.drop();
  source.drop();
  if (error.length > 0) write(output, bytesOf(`<${error}>`));
  output.drop();
  OutgoingBody.finish(body, null);
}

/** Copies to the end; answers the name of the error that ended it, or nothing. */
function copy(input: InputStream, output: OutputStream): string {
  while (true) {
    const read = input.blockingRead(65536);
    if (read.isOk) {
      if (!write(output, read.value)) return '';
    } else if (read.error.name == 'closed') {
      return '';
    } else {
      const failure = read.error.lastOperationFailed;
      const code = httpErrorCode(failure);
      return code === null ? 'unknown' : code.name;
    }
  }
}

/** Sends a request, and does not want the response any more. */
function giveUp(argument: string, out: ResponseOutparam): void {
  const handled = send(requestFor(Method.get(), argument), null);
  const future = handled.value;
  const pollable = future.subscribe();
  const ready = pollable.ready();
  // Time for the server to hear of it.
  subscribeDuration(100_000_000).block();
  pollable.drop();
  future.drop();
  sayText(out, ready ? 'ready' : 'given up');
}
