/**
 * Files as streams. They pass the gate as streams, so whether the grant is in force they look
 * themselves, at each read and write.
 */

import type {
  HostAgent,
  InputSource,
  Operation,
  OutputSink,
  StreamFailure,
  Subscribe,
} from '../../agent.ts';
import type { ErrorCode, FileAnswer } from '../../files/request.ts';
import { READ_BYTES_MAX } from '../io/input-stream.ts';
import { WRITE_BYTES_MAX } from '../io/output-stream.ts';
import { perform, settled } from './ask.ts';
import type { Descriptor, SharedHandle } from './descriptor.ts';

const NO_BYTES = new Uint8Array(0);

const AT_ONCE: Subscribe = (wake) => {
  queueMicrotask(wake);
  return () => {};
};

/** What streams of files have in common: the handle that they share, the grant that they need. */
class FileStream {
  protected readonly agent: HostAgent;
  protected readonly shared: SharedHandle;
  readonly #descriptor: Descriptor;
  readonly #operation: string;
  #released = false;

  constructor(agent: HostAgent, descriptor: Descriptor, operation: string) {
    this.agent = agent;
    this.shared = descriptor.shared.share();
    this.#descriptor = descriptor;
    this.#operation = operation;
  }

  /** Null: it may go on. */
  protected denied(): StreamFailure | null {
    if (this.agent.grants.inForce(this.#descriptor.grant)) {
      return null;
    }
    this.agent.deny('files', this.#operation);
    return { failed: 'access' };
  }

  release(): void {
    if (!this.#released) {
      this.#released = true;
      this.shared.release(this.agent);
    }
  }
}

/** Reads a file from an offset on. */
export class FileSource extends FileStream implements InputSource {
  readonly #brokered: boolean;
  #offset: number;
  #operation: Operation<FileAnswer<'read'>> | null = null;
  /** What a broker has read ahead. */
  #ahead: Uint8Array = NO_BYTES;
  #closed = false;

  constructor(agent: HostAgent, descriptor: Descriptor, offset: number, brokered: boolean) {
    super(agent, descriptor, 'filesystem.input-stream.read');
    this.#offset = offset;
    this.#brokered = brokered;
  }

  get ready(): boolean {
    return (
      !this.#brokered ||
      this.#closed ||
      this.#ahead.length > 0 ||
      (this.#operation !== null && this.#operation.outcome !== null)
    );
  }

  readonly onReady: Subscribe = (wake) => {
    if (this.ready) {
      return AT_ONCE(wake);
    }
    this.#start(READ_BYTES_MAX);
    return this.#operation === null ? AT_ONCE(wake) : this.#operation.onSettled(wake);
  };

  read(max: number): Uint8Array | 'empty' | 'closed' | StreamFailure {
    const denied = this.denied();
    if (denied !== null) {
      return denied;
    }
    if (this.#closed) {
      return 'closed';
    }
    if (max === 0) {
      return NO_BYTES;
    }
    if (this.#ahead.length === 0) {
      const answer = this.#next(max);
      if (answer === null) {
        return 'empty';
      }
      if (answer.tag === 'err') {
        this.#closed = true;
        return { failed: answer.val };
      }
      this.#ahead = answer.val.bytes;
      this.#offset += this.#ahead.length;
      if (this.#ahead.length === 0) {
        this.#closed = true;
        return 'closed';
      }
    }
    const bytes = this.#ahead.subarray(0, max);
    this.#ahead = this.#ahead.subarray(bytes.length);
    return bytes;
  }

  #next(max: number): FileAnswer<'read'> | null {
    if (this.#operation === null) {
      const answer = this.#start(this.#brokered ? READ_BYTES_MAX : max);
      if (answer !== null) {
        return answer;
      }
    }
    const answer = this.#operation === null ? null : settled(this.#operation);
    if (answer !== null) {
      this.#operation = null;
    }
    return answer;
  }

  /** Asks for more; answers what came at once. */
  #start(length: number): FileAnswer<'read'> | null {
    if (this.#operation !== null) {
      return null;
    }
    const { handle } = this.shared;
    const request = { op: 'read', file: handle, length, offset: this.#offset } as const;
    const answer = perform<'read'>(this.agent, request);
    if ('outcome' in answer) {
      this.#operation = answer;
      return null;
    }
    return answer;
  }
}

/** Writes a file from an offset on, or at its end. */
export class FileSink extends FileStream implements OutputSink {
  readonly closed = false;
  #failure: StreamFailure | null = null;
  /** Null: at the end of the file. */
  #offset: number | null;
  #operation: Operation<FileAnswer<'write' | 'append'>> | null = null;
  /** What is under way to a broker, and not known to be written. */
  #rest: Uint8Array = NO_BYTES;

  constructor(agent: HostAgent, descriptor: Descriptor, offset: number | null) {
    super(agent, descriptor, 'filesystem.output-stream.write');
    this.#offset = offset;
  }

  get failure(): StreamFailure | null {
    this.#look();
    return this.#failure;
  }

  get room(): number {
    this.#look();
    return this.#operation === null ? WRITE_BYTES_MAX : 0;
  }

  get flushed(): boolean {
    this.#look();
    return this.#operation === null;
  }

  readonly onChange: Subscribe = (wake) =>
    this.#operation === null ? AT_ONCE(wake) : this.#operation.onSettled(wake);

  write(bytes: Uint8Array): void {
    this.#failure ??= this.denied();
    if (this.#failure === null && bytes.length > 0) {
      this.#rest = bytes;
      this.#go();
      if (this.#operation !== null) {
        // They are the caller's again when this returns.
        this.#rest = this.#rest.slice();
      }
    }
  }

  /** Looks whether what a broker was asked for is through, and goes on with the rest. */
  #look(): void {
    const answer = this.#operation === null ? null : settled(this.#operation);
    if (answer !== null) {
      this.#operation = null;
      this.#written(answer);
      this.#go();
    }
  }

  #go(): void {
    while (this.#operation === null && this.#failure === null && this.#rest.length > 0) {
      const answer = this.#ask();
      if ('outcome' in answer) {
        this.#operation = answer;
      } else {
        this.#written(answer);
      }
    }
  }

  #ask(): FileAnswer<'write' | 'append'> | Operation<FileAnswer<'write' | 'append'>> {
    const file = this.shared.handle;
    const bytes = this.#rest;
    return this.#offset === null
      ? perform<'append'>(this.agent, { op: 'append', file, bytes })
      : perform<'write'>(this.agent, { op: 'write', file, bytes, offset: this.#offset });
  }

  #written(answer: FileAnswer<'write' | 'append'>): void {
    if (answer.tag === 'err') {
      this.#fail(answer.val);
    } else if (!(answer.val > 0)) {
      this.#fail('io');
    } else {
      this.#rest = this.#rest.subarray(answer.val);
      if (this.#offset !== null) {
        this.#offset += answer.val;
      }
    }
  }

  #fail(code: ErrorCode): void {
    this.#failure = { failed: code };
    this.#rest = NO_BYTES;
  }
}
