/** Programs in AssemblyScript for WASI's own worlds, which need nothing of ringfence but the bindings. */

/** For `wasi:cli/command`: writes its arguments, a variable, its input, and the file that the last argument names. */
export const COMMAND = `
import { exit } from 'wasi/cli/exit';
import { getArguments, getEnvironment } from 'wasi/cli/environment';
import { getStderr } from 'wasi/cli/stderr';
import { getStdin } from 'wasi/cli/stdin';
import { getStdout } from 'wasi/cli/stdout';
import { getDirectories } from 'wasi/filesystem/preopens';
import { DescriptorFlags, nameOfErrorCode } from 'wasi/filesystem/types';
import { OutputStream } from 'wasi/io/streams';
import { Json } from 'ringfence/assemblyscript';
import { Result, UNIT, Unit } from 'wit/values';

export function run(): Result<Unit, Unit> {
  const told = getArguments();
  const variables = Json.object();
  const environment = getEnvironment();
  for (let index = 0; index < environment.length; index++) {
    variables.with(environment[index].item0, environment[index].item1);
  }
  const file = readFile(told[told.length - 1]);
  if (!file.isOk) {
    print(getStderr(), file.error);
    exit(Result.err<Unit, Unit>(UNIT));
  }
  const report = Json.object()
    .with('arguments', told)
    .with('variables', variables)
    .with('input', readInput())
    .with('file', file.value);
  print(getStdout(), report.toString());
  return Result.ok<Unit, Unit>(UNIT);
}

function readInput(): string {
  const input = getStdin();
  let text = '';
  while (true) {
    const read = input.blockingRead(64);
    if (!read.isOk) return text;
    text += String.UTF8.decode(read.value.buffer);
  }
}

function readFile(name: string): Result<string, string> {
  const directories = getDirectories();
  if (directories.length == 0) return Result.err<string, string>('no directory');
  const opened = directories[0].item0.openAt(0, name, 0, DescriptorFlags.Read);
  if (!opened.isOk) return Result.err<string, string>(nameOfErrorCode(opened.error));
  const read = opened.value.read(4096, 0);
  opened.value.drop();
  if (!read.isOk) return Result.err<string, string>(nameOfErrorCode(read.error));
  return Result.ok<string, string>(String.UTF8.decode(read.value.item0.buffer));
}

function print(output: OutputStream, text: string): void {
  output.blockingWriteAndFlush(Uint8Array.wrap(String.UTF8.encode(\`\${text}\\n\`)));
  output.drop();
}
`;

/** For `wasi:http/proxy`: answers with the method, the path, a header and the whole body of the request. */
export const HANDLER = `
import {
  ErrorCode, Fields, IncomingRequest, MethodTag, OutgoingBody, OutgoingResponse, ResponseOutparam,
} from 'wasi/http/types';
import { Json } from 'ringfence/assemblyscript';
import { Result } from 'wit/values';

export function handle(request: IncomingRequest, out: ResponseOutparam): void {
  const path = request.pathWithQuery();
  const greeting = request.headers().get('x-greeting');
  const answer = Json.object()
    .with('method', request.method().name)
    .with('path', path)
    .with('greeting', greeting.length == 0 ? '' : String.UTF8.decode(greeting[0].buffer))
    .with('body', bodyOf(request));
  const headers = Fields.create();
  headers.set('content-type', [bytesOf('application/json')]);
  const response = OutgoingResponse.create(headers);
  response.setStatusCode(request.method().tag == MethodTag.Post ? 201 : 200);
  const body = response.body().value;
  ResponseOutparam.set(out, Result.ok<OutgoingResponse, ErrorCode>(response));
  const stream = body.write().value;
  stream.blockingWriteAndFlush(bytesOf(answer.toString()));
  stream.drop();
  OutgoingBody.finish(body, null);
}

function bodyOf(request: IncomingRequest): string {
  const body = request.consume().value;
  const stream = body.stream().value;
  let text = '';
  while (true) {
    const read = stream.blockingRead(4096);
    if (!read.isOk) break;
    text += String.UTF8.decode(read.value.buffer);
  }
  stream.drop();
  body.drop();
  return text;
}

function bytesOf(text: string): Uint8Array {
  return Uint8Array.wrap(String.UTF8.encode(text));
}
`;
