/** A name server of a test's own, over UDP: it answers what the test says, each time anew. */

import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { isIPv4 } from 'node:net';

/** What is answered to a question: addresses, a code of RFC 1035, or nothing at all. */
export type DnsAnswer = readonly string[] | 'NXDOMAIN' | 'SERVFAIL' | 'silence';

const RCODE = { NXDOMAIN: 3, SERVFAIL: 2 } as const;
const TYPE_A = 1;
const TYPE_AAAA = 28;

/** A server that is running. */
export interface NameServer {
  /** As settings want it. */
  readonly address: string;
  /** Questions that came, as `name type`. */
  readonly asked: readonly string[];
  close(): Promise<void>;
}

/** An IPv6 address as its 16 bytes; only with all groups, or one `::`. */
function bytesOf6(address: string): number[] {
  const [front = '', back = ''] = address.split('::');
  const groups = (text: string) => (text === '' ? [] : text.split(':'));
  const [left, right] = [groups(front), groups(back)];
  const zeros = address.includes('::') ? Array(8 - left.length - right.length).fill('0') : [];
  return [...left, ...zeros, ...right].flatMap((group) => {
    const value = Number.parseInt(group, 16);
    return [value >> 8, value & 0xff];
  });
}

function read(message: Buffer): { name: string; type: number; end: number } {
  const labels: string[] = [];
  let at = 12;
  while (message[at] !== 0) {
    const length = message[at] as number;
    labels.push(message.toString('latin1', at + 1, at + 1 + length));
    at += length + 1;
  }
  return { name: labels.join('.').toLowerCase(), type: message.readUInt16BE(at + 1), end: at + 5 };
}

function write(message: Buffer, end: number, type: number, answer: DnsAnswer): Buffer {
  const header = Buffer.from(message.subarray(0, 12));
  const addresses = Array.isArray(answer)
    ? (answer as string[]).filter((each) => isIPv4(each) === (type === TYPE_A))
    : [];
  const rcode = typeof answer === 'string' && answer !== 'silence' ? RCODE[answer] : 0;
  header.writeUInt16BE(0x8180 | rcode, 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(addresses.length, 6);
  header.writeUInt32BE(0, 8);
  const records = addresses.map((address) => {
    const data = isIPv4(address) ? address.split('.').map(Number) : bytesOf6(address);
    const record = Buffer.alloc(12 + data.length);
    record.writeUInt16BE(0xc00c, 0);
    record.writeUInt16BE(type, 2);
    record.writeUInt16BE(1, 4);
    record.writeUInt16BE(data.length, 10);
    record.set(data, 12);
    return record;
  });
  return Buffer.concat([header, message.subarray(12, end), ...records]);
}

/** Starts one. `answer` is asked for each question; `times` says how often the name was asked before. */
export async function startNameServer(
  answer: (name: string, times: number) => DnsAnswer,
): Promise<NameServer> {
  const socket = createSocket('udp4');
  const asked: string[] = [];
  const times = new Map<string, number>();
  socket.on('message', (message, from) => {
    const { name, type, end } = read(message);
    if (type !== TYPE_A && type !== TYPE_AAAA) {
      return;
    }
    const key = `${name} ${type === TYPE_A ? 'A' : 'AAAA'}`;
    const before = times.get(key) ?? 0;
    times.set(key, before + 1);
    asked.push(key);
    const what = answer(name, before);
    if (what !== 'silence') {
      socket.send(write(message, end, type, what), from.port, from.address);
    }
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return {
    address: `127.0.0.1:${(socket.address() as AddressInfo).port}`,
    asked,
    close: () => new Promise((resolve) => socket.close(() => resolve())),
  };
}
