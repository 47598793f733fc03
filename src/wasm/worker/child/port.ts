/**
 * What stands for the message port in an agent's process: the pipe to the kernel. It also does what
 * shared memory does elsewhere: the kernel's commands are written into the control block here as soon
 * as they arrive, and what is counted in it is told.
 */

import type { Duplex } from 'node:stream';
import { deserialize } from 'node:v8';
import type { SocketAnswer, SocketRequest } from '../../../network/sockets/request.ts';
import type { ControlBlock, Counters } from '../../../resource/control-blocks.ts';
import type { FileAnswer, FileRequest } from '../../host/files/request.ts';
import type { FromWorker, ToWorker } from '../protocol.ts';
import type { WorkerPort } from '../worker.ts';
import { isTaken, type Outgoing, outgoing, outgoingFile, outgoingSocket } from './encode.ts';
import { FrameReader, frameOf } from './frames.ts';
import { type ChildBegin, type ChildHead, FROM_CHILD_BOUNDS, type ToChild } from './messages.ts';

/** How often the kernel is told what was counted, in milliseconds. */
const TELL_COUNTERS_MS = 50;

/** The kernel is trusted: a prepared module has no bound here. */
const TO_CHILD_BOUNDS = { headBytes: 0xffff_ffff, bodyBytes: 0 };

/** In the place of what is not written, as the kernel would not take it. */
const TOO_MUCH = 'too much';

const utf8 = new TextEncoder();

/** What the port hands on beside what a worker takes. */
export interface PortEvents {
  begin(message: ChildBegin): void;
  fileAnswered(id: number, answer: FileAnswer): void;
  socketAnswered(id: number, answer: SocketAnswer): void;
  /** No message found room: `told` is called when one may again. */
  onRoom(told: () => void): void;
}

/** The port of the one worker of this process. */
export class ChildPort implements WorkerPort {
  readonly #pipe: Duplex;
  readonly #block: ControlBlock;
  readonly #events: PortEvents;
  /** What came before the worker was there, in order. */
  readonly #early: ToWorker[] = [];
  #listener: ((messages: ToWorker[]) => void) | null = null;
  #pid = 0;
  #told: Counters | null = null;
  #awaitingRoom = false;

  constructor(pipe: Duplex, block: ControlBlock, events: PortEvents) {
    this.#pipe = pipe;
    this.#block = block;
    this.#events = events;
    const reader = new FrameReader(TO_CHILD_BOUNDS, ({ head }) =>
      this.#take(deserialize(head) as ToChild),
    );
    pipe.on('data', (chunk: Uint8Array) => reader.push(chunk));
  }

  on(_event: 'message', listener: (messages: ToWorker[]) => void): void {
    this.#listener = listener;
    listener(this.#early.splice(0));
  }

  postMessage(messages: FromWorker[]): void {
    for (const message of messages) {
      this.#post(message);
    }
  }

  close(): void {
    this.#pipe.end();
  }

  /** Writes a frame; false: it is larger than what the kernel takes. */
  write({ head, body }: Outgoing): boolean {
    const bytes = utf8.encode(JSON.stringify(head));
    if (
      bytes.length > FROM_CHILD_BOUNDS.headBytes ||
      (body?.length ?? 0) > FROM_CHILD_BOUNDS.bodyBytes
    ) {
      return false;
    }
    // A copy: what stands in the body is the guest's again when this returns.
    this.#pipe.write(Buffer.concat(frameOf(bytes, body)));
    return true;
  }

  tell(head: ChildHead): void {
    this.write({ head });
  }

  askFile(id: number, request: FileRequest): boolean {
    return this.write(outgoingFile(id, request));
  }

  askSocket(id: number, request: SocketRequest): boolean {
    return this.write(outgoingSocket(id, request));
  }

  #post(message: FromWorker): void {
    if (message.kind === 'exited' || message.kind === 'near-limit') {
      this.#tellCounters();
    }
    const out = isTaken(message) ? outgoing(message) : TOO_MUCH;
    if (out !== null && (out === TOO_MUCH || !this.write(out)) && 'id' in message) {
      this.#refuse(message.id);
    }
    if (
      message.kind === 'delivered' &&
      message.outcome.tag === 'err' &&
      message.outcome.error === 'mailbox-full'
    ) {
      this.#awaitRoom();
    }
  }

  /** What the kernel would not take is answered here, as a limit that was passed. */
  #refuse(id: number): void {
    const message = 'it is larger than what leaves the process at a time: pass less';
    this.#hand({
      kind: 'settled',
      pid: this.#pid,
      id,
      outcome: { tag: 'err', error: 'limit-exceeded', message },
    });
  }

  #awaitRoom(): void {
    if (!this.#awaitingRoom) {
      this.#awaitingRoom = true;
      this.#events.onRoom(() => {
        this.#awaitingRoom = false;
        this.tell({ kind: 'room' });
      });
    }
  }

  #tellCounters(): void {
    const counters = this.#block.read();
    const told = this.#told;
    const changed = Object.entries(counters).some(
      ([name, value]) => told?.[name as keyof Counters] !== value,
    );
    if (changed) {
      this.#told = counters;
      const {
        diskBytes: _disk,
        networkRequests: _requests,
        networkBytesOut: _out,
        networkBytesIn: _in,
        ...counted
      } = counters;
      this.tell({ kind: 'counters', ...counted });
    }
  }

  #take(message: ToChild): void {
    switch (message.kind) {
      case 'begin':
        this.#pid = message.agent.pid;
        setInterval(() => this.#tellCounters(), TELL_COUNTERS_MS).unref();
        for (const index of message.revoked) {
          this.#block.revokeGrant(index);
        }
        this.#events.begin(message);
        return;
      case 'command':
        this.#block.request(message.command);
        this.#hand({ kind: 'command', pid: this.#pid, message: message.message });
        return;
      case 'asked':
        this.tell({ kind: 'told', id: message.id });
        return;
      case 'suspended':
        this.#block.suspend();
        // It is between two slices, and counts no more.
        this.#tellCounters();
        this.tell({ kind: 'told', id: message.id });
        return;
      case 'resumed':
        this.#block.resume();
        this.#hand(message);
        return;
      case 'revoked':
        for (const index of message.indexes) {
          this.#block.revokeGrant(index);
        }
        this.#hand({ kind: 'revoked', pid: this.#pid });
        this.tell({ kind: 'told', id: message.id });
        return;
      case 'file-answer':
        this.#events.fileAnswered(message.id, message.answer);
        return;
      case 'socket-answer':
        this.#events.socketAnswered(message.id, message.answer);
        return;
      default:
        this.#hand(message);
    }
  }

  #hand(message: ToWorker): void {
    if (this.#listener === null) {
      this.#early.push(message);
    } else {
      this.#listener([message]);
    }
  }
}
