// Calls every host function that can be called without a handle that only a grant gives, and logs
// what each answered, as `INTERFACE FUNCTION: ANSWER`. A test compares the list of functions with
// what the host offers. What ends the agent is called where an argument asks for it: `exit-with-code`
// instead of `exit`, and `outgoing-response`, which a host that serves no HTTP answers by a trap.

import * as capabilities from 'ringfence/agent/capabilities';
import * as ipc from 'ringfence/agent/ipc';
import { Level, log } from 'ringfence/agent/log';
import * as agents from 'ringfence/agent/process';
import * as timers from 'ringfence/agent/timers';
import * as tools from 'ringfence/agent/tools';
import { Payload, WitError } from 'ringfence/agent/types';
import { getArguments, getEnvironment, initialCwd } from 'wasi/cli/environment';
import { exit, exitWithCode } from 'wasi/cli/exit';
import { getStderr } from 'wasi/cli/stderr';
import { getStdin } from 'wasi/cli/stdin';
import { getStdout } from 'wasi/cli/stdout';
import { getTerminalStderr } from 'wasi/cli/terminal-stderr';
import { getTerminalStdin } from 'wasi/cli/terminal-stdin';
import { getTerminalStdout } from 'wasi/cli/terminal-stdout';
import * as monotonic from 'wasi/clocks/monotonic-clock';
import * as wall from 'wasi/clocks/wall-clock';
import * as config from 'wasi/config/store';
import { getDirectories } from 'wasi/filesystem/preopens';
import { handle } from 'wasi/http/outgoing-handler';
import {
  Fields,
  HeaderError,
  Method,
  OutgoingBody,
  OutgoingRequest,
  OutgoingResponse,
  RequestOptions,
  Scheme,
} from 'wasi/http/types';
import { poll } from 'wasi/io/poll';
import { InputStream, OutputStream, StreamError } from 'wasi/io/streams';
import { Cas, increment, swap } from 'wasi/keyvalue/atomics';
import { deleteMany, getMany, setMany } from 'wasi/keyvalue/batch';
import { Bucket, open } from 'wasi/keyvalue/store';
import * as logging from 'wasi/logging/logging';
import { getInsecureRandomBytes, getInsecureRandomU64 } from 'wasi/random/insecure';
import { insecureSeed } from 'wasi/random/insecure-seed';
import { getRandomBytes, getRandomU64 } from 'wasi/random/random';
import { instanceNetwork } from 'wasi/sockets/instance-network';
import { resolveAddresses } from 'wasi/sockets/ip-name-lookup';
import { ErrorCode, IpAddressFamily, nameOfErrorCode } from 'wasi/sockets/network';
import { createTcpSocket } from 'wasi/sockets/tcp-create-socket';
import { createUdpSocket } from 'wasi/sockets/udp-create-socket';
import { Tuple2 } from 'wit/tuples';
import { Option, Result, UNIT, Unit } from 'wit/values';

const SOMEBODY: u64 = 1;

export function run(): Result<Unit, string> {
  callProcess();
  callTimers();
  callIpc();
  callTools();
  callCapabilities();
  callEnvironment();
  callClocks();
  callRandom();
  callInput();
  callOutput();
  callFilesystem();
  callSockets();
  callHttp();
  callDrafts();
  report('ringfence:agent/log', 'log', 'ok');
  leave();
  return Result.err<Unit, string>('exit returned');
}

function callDrafts(): void {
  const place = 'wasi:config/store';
  report(place, 'get', config.get_('none').isOk ? 'ok' : 'error');
  report(place, 'get-all', config.getAll().isOk ? 'ok' : 'error');
  callStore();
  logging.log(logging.Level.Info, 'wasi:logging/logging log', 'ok');
}

function callStore(): void {
  const place = 'wasi:keyvalue/store';
  const opened = open('default');
  report(place, 'open', opened.isOk ? 'ok' : opened.error.name);
  if (!opened.isOk) return;
  const bucket = opened.value;
  const value = Uint8Array.wrap(String.UTF8.encode('1'));
  const method = '[method]bucket';
  report(place, `${method}.set`, bucket.set('key', value).isOk ? 'ok' : 'error');
  report(place, `${method}.get`, bucket.get('key').isOk ? 'ok' : 'error');
  report(place, `${method}.exists`, bucket.exists('key').isOk ? 'ok' : 'error');
  report(place, `${method}.list-keys`, bucket.listKeys(null).isOk ? 'ok' : 'error');
  report(place, `${method}.delete`, bucket.delete('key').isOk ? 'ok' : 'error');
  callAtomics(bucket, value);
  const batch = 'wasi:keyvalue/batch';
  const pairs = [new Tuple2<string, Uint8Array>('key', value)];
  report(batch, 'set-many', setMany(bucket, pairs).isOk ? 'ok' : 'error');
  report(batch, 'get-many', getMany(bucket, ['key']).isOk ? 'ok' : 'error');
  report(batch, 'delete-many', deleteMany(bucket, ['key']).isOk ? 'ok' : 'error');
  bucket.drop();
}

function callAtomics(bucket: Bucket, value: Uint8Array): void {
  const place = 'wasi:keyvalue/atomics';
  report(place, 'increment', increment(bucket, 'key', 1).isOk ? 'ok' : 'error');
  const cas = Cas.new(bucket, 'key');
  report(place, '[static]cas.new', cas.isOk ? 'ok' : 'error');
  if (!cas.isOk) return;
  report(place, '[method]cas.current', cas.value.current().isOk ? 'ok' : 'error');
  report(place, 'swap', swap(cas.value, value).isOk ? 'ok' : 'error');
}

function callProcess(): void {
  const place = 'ringfence:agent/process';
  report(place, 'self', agents.self().toString());
  report(place, 'parent', agents.parent().toString());
  const request = new agents.SpawnRequest(
    'child',
    agents.ModuleReference.name_('hello'),
    ['argument'],
    [new Tuple2<string, string>('NAME', 'value')],
    [new agents.Grant('ipc', ['all'])],
    new agents.Limits(none(), none(), none(), none(), none(), none(), none()),
    agents.RestartType.Temporary,
    false,
  );
  answer<u64>(place, 'spawn', agents.spawn(request));
  answer<Unit>(place, 'stop', agents.stop(SOMEBODY, agents.StopMode.Force));
  answer<Unit>(place, 'link', agents.link(SOMEBODY));
  answer<Unit>(place, 'unlink', agents.unlink(SOMEBODY));
  answer<u64>(place, 'monitor', agents.monitor(SOMEBODY));
  answer<Unit>(place, 'demonitor', agents.demonitor(1));
  answer<Unit>(place, 'trap-exit', agents.trapExit(true));
}

function callTimers(): void {
  const place = 'ringfence:agent/timers';
  answer<u64>(place, 'after', timers.after(1, Payload.text('later')));
  answer<u64>(place, 'every', timers.every(1000, Payload.json('{}')));
  answer<Unit>(place, 'cancel', timers.cancel(1));
}

function callIpc(): void {
  const place = 'ringfence:agent/ipc';
  const payload = Payload.text('hello');
  answer<Unit>(place, 'send', ipc.send(ipc.Target.process(SOMEBODY), payload, none()));
  answer<u64>(place, 'request', ipc.request(ipc.Target.service('anything'), payload));
  answer<Unit>(place, 'reply', ipc.reply(1, payload));
  const now = Option.some<u64>(0);
  answer<ipc.Received>(place, 'receive', ipc.receive(ipc.Filter.any(), now));
  answer<Unit>(place, 'publish', ipc.publish('news', payload));
  answer<Unit>(place, 'subscribe', ipc.subscribe('news'));
  answer<Unit>(place, 'unsubscribe', ipc.unsubscribe('news'));
}

function callTools(): void {
  const place = 'ringfence:agent/tools';
  answer<Array<tools.Tool>>(place, 'list', tools.list());
  answer<string>(place, 'call', tools.call('add', '{"a":1,"b":2}'));
}

function callCapabilities(): void {
  const place = 'ringfence:agent/capabilities';
  report(place, 'list', `${capabilities.list().length} grants`);
  const grant = new agents.Grant('tools', ['add']);
  const asked = capabilities.request(grant, 'to add');
  answer<capabilities.Decision>(place, 'request', asked);
}

function callEnvironment(): void {
  const place = 'wasi:cli/environment';
  report(place, 'get-arguments', `${getArguments().length} arguments`);
  report(place, 'get-environment', `${getEnvironment().length} variables`);
  report(place, 'initial-cwd', initialCwd() === null ? 'none' : 'some');
  const input = getTerminalStdin();
  report('wasi:cli/terminal-stdin', 'get-terminal-stdin', input === null ? 'none' : 'some');
  const output = getTerminalStdout();
  report('wasi:cli/terminal-stdout', 'get-terminal-stdout', output === null ? 'none' : 'some');
  const errors = getTerminalStderr();
  report('wasi:cli/terminal-stderr', 'get-terminal-stderr', errors === null ? 'none' : 'some');
}

function callClocks(): void {
  const monotonicClock = 'wasi:clocks/monotonic-clock';
  report(monotonicClock, 'now', monotonic.now() > 0 ? 'ok' : 'zero');
  report(monotonicClock, 'resolution', monotonic.resolution().toString());
  const wallClock = 'wasi:clocks/wall-clock';
  report(wallClock, 'now', wall.now().seconds > 0 ? 'ok' : 'zero');
  report(wallClock, 'resolution', wall.resolution().nanoseconds.toString());
  const instant = monotonic.subscribeInstant(0);
  report(monotonicClock, 'subscribe-instant', 'ok');
  const duration = monotonic.subscribeDuration(0);
  report(monotonicClock, 'subscribe-duration', 'ok');
  const pollable = 'wasi:io/poll';
  instant.block();
  report(pollable, '[method]pollable.block', 'ok');
  report(pollable, '[method]pollable.ready', instant.ready() ? 'ready' : 'not ready');
  report(pollable, 'poll', `${poll([instant, duration]).length} ready`);
  instant.drop();
  duration.drop();
}

function callRandom(): void {
  report('wasi:random/random', 'get-random-bytes', `${getRandomBytes(8).length} bytes`);
  getRandomU64();
  report('wasi:random/random', 'get-random-u64', 'ok');
  const insecure = getInsecureRandomBytes(8);
  report('wasi:random/insecure', 'get-insecure-random-bytes', `${insecure.length} bytes`);
  getInsecureRandomU64();
  report('wasi:random/insecure', 'get-insecure-random-u64', 'ok');
  insecureSeed();
  report('wasi:random/insecure-seed', 'insecure-seed', 'ok');
}

function callInput(): void {
  const place = 'wasi:io/streams';
  const input = getStdin();
  report('wasi:cli/stdin', 'get-stdin', 'ok');
  stream<Uint8Array>(place, '[method]input-stream.read', input.read(16));
  stream<Uint8Array>(place, '[method]input-stream.blocking-read', input.blockingRead(16));
  stream<u64>(place, '[method]input-stream.skip', input.skip(16));
  stream<u64>(place, '[method]input-stream.blocking-skip', input.blockingSkip(16));
  const pollable = input.subscribe();
  report(place, '[method]input-stream.subscribe', 'ok');
  pollable.drop();
  callSplice(input);
  input.drop();
}

function callSplice(input: InputStream): void {
  const place = 'wasi:io/streams';
  const output = getStderr();
  report('wasi:cli/stderr', 'get-stderr', 'ok');
  stream<u64>(place, '[method]output-stream.splice', output.splice(input, 16));
  stream<u64>(place, '[method]output-stream.blocking-splice', output.blockingSplice(input, 16));
  output.drop();
}

function callOutput(): void {
  const place = 'wasi:io/streams';
  const output = getStdout();
  report('wasi:cli/stdout', 'get-stdout', 'ok');
  const bytes = Uint8Array.wrap(String.UTF8.encode('.'));
  stream<u64>(place, '[method]output-stream.check-write', output.checkWrite());
  stream<Unit>(place, '[method]output-stream.write', output.write(bytes));
  stream<Unit>(place, '[method]output-stream.flush', output.flush());
  stream<Unit>(place, '[method]output-stream.blocking-flush', output.blockingFlush());
  const written = output.blockingWriteAndFlush(bytes);
  stream<Unit>(place, '[method]output-stream.blocking-write-and-flush', written);
  stream<u64>(place, '[method]output-stream.check-write', output.checkWrite());
  stream<Unit>(place, '[method]output-stream.write-zeroes', output.writeZeroes(1));
  const zeroes = output.blockingWriteZeroesAndFlush(1);
  stream<Unit>(place, '[method]output-stream.blocking-write-zeroes-and-flush', zeroes);
  const pollable = output.subscribe();
  report(place, '[method]output-stream.subscribe', 'ok');
  pollable.drop();
  output.drop();
}

function callFilesystem(): void {
  const directories = getDirectories();
  report('wasi:filesystem/preopens', 'get-directories', `${directories.length} directories`);
}

function callSockets(): void {
  const network = instanceNetwork();
  report('wasi:sockets/instance-network', 'instance-network', 'ok');
  const lookup = resolveAddresses(network, 'localhost');
  socket('wasi:sockets/ip-name-lookup', 'resolve-addresses', lookup.isOk ? -1 : <i32>lookup.error);
  const tcp = createTcpSocket(IpAddressFamily.Ipv4);
  socket('wasi:sockets/tcp-create-socket', 'create-tcp-socket', tcp.isOk ? -1 : <i32>tcp.error);
  const udp = createUdpSocket(IpAddressFamily.Ipv4);
  socket('wasi:sockets/udp-create-socket', 'create-udp-socket', udp.isOk ? -1 : <i32>udp.error);
  network.drop();
}

function callHttp(): void {
  const place = 'wasi:http/types';
  callHeaders();
  const options = callOptions();
  const request = OutgoingRequest.create(Fields.create());
  report(place, '[constructor]outgoing-request', 'ok');
  const method = '[method]outgoing-request';
  unit<Unit>(place, `${method}.set-method`, request.setMethod(Method.get()));
  report(place, `${method}.method`, request.method().name);
  unit<Unit>(place, `${method}.set-scheme`, request.setScheme(Scheme.http()));
  report(place, `${method}.scheme`, request.scheme() === null ? 'none' : 'some');
  unit<Unit>(place, `${method}.set-authority`, request.setAuthority('localhost:1'));
  report(place, `${method}.authority`, request.authority() === null ? 'none' : 'some');
  unit<Unit>(place, `${method}.set-path-with-query`, request.setPathWithQuery('/'));
  report(place, `${method}.path-with-query`, request.pathWithQuery() === null ? 'none' : 'some');
  const headers = request.headers();
  report(place, `${method}.headers`, 'ok');
  headers.drop();
  const body = request.body();
  unit<OutgoingBody>(place, `${method}.body`, body);
  if (body.isOk) callBody(body.value);
  if (getArguments().includes('outgoing-response')) callResponse();
  const response = handle(request, options);
  report('wasi:http/outgoing-handler', 'handle', response.isOk ? 'ok' : response.error.name);
}

function callHeaders(): void {
  const place = 'wasi:http/types';
  const value = Uint8Array.wrap(String.UTF8.encode('value'));
  const headers = Fields.create();
  report(place, '[constructor]fields', 'ok');
  const made = Fields.fromList([new Tuple2<string, Uint8Array>('name', value)]);
  header(place, '[static]fields.from-list', made.isOk ? null : made.error);
  if (made.isOk) made.value.drop();
  const replaced = headers.set('name', [value]);
  header(place, '[method]fields.set', replaced.isOk ? null : replaced.error);
  const appended = headers.append('name', value);
  header(place, '[method]fields.append', appended.isOk ? null : appended.error);
  report(place, '[method]fields.get', `${headers.get('name').length} values`);
  report(place, '[method]fields.has', headers.has('name') ? 'yes' : 'no');
  report(place, '[method]fields.entries', `${headers.entries().length} entries`);
  const copy = headers.clone();
  report(place, '[method]fields.clone', 'ok');
  const deleted = copy.delete('name');
  header(place, '[method]fields.delete', deleted.isOk ? null : deleted.error);
  copy.drop();
  headers.drop();
}

function callOptions(): RequestOptions {
  const place = 'wasi:http/types';
  const options = RequestOptions.create();
  report(place, '[constructor]request-options', 'ok');
  const method = '[method]request-options';
  unit<Unit>(place, `${method}.set-connect-timeout`, options.setConnectTimeout(none()));
  report(place, `${method}.connect-timeout`, options.connectTimeout().isSome ? 'some' : 'none');
  unit<Unit>(place, `${method}.set-first-byte-timeout`, options.setFirstByteTimeout(none()));
  report(
    place,
    `${method}.first-byte-timeout`,
    options.firstByteTimeout().isSome ? 'some' : 'none',
  );
  unit<Unit>(place, `${method}.set-between-bytes-timeout`, options.setBetweenBytesTimeout(none()));
  const between = options.betweenBytesTimeout();
  report(place, `${method}.between-bytes-timeout`, between.isSome ? 'some' : 'none');
  return options;
}

function callBody(body: OutgoingBody): void {
  const place = 'wasi:http/types';
  const output = body.write();
  unit<OutputStream>(place, '[method]outgoing-body.write', output);
  if (output.isOk) output.value.drop();
  const finished = OutgoingBody.finish(body, null);
  report(place, '[static]outgoing-body.finish', finished.isOk ? 'ok' : finished.error.name);
}

function callResponse(): void {
  const place = 'wasi:http/types';
  const response = OutgoingResponse.create(Fields.create());
  report(place, '[constructor]outgoing-response', 'ok');
  const method = '[method]outgoing-response';
  unit<Unit>(place, `${method}.set-status-code`, response.setStatusCode(204));
  report(place, `${method}.status-code`, response.statusCode().toString());
  const headers = response.headers();
  report(place, `${method}.headers`, 'ok');
  headers.drop();
  const body = response.body();
  unit<OutgoingBody>(place, `${method}.body`, body);
  if (body.isOk) body.value.drop();
  response.drop();
}

function leave(): void {
  if (getArguments().includes('exit-with-code')) {
    report('wasi:cli/exit', 'exit-with-code', 'called');
    exitWithCode(0);
  }
  report('wasi:cli/exit', 'exit', 'called');
  exit(Result.ok<Unit, Unit>(UNIT));
}

function none(): Option<u64> {
  return Option.none<u64>();
}

function answer<T>(place: string, name: string, result: Result<T, WitError>): void {
  report(place, name, result.isOk ? 'ok' : `${result.error.name}: ${result.error.payload}`);
}

function stream<T>(place: string, name: string, result: Result<T, StreamError>): void {
  report(place, name, result.isOk ? 'ok' : result.error.name);
}

function unit<T>(place: string, name: string, result: Result<T, Unit>): void {
  report(place, name, result.isOk ? 'ok' : 'error');
}

function header(place: string, name: string, error: HeaderError | null): void {
  report(place, name, error === null ? 'ok' : error.name);
}

// A number below 0 stands for success.
function socket(place: string, name: string, error: i32): void {
  report(place, name, error < 0 ? 'ok' : nameOfErrorCode(<ErrorCode>error));
}

function report(place: string, name: string, what: string): void {
  log(Level.Info, `${place} ${name}: ${what}`);
}
