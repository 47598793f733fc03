/** A server that is asked again and again: started when it is needed, and again when it has ended, after a while. */

import { type Calling, Connection, type ServerAnswer } from './connection.ts';
import { causesOf, ServerFailure } from './failure.ts';
import { type HttpAddress, httpTransport } from './http-transport.ts';
import type { ListedTool } from './listed-tools.ts';
import { ProcessTransport } from './process-transport.ts';
import type { ProcessCommand } from './server-process.ts';

/** How a server is reached. */
export type ServerPlace = { readonly command: ProcessCommand } | { readonly address: HttpAddress };

/** How it is kept. */
export interface LinkOptions {
  readonly place: ServerPlace;
  /** How long it may take until it is ready, and for its list of tools. */
  readonly startMs: number;
  /** The least that passes between an end and the next start; twice as long each time. */
  readonly backoffMs: number;
  readonly version: string;
  /** Told what only the operator should know. */
  warn(text: string): void;
  /** Its list of tools may be another: it has said so, or was started again. */
  changed(): void;
}

const BACKOFF_MS_MAX = 60_000;

/** A server, however often it is started. */
export class ServerLink {
  readonly #options: LinkOptions;
  #current: Connection | null = null;
  #opening: Promise<Connection> | null = null;
  #wasUp = false;
  #failures = 0;
  #nextAtMs = 0;
  #isClosed = false;

  constructor(options: LinkOptions) {
    this.#options = options;
  }

  /** Whether it is connected now. */
  get isUp(): boolean {
    return this.#current !== null;
  }

  /** `passed` is told of tools that can't be offered. @throws {ServerFailure} */
  async list(passed: (why: string) => void): Promise<ListedTool[]> {
    const connection = await this.#connection();
    return connection.list(this.#options.startMs, (why) => passed(`${why} is not offered`));
  }

  /** @throws {ServerFailure}, and the signal's reason once that is aborted */
  async call(name: string, args: object, calling: Calling): Promise<ServerAnswer> {
    try {
      const connection = await this.#connection();
      calling.signal.throwIfAborted();
      const answer = await connection.call(name, args, calling);
      this.#failures = 0;
      return answer;
    } catch (error) {
      if (error instanceof ServerFailure && error.cause !== undefined) {
        this.#options.warn(`a call of '${name}' failed: ${causesOf(error)}`);
      }
      throw error;
    }
  }

  /** Ends it, and it is not started again. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const opening = this.#opening;
    await this.#current?.close().catch(() => {});
    await opening?.then((connection) => connection.close()).catch(() => {});
  }

  async #connection(): Promise<Connection> {
    if (this.#isClosed) {
      throw new ServerFailure('unavailable', 'it is not offered any more');
    }
    if (this.#current !== null) {
      return this.#current;
    }
    if (this.#opening === null) {
      const waitMs = this.#nextAtMs - performance.now();
      if (waitMs > 0) {
        throw new ServerFailure(
          'unavailable',
          `it has ended: call again in ${Math.ceil(waitMs)} ms`,
        );
      }
      this.#opening = this.#open().finally(() => {
        this.#opening = null;
      });
    }
    return this.#opening;
  }

  async #open(): Promise<Connection> {
    const { place, startMs, version, warn, changed } = this.#options;
    const transport =
      'command' in place ? new ProcessTransport(place.command) : httpTransport(place.address);
    const how = (): string => (transport instanceof ProcessTransport ? `: ${transport.how}` : '');
    let connection: Connection;
    try {
      connection = await Connection.open(transport, { startMs, version, changed });
    } catch (error) {
      this.#failed();
      throw error instanceof ServerFailure
        ? new ServerFailure(error.kind, error.message, new Error(`${causesOf(error)}${how()}`))
        : error;
    }
    if (this.#isClosed) {
      await connection.close();
      throw new ServerFailure('unavailable', 'it is not offered any more');
    }
    this.#current = connection;
    if (this.#wasUp) {
      changed();
    }
    this.#wasUp = true;
    void connection.closed.then(() => {
      this.#current = null;
      if (!this.#isClosed) {
        this.#failed();
        warn(`it is gone${how()}; it is started again when it is called`);
      }
    });
    return connection;
  }

  #failed(): void {
    const { backoffMs } = this.#options;
    this.#nextAtMs = performance.now() + Math.min(BACKOFF_MS_MAX, backoffMs * 2 ** this.#failures);
    this.#failures = Math.min(this.#failures + 1, 16);
  }
}
