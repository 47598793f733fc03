/** What a worker posts, as frames that the kernel reads. */

import type { Payload } from '../../../ipc/message.ts';
import type { SocketRequest } from '../../../network/sockets/request.ts';
import { WRITE_BYTES_MAX } from '../../host/files/caps.ts';
import type { FileRequest } from '../../host/files/request.ts';
import type { FromWorker } from '../protocol.ts';
import { type ChildHead, FROM_CHILD_TEXTS } from './messages.ts';

/** A frame before it is bytes. */
export interface Outgoing {
  readonly head: ChildHead;
  readonly body?: Uint8Array;
}

const utf8 = new TextEncoder();

const bytesOf = (payload: Payload): Uint8Array =>
  payload.tag === 'binary' ? payload.val : utf8.encode(payload.val);

/** Numbers of 64 bits are texts, for JSON has none. */
const json = (value: unknown): Uint8Array =>
  utf8.encode(
    JSON.stringify(value, (_, part: unknown) =>
      typeof part === 'bigint' ? part.toString() : part,
    ),
  );

const { nameCharacters, words, childTexts } = FROM_CHILD_TEXTS;
const isName = (text: string): boolean => text.length <= nameCharacters;

/** Whether the kernel takes what a guest says in it: it would take more for a process gone mad. */
export function isTaken(message: FromWorker): boolean {
  switch (message.kind) {
    case 'tool':
      return isName(message.name);
    case 'request-grant': {
      const { kind, scope } = message.grant;
      return isName(kind) && scope.length <= words && scope.every(isName);
    }
    case 'spawn': {
      const { arguments: given, environment, grants } = message.request;
      return (
        grants.length <= words &&
        [given, environment, ...grants.map(({ scope }) => scope)].every(
          ({ length }) => length <= childTexts,
        )
      );
    }
    default:
      return true;
  }
}

/** Null: the kernel need not know it. */
export function outgoing(message: FromWorker): Outgoing | null {
  switch (message.kind) {
    case 'ready':
    case 'pong':
    // Processes live in the machine's time: they are not asked.
    case 'quiet':
    // The counters, which are told then, say it.
    case 'near-limit':
      return null;
    case 'send': {
      const { kind, id, to, body, waitMs, payload } = message;
      return { head: { kind, id, to, body, waitMs, payload: payload.tag }, body: bytesOf(payload) };
    }
    case 'ask': {
      const { kind, id, question } = message;
      if (question.ask !== 'publish') {
        return { head: { kind, id, question } };
      }
      const { payload } = question;
      return {
        head: { kind, id, question: { ...question, payload: payload.tag } },
        body: bytesOf(payload),
      };
    }
    case 'exited': {
      const { kind, end, undelivered, findings } = message;
      return { head: { kind, end, undelivered: undelivered.length, findings } };
    }
    case 'tool': {
      const { kind, id, name } = message;
      return { head: { kind, id, name }, body: utf8.encode(message.arguments) };
    }
    case 'spawn': {
      const { kind, id, request } = message;
      return { head: { kind, id }, body: json(request) };
    }
    case 'output': {
      const { kind, stream, bytes } = message;
      return { head: { kind, stream }, body: bytes };
    }
    case 'recorded':
      return { head: { kind: 'recorded' }, body: message.bytes };
    case 'exchange': {
      const { kind, say } = message;
      if (say.step !== 'bytes') {
        return { head: { kind, say } };
      }
      const { bytes, ...rest } = say;
      return { head: { kind, say: rest }, body: bytes };
    }
    case 'network': {
      const { kind, say } = message;
      if (say.step !== 'bytes') {
        return { head: { kind, say } };
      }
      const { bytes, ...rest } = say;
      return { head: { kind, say: rest }, body: bytes };
    }
    case 'warning':
    case 'delivered':
      return { head: message };
    default: {
      // Whose it is the kernel knows: a process has one agent.
      const { pid: _pid, ...head } = message;
      return { head };
    }
  }
}

/** A request on files; the bytes that it writes go in the body. */
export function outgoingFile(id: number, request: FileRequest): Outgoing {
  if (request.op === 'write' || request.op === 'append') {
    const { bytes, ...rest } = request;
    const head = { kind: 'file', id, request: rest } as const;
    // More would not be written: the rest is for the next request.
    return { head, body: bytes.subarray(0, WRITE_BYTES_MAX) };
  }
  return { head: { kind: 'file', id, request } };
}

/** A request on sockets; what it sends goes in the body. */
export function outgoingSocket(id: number, request: SocketRequest): Outgoing {
  switch (request.op) {
    case 'write': {
      const { bytes, ...rest } = request;
      return { head: { kind: 'socket', id, request: rest }, body: bytes };
    }
    case 'send': {
      const { datagrams, ...rest } = request;
      const lengths = datagrams.map(({ bytes, to }) => ({ length: bytes.length, to }));
      return {
        head: { kind: 'socket', id, request: { ...rest, datagrams: lengths } },
        body: Buffer.concat(datagrams.map(({ bytes }) => bytes)),
      };
    }
    default:
      return { head: { kind: 'socket', id, request } };
  }
}
