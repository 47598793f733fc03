// Does with sockets what it is told, line by line on its standard input, and says how each came out,
// line by line on its standard output: `WORD ok ANSWER` or `WORD err CODE`. Words stand one space apart;
// the first after the act is the name of a socket.

import { getStdin } from 'wasi/cli/stdin';
import { getStdout } from 'wasi/cli/stdout';
import { Pollable } from 'wasi/io/poll';
import { InputStream, OutputStream, StreamError } from 'wasi/io/streams';
import { instanceNetwork } from 'wasi/sockets/instance-network';
import { resolveAddresses } from 'wasi/sockets/ip-name-lookup';
import { ErrorCode, IpAddressFamily, Network, nameOfErrorCode } from 'wasi/sockets/network';
import { ShutdownType, TcpSocket } from 'wasi/sockets/tcp';
import { createTcpSocket } from 'wasi/sockets/tcp-create-socket';
import {
  IncomingDatagramStream,
  OutgoingDatagram,
  OutgoingDatagramStream,
  UdpSocket,
} from 'wasi/sockets/udp';
import { createUdpSocket } from 'wasi/sockets/udp-create-socket';
import { Result, UNIT, Unit } from 'wit/values';
import { addressOf, textOfAddress, textOfSocketAddress } from './addresses';

const tcps = new Map<string, TcpSocket>();
const udps = new Map<string, UdpSocket>();
const inputs = new Map<string, InputStream>();
const outputs = new Map<string, OutputStream>();
const incoming = new Map<string, IncomingDatagramStream>();
const outgoing = new Map<string, OutgoingDatagramStream>();
const network: Network = instanceNetwork();
let output: OutputStream | null = null;
let rest = '';

export function run(): Result<Unit, string> {
  output = getStdout();
  const input = getStdin();
  while (true) {
    const end = rest.indexOf('\n');
    if (end >= 0) {
      const line = rest.substring(0, end);
      rest = rest.substring(end + 1);
      if (line == 'end') return Result.ok<Unit, string>(UNIT);
      act(line.split(' '));
      continue;
    }
    const read = input.blockingRead(65536);
    if (!read.isOk) return Result.ok<Unit, string>(UNIT);
    rest += String.UTF8.decode(read.value.buffer);
  }
}

function act(words: string[]): void {
  const word = words[0];
  if (word == 'tcp') createTcp(words);
  else if (word == 'udp') createUdp(words);
  else if (word == 'resolve') resolve(words);
  else if (word == 'resolve-many') resolveMany(words);
  else if (word == 'scan') scan(words, true);
  else if (word == 'again') scan(words, false);
  else if (word == 'many') many(words);
  else if (tcps.has(words[1])) actOnTcp(words, tcps.get(words[1]));
  else if (udps.has(words[1])) actOnUdp(words, udps.get(words[1]));
  else say(`${word} unknown ${words[1]}`);
}

function familyOf(text: string): IpAddressFamily {
  return text == 'ipv6' ? IpAddressFamily.Ipv6 : IpAddressFamily.Ipv4;
}

function createTcp(words: string[]): void {
  const created = createTcpSocket(familyOf(words[2]));
  if (created.isOk) tcps.set(words[1], created.value);
  done('tcp', created);
}

function createUdp(words: string[]): void {
  const created = createUdpSocket(familyOf(words[2]));
  if (created.isOk) udps.set(words[1], created.value);
  done('udp', created);
}

function actOnTcp(words: string[], self: TcpSocket): void {
  const word = words[0];
  if (word == 'start-bind') done(word, self.startBind(network, addressOf(words[2], words[3])));
  else if (word == 'finish-bind') done(word, self.finishBind());
  else if (word == 'bind') bind(words, self);
  else if (word == 'start-connect') {
    done(word, self.startConnect(network, addressOf(words[2], words[3])));
  } else if (word == 'finish-connect') finishConnect(words, self);
  else if (word == 'connect') connect(words, self);
  else if (word == 'start-listen') done(word, self.startListen());
  else if (word == 'finish-listen') done(word, self.finishListen());
  else if (word == 'listen') listen(self);
  else if (word == 'accept') accept(words, self, true);
  else if (word == 'try-accept') accept(words, self, false);
  else if (word == 'local') address(word, self.localAddress());
  else if (word == 'remote') address(word, self.remoteAddress());
  else if (word == 'shutdown') done(word, self.shutdown(shutdownOf(words[2])));
  else if (word == 'set') set(words, self);
  else if (word == 'get') get(words, self);
  else if (word == 'drop') {
    self.drop();
    tcps.delete(words[1]);
    say('drop ok');
  } else actOnStreams(words, self);
}

function shutdownOf(word: string): ShutdownType {
  if (word == 'receive') return ShutdownType.Receive;
  return word == 'send' ? ShutdownType.Send : ShutdownType.Both;
}

function set(words: string[], self: TcpSocket): void {
  const what = words[2];
  const value = U64.parseInt(words[3]);
  if (what == 'backlog') done('set', self.setListenBacklogSize(value));
  else if (what == 'keep-alive') done('set', self.setKeepAliveEnabled(value != 0));
  else if (what == 'idle') done('set', self.setKeepAliveIdleTime(value));
  else if (what == 'interval') done('set', self.setKeepAliveInterval(value));
  else if (what == 'count') done('set', self.setKeepAliveCount(<u32>value));
  else if (what == 'hops') done('set', self.setHopLimit(<u8>value));
  else if (what == 'receive-buffer') done('set', self.setReceiveBufferSize(value));
  else done('set', self.setSendBufferSize(value));
}

function get(words: string[], self: TcpSocket): void {
  const what = words[2];
  if (what == 'keep-alive') number('get', self.keepAliveEnabled());
  else if (what == 'idle') number('get', self.keepAliveIdleTime());
  else if (what == 'interval') number('get', self.keepAliveInterval());
  else if (what == 'count') number('get', self.keepAliveCount());
  else if (what == 'hops') number('get', self.hopLimit());
  else if (what == 'receive-buffer') number('get', self.receiveBufferSize());
  else if (what == 'listening') say(`get ok ${self.isListening()}`);
  else number('get', self.sendBufferSize());
}

function wait(pollable: Pollable): void {
  pollable.block();
  pollable.drop();
}

function bind(words: string[], self: TcpSocket): void {
  const started = self.startBind(network, addressOf(words[2], words[3]));
  if (!started.isOk) {
    done('bind', started);
    return;
  }
  wait(self.subscribe());
  const finished = self.finishBind();
  if (finished.isOk) address('bind', self.localAddress());
  else done('bind', finished);
}

function connect(words: string[], self: TcpSocket): void {
  const started = self.startConnect(network, addressOf(words[2], words[3]));
  if (!started.isOk) {
    done('connect', started);
    return;
  }
  wait(self.subscribe());
  finishConnect(words, self);
}

function finishConnect(words: string[], self: TcpSocket): void {
  const finished = self.finishConnect();
  if (finished.isOk) {
    inputs.set(words[1], finished.value.item0);
    outputs.set(words[1], finished.value.item1);
  }
  done(words[0], finished);
}

function listen(self: TcpSocket): void {
  const started = self.startListen();
  if (!started.isOk) {
    done('listen', started);
    return;
  }
  wait(self.subscribe());
  done('listen', self.finishListen());
}

// accept LISTENER NAME
function accept(words: string[], self: TcpSocket, waits: bool): void {
  if (waits) wait(self.subscribe());
  const accepted = self.accept();
  if (accepted.isOk) {
    tcps.set(words[2], accepted.value.item0);
    inputs.set(words[2], accepted.value.item1);
    outputs.set(words[2], accepted.value.item2);
  }
  done(words[0], accepted);
}

function actOnStreams(words: string[], self: TcpSocket): void {
  const word = words[0];
  if (word == 'write') write(words);
  else if (word == 'fill') fill(words);
  else if (word == 'pour') pour(words);
  else if (word == 'read') read(words);
  else if (word == 'count') count(words);
  else if (word == 'close') {
    if (inputs.has(words[1])) inputs.get(words[1]).drop();
    if (outputs.has(words[1])) outputs.get(words[1]).drop();
    inputs.delete(words[1]);
    outputs.delete(words[1]);
    self.drop();
    tcps.delete(words[1]);
    say('close ok');
  } else say(`${word} unknown`);
}

function write(words: string[]): void {
  const bytes = Uint8Array.wrap(String.UTF8.encode(words[2]));
  stream('write', outputs.get(words[1]).blockingWriteAndFlush(bytes));
}

// pour NAME BYTES: writes so many, waiting for room where there is none.
function pour(words: string[]): void {
  const stream = outputs.get(words[1]);
  let left = I32.parseInt(words[2]);
  while (left > 0) {
    const permitted = stream.checkWrite();
    if (!permitted.isOk) {
      say(`pour err ${permitted.error.name} ${left}`);
      return;
    }
    if (permitted.value == 0) {
      wait(stream.subscribe());
      continue;
    }
    const size = min<i32>(left, <i32>permitted.value);
    const written = stream.write(new Uint8Array(size));
    if (!written.isOk) {
      say(`pour err ${written.error.name} ${left}`);
      return;
    }
    left -= size;
  }
  const flushed = stream.blockingFlush();
  say(flushed.isOk ? 'pour ok' : `pour err ${flushed.error.name}`);
}

// fill NAME: writes until there is no room, without waiting, and says how many bytes that were.
function fill(words: string[]): void {
  const stream = outputs.get(words[1]);
  let total: u64 = 0;
  while (true) {
    const permitted = stream.checkWrite();
    if (!permitted.isOk || permitted.value == 0) break;
    if (!stream.write(new Uint8Array(<i32>permitted.value)).isOk) break;
    total += permitted.value;
  }
  say(`fill ok ${total}`);
}

function read(words: string[]): void {
  const answer = inputs.get(words[1]).blockingRead(65536);
  if (answer.isOk) say(`read ok ${String.UTF8.decode(answer.value.buffer)}`);
  else stream('read', answer);
}

// count NAME: reads to the end, and says how many bytes came, and what the end was.
function count(words: string[]): void {
  const input = inputs.get(words[1]);
  let total: u64 = 0;
  while (true) {
    const answer = input.blockingRead(65536);
    if (!answer.isOk) {
      say(`count ok ${total} ${nameOfStreamError(answer.error)}`);
      return;
    }
    total += answer.value.length;
  }
}

function actOnUdp(words: string[], self: UdpSocket): void {
  const word = words[0];
  if (word == 'start-bind') done(word, self.startBind(network, addressOf(words[2], words[3])));
  else if (word == 'finish-bind') done(word, self.finishBind());
  else if (word == 'bind') bindUdp(words, self);
  else if (word == 'stream') streamOf(words, self);
  else if (word == 'send') send(words);
  else if (word == 'receive') receive(words, true);
  else if (word == 'try-receive') receive(words, false);
  else if (word == 'local') address(word, self.localAddress());
  else if (word == 'remote') address(word, self.remoteAddress());
  else if (word == 'set') setUdp(words, self);
  else if (word == 'close') {
    if (incoming.has(words[1])) incoming.get(words[1]).drop();
    if (outgoing.has(words[1])) outgoing.get(words[1]).drop();
    incoming.delete(words[1]);
    outgoing.delete(words[1]);
    self.drop();
    udps.delete(words[1]);
    say('close ok');
  } else say(`${word} unknown`);
}

function setUdp(words: string[], self: UdpSocket): void {
  const value = U64.parseInt(words[3]);
  if (words[2] == 'hops') done('set', self.setUnicastHopLimit(<u8>value));
  else if (words[2] == 'receive-buffer') done('set', self.setReceiveBufferSize(value));
  else done('set', self.setSendBufferSize(value));
}

function bindUdp(words: string[], self: UdpSocket): void {
  const started = self.startBind(network, addressOf(words[2], words[3]));
  if (!started.isOk) {
    done('bind', started);
    return;
  }
  wait(self.subscribe());
  const finished = self.finishBind();
  if (finished.isOk) address('bind', self.localAddress());
  else done('bind', finished);
}

// stream NAME [ADDRESS PORT]: another pair of streams takes the place of the last one.
function streamOf(words: string[], self: UdpSocket): void {
  const to = words.length > 2 ? addressOf(words[2], words[3]) : null;
  const made = self.stream(to);
  if (made.isOk) {
    if (incoming.has(words[1])) incoming.get(words[1]).drop();
    if (outgoing.has(words[1])) outgoing.get(words[1]).drop();
    incoming.set(words[1], made.value.item0);
    outgoing.set(words[1], made.value.item1);
  }
  done('stream', made);
}

// send NAME TEXT [ADDRESS PORT [COUNT]]
function send(words: string[]): void {
  const to = words.length > 3 ? addressOf(words[3], words[4]) : null;
  const times = words.length > 5 ? I32.parseInt(words[5]) : 1;
  const stream = outgoing.get(words[1]);
  const bytes = words[2].startsWith('%')
    ? new Uint8Array(I32.parseInt(words[2].substring(1)))
    : Uint8Array.wrap(String.UTF8.encode(words[2]));
  const permitted = stream.checkSend();
  if (!permitted.isOk) {
    done('send', permitted);
    return;
  }
  const datagrams: OutgoingDatagram[] = [];
  for (let index = 0; index < times; index++) datagrams.push(new OutgoingDatagram(bytes, to));
  number('send', stream.send(datagrams));
}

function receive(words: string[], waits: bool): void {
  const stream = incoming.get(words[1]);
  if (waits) wait(stream.subscribe());
  const received = stream.receive(1);
  if (!received.isOk) {
    done('receive', received);
    return;
  }
  let all = '';
  for (let index = 0; index < received.value.length; index++) {
    const datagram = received.value[index];
    all += ` ${datagram.data.length} ${String.UTF8.decode(datagram.data.slice(0, 64).buffer)} ${textOfSocketAddress(datagram.remoteAddress)}`;
  }
  say(`receive ok${all}`);
}

function resolve(words: string[]): void {
  const stream = resolveAddresses(network, words[1]);
  if (!stream.isOk) {
    done('resolve', stream);
    return;
  }
  wait(stream.value.subscribe());
  let all = '';
  while (true) {
    const next = stream.value.resolveNextAddress();
    if (!next.isOk) {
      done('resolve', next);
      return;
    }
    const address = next.value;
    if (address === null) break;
    all += ` ${textOfAddress(address)}`;
  }
  stream.value.drop();
  say(`resolve ok${all}`);
}

// resolve-many NAME COUNT: asks so often without waiting, and says how often it was let.
function resolveMany(words: string[]): void {
  const times = I32.parseInt(words[2]);
  let begun = 0;
  for (let index = 0; index < times; index++) {
    const stream = resolveAddresses(network, words[1]);
    if (!stream.isOk) continue;
    const next = stream.value.resolveNextAddress();
    if (next.isOk || next.error == ErrorCode.WouldBlock) begun++;
  }
  say(`resolve-many ok ${begun}`);
}

// scan ADDRESS FROM COUNT: tries so many ports, and says how often each answer came; `again` tries one so often.
function scan(words: string[], onwards: bool): void {
  const met = new Map<string, i32>();
  const from = I32.parseInt(words[2]);
  const times = I32.parseInt(words[3]);
  for (let index = 0; index < times; index++) {
    const socket = createTcpSocket(IpAddressFamily.Ipv4);
    let what = 'made';
    if (socket.isOk) {
      const port = (onwards ? from + index : from).toString();
      const started = socket.value.startConnect(network, addressOf(words[1], port));
      if (started.isOk) {
        wait(socket.value.subscribe());
        const finished = socket.value.finishConnect();
        if (finished.isOk) {
          finished.value.item0.drop();
          finished.value.item1.drop();
          what = 'connected';
        } else what = nameOfErrorCode(finished.error);
      } else what = nameOfErrorCode(started.error);
      socket.value.drop();
    } else what = nameOfErrorCode(socket.error);
    met.set(what, (met.has(what) ? met.get(what) : 0) + 1);
  }
  counted(words[0], met);
}

// many ADDRESS PORT COUNT: connects so often, keeps each, and says how often each answer came.
function many(words: string[]): void {
  const met = new Map<string, i32>();
  const times = I32.parseInt(words[3]);
  for (let index = 0; index < times; index++) {
    const name = `many${index}`;
    const socket = createTcpSocket(IpAddressFamily.Ipv4);
    if (!socket.isOk) continue;
    const started = socket.value.startConnect(network, addressOf(words[1], words[2]));
    let what = 'connected';
    if (started.isOk) {
      wait(socket.value.subscribe());
      const finished = socket.value.finishConnect();
      if (finished.isOk) {
        tcps.set(name, socket.value);
        inputs.set(name, finished.value.item0);
        outputs.set(name, finished.value.item1);
      } else what = nameOfErrorCode(finished.error);
    } else what = nameOfErrorCode(started.error);
    met.set(what, (met.has(what) ? met.get(what) : 0) + 1);
  }
  counted('many', met);
}

function counted(word: string, met: Map<string, i32>): void {
  let all = '';
  const keys = met.keys();
  for (let index = 0; index < keys.length; index++) {
    all += ` ${keys[index]}=${met.get(keys[index])}`;
  }
  say(`${word} ok${all}`);
}

function address<T>(word: string, result: Result<T, ErrorCode>): void {
  if (result.isOk) say(`${word} ok ${textOfSocketAddress(result.value)}`);
  else done(word, result);
}

function number<T>(word: string, result: Result<T, ErrorCode>): void {
  if (result.isOk) say(`${word} ok ${result.value}`);
  else done(word, result);
}

function nameOfStreamError(error: StreamError): string {
  return error.name == 'closed' ? 'closed' : error.lastOperationFailed.toDebugString();
}

function stream<T>(word: string, result: Result<T, StreamError>): void {
  say(result.isOk ? `${word} ok` : `${word} err ${nameOfStreamError(result.error)}`);
}

function done<T>(word: string, result: Result<T, ErrorCode>): void {
  say(result.isOk ? `${word} ok` : `${word} err ${nameOfErrorCode(result.error)}`);
}

function say(line: string): void {
  const out = output;
  if (out !== null) out.blockingWriteAndFlush(Uint8Array.wrap(String.UTF8.encode(`${line}\n`)));
}
