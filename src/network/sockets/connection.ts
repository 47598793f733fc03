/** A connection of TCP: what comes is read as it is asked for, what goes waits where its peer does not take it. */

import type { Socket } from 'node:net';
import { DONE, failed } from './answer.ts';
import { codeOf } from './failure.ts';
import { Later } from './later.ts';
import type { Endpoint, KeepAlive, SocketAnswer, SocketErrorCode } from './request.ts';

const NO_BYTES = new Uint8Array(0);
const END: SocketAnswer<'read'> = { tag: 'ok', val: NO_BYTES };

/** One connection, from when it is made. Its owner hears of its end by the socket's own `close`. */
export class Connection {
  readonly local: Endpoint;
  readonly remote: Endpoint;
  readonly #socket: Socket;
  readonly #transferred: (bytesOut: number, bytesIn: number) => void;
  #reading: { readonly later: Later<SocketAnswer<'read'>>; readonly length: number } | null = null;
  #writing: Later<SocketAnswer<'write'>> | null = null;
  #flushing: Later<SocketAnswer<'flush'>> | null = null;
  #failure: SocketErrorCode | null = null;
  #receives = true;
  #sends = true;

  constructor(socket: Socket, transferred: (bytesOut: number, bytesIn: number) => void) {
    this.#socket = socket;
    this.#transferred = transferred;
    this.local = { address: socket.localAddress ?? '', port: socket.localPort ?? 0 };
    this.remote = { address: socket.remoteAddress ?? '', port: socket.remotePort ?? 0 };
    const read = (): void => this.#goOnReading();
    socket.on('readable', read).on('end', read);
    socket.on('drain', () => this.#goOnWriting());
    socket.on('error', (error) => {
      this.#failure ??= codeOf(error);
    });
    socket.on('close', () => {
      this.#failure ??= socket.readableEnded ? null : 'connection-aborted';
      this.#goOnReading();
      this.#goOnWriting();
    });
  }

  read(length: number): SocketAnswer<'read'> | Later<SocketAnswer<'read'>> {
    if (this.#reading !== null) {
      return failed('concurrency-conflict');
    }
    const answer = this.#take(length);
    if (answer !== null) {
      return answer;
    }
    const later = new Later<SocketAnswer<'read'>>();
    this.#reading = { later, length };
    return later;
  }

  write(bytes: Uint8Array): SocketAnswer<'write'> | Later<SocketAnswer<'write'>> {
    if (this.#writing !== null) {
      return failed('concurrency-conflict');
    }
    const refusal = this.#notSending();
    if (refusal !== null) {
      return refusal;
    }
    this.#transferred(bytes.length, 0);
    // A copy: they are the caller's again.
    if (bytes.length === 0 || this.#socket.write(Buffer.from(bytes), this.#written)) {
      return DONE;
    }
    this.#writing = new Later();
    return this.#writing;
  }

  flush(): SocketAnswer<'flush'> | Later<SocketAnswer<'flush'>> {
    if (this.#flushing !== null) {
      return failed('concurrency-conflict');
    }
    const refusal = this.#notSending();
    if (refusal !== null || this.#socket.writableLength === 0) {
      return refusal ?? DONE;
    }
    this.#flushing = new Later();
    return this.#flushing;
  }

  shutdown(receive: boolean, send: boolean): SocketAnswer<'shutdown'> {
    if (this.#socket.destroyed) {
      return failed('invalid-state');
    }
    if (receive && this.#receives) {
      this.#receives = false;
      // Nobody asks for more: its peer is stopped by what fills the system's buffer.
      this.#goOnReading();
    }
    if (send && this.#sends) {
      this.#sends = false;
      this.#socket.end();
    }
    return DONE;
  }

  keepAlive({ enabled, idle, interval, count }: KeepAlive): SocketAnswer<'keep-alive'> {
    setKeepAlive(this.#socket, { enabled, idle, interval, count });
    return DONE;
  }

  /** Nobody reads any more; what was written goes on, for so long. */
  close(lingerMs: number): void {
    this.#receives = false;
    this.#sends = false;
    this.#goOnReading();
    if (this.#socket.writableLength === 0 && !this.#socket.connecting) {
      this.#socket.destroySoon();
      return;
    }
    const timer = setTimeout(() => this.#socket.destroy(), lingerMs).unref();
    this.#socket.on('close', () => clearTimeout(timer));
    this.#socket.destroySoon();
  }

  /** Whether nothing of it is there any more. */
  get isOver(): boolean {
    return this.#socket.closed;
  }

  /** What the system has taken of it still goes out, and nothing else. */
  leave(): void {
    this.#socket.destroy();
  }

  /** At once, whatever is under way; who waits is told why. */
  destroy(why: SocketErrorCode): void {
    this.#failure ??= why;
    this.#socket.resetAndDestroy();
    this.#goOnReading();
    this.#goOnWriting();
  }

  readonly #written = (): void => {
    if (this.#socket.writableLength === 0) {
      this.#goOnWriting();
    }
  };

  /** Null: nothing has come, and something may come still. */
  #take(length: number): SocketAnswer<'read'> | null {
    const socket = this.#socket;
    if (!this.#receives) {
      return END;
    }
    if (socket.readableLength > 0 && length > 0) {
      const bytes: Buffer = socket.read(Math.min(length, socket.readableLength));
      this.#transferred(0, bytes.length);
      return { tag: 'ok', val: bytes };
    }
    if (this.#failure !== null) {
      return failed(this.#failure);
    }
    if (socket.readableEnded || socket.destroyed) {
      return END;
    }
    // Asks the system; where its peer has ended, it says so.
    socket.read(0);
    return null;
  }

  #goOnReading(): void {
    const reading = this.#reading;
    const answer = reading === null ? null : this.#take(reading.length);
    if (reading !== null && answer !== null) {
      this.#reading = null;
      reading.later.settle(answer);
    }
  }

  #notSending(): SocketAnswer<never> | null {
    if (this.#failure !== null) {
      return failed(this.#failure);
    }
    return this.#sends && !this.#socket.destroyed ? null : failed('invalid-state');
  }

  #goOnWriting(): void {
    const answer = this.#failure === null ? DONE : failed(this.#failure);
    const over = this.#failure !== null || this.#socket.destroyed;
    if (over || !this.#socket.writableNeedDrain) {
      this.#writing?.settle(answer);
      this.#writing = null;
    }
    if (over || this.#socket.writableLength === 0) {
      this.#flushing?.settle(answer);
      this.#flushing = null;
    }
  }
}

/** Node takes milliseconds, and gives the system seconds. */
export function setKeepAlive(socket: Socket, keepAlive: KeepAlive): void {
  const { enabled, idle, interval, count } = keepAlive;
  socket.setKeepAlive({
    enable: enabled,
    initialDelay: idle * 1_000,
    interval: interval * 1_000,
    count,
  });
}
