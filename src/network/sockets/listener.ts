/** A listener of TCP: connections wait in it to be accepted, a bounded number of them. */

import { type BoundSocket, createServer, type Server, type Socket } from 'node:net';
import { READ_AHEAD_BYTES } from './caps.ts';
import { codeOf } from './failure.ts';
import { Later } from './later.ts';
import type { SocketAnswer, SocketErrorCode } from './request.ts';

/** What a listener asks of who has it. */
export interface ListenerOwner {
  /** Counts a connection that waits; false: the agent has too many sockets. */
  count(socket: Socket): boolean;
  /** Makes a connection that was counted one that the agent can name. */
  adopt(socket: Socket): SocketAnswer<'accept'>;
}

/** One listener, from when its address was reserved. */
export class Listener {
  readonly #owner: ListenerOwner;
  readonly #backlog: number;
  readonly #server: Server;
  readonly #waiting: Socket[] = [];
  #accepting: Later<SocketAnswer<'accept'>> | null = null;
  #failure: SocketErrorCode | null = null;

  /** `listening` is called once: it listens, or the address can't be listened at. */
  constructor(
    bound: BoundSocket,
    backlog: number,
    owner: ListenerOwner,
    listening: (answer: SocketAnswer<'listen'>) => void,
  ) {
    this.#owner = owner;
    this.#backlog = backlog;
    this.#server = createServer({
      allowHalfOpen: true,
      pauseOnConnect: true,
      highWaterMark: READ_AHEAD_BYTES,
    });
    this.#server.on('connection', (socket) => this.#take(socket));
    this.#server.once('listening', () => listening({ tag: 'ok', val: undefined }));
    this.#server.on('error', (error) => {
      this.#fail(codeOf(error));
      listening({ tag: 'err', val: codeOf(error) });
    });
    this.#server.listen(bound, backlog);
  }

  accept(): SocketAnswer<'accept'> | Later<SocketAnswer<'accept'>> {
    if (this.#accepting !== null) {
      return { tag: 'err', val: 'concurrency-conflict' };
    }
    for (let socket = this.#waiting.shift(); socket; socket = this.#waiting.shift()) {
      if (isThere(socket)) {
        return this.#adopt(socket);
      }
      socket.resetAndDestroy();
    }
    if (this.#failure !== null) {
      return { tag: 'err', val: this.#failure };
    }
    this.#accepting = new Later();
    return this.#accepting;
  }

  /** No more connections; those that wait are reset. */
  close(why: SocketErrorCode): void {
    this.#server.close();
    for (const socket of this.#waiting.splice(0)) {
      socket.resetAndDestroy();
    }
    this.#fail(why);
  }

  #take(socket: Socket): void {
    // Until it is somebody's, its errors are of no interest: it is gone then.
    socket.on('error', ignore);
    if (!isThere(socket) || this.#waiting.length >= this.#backlog || !this.#owner.count(socket)) {
      socket.resetAndDestroy();
      return;
    }
    const accepting = this.#accepting;
    if (accepting === null) {
      this.#waiting.push(socket);
    } else {
      this.#accepting = null;
      accepting.settle(this.#adopt(socket));
    }
  }

  #adopt(socket: Socket): SocketAnswer<'accept'> {
    socket.off('error', ignore);
    const adopted = this.#owner.adopt(socket);
    if (adopted.tag === 'err') {
      socket.on('error', ignore).resetAndDestroy();
    }
    return adopted;
  }

  #fail(why: SocketErrorCode): void {
    this.#failure ??= why;
    this.#accepting?.settle({ tag: 'err', val: this.#failure });
    this.#accepting = null;
  }
}

const ignore = (): void => {};

/** Whether a client is still there: of one that has hung up nobody knows any more where it was. */
const isThere = (socket: Socket): boolean =>
  !socket.destroyed && socket.remoteAddress !== undefined && socket.localAddress !== undefined;
