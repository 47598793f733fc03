/** The streams of an agent in a process of its own: bounded here as they are bounded there. */

import type { HostCall } from '../../process/diagnosis.ts';
import type { ToChild } from '../../wasm/worker/child/messages.ts';
import { CALLS_UNDER_WAY_MAX } from '../../wasm/worker/observing/call-trace.ts';
import type { StreamName } from '../../wasm/worker/protocol.ts';
import { logLineBytes, OUTPUT_WINDOW_BYTES } from '../../wasm/worker/streams.ts';
import type { BackendEvents } from '../backend.ts';
import { ChildProtocolError } from './from-child.ts';

/** The streams and the log of one agent, within their windows. */
export class ChildStreams {
  readonly #pid: number;
  readonly #events: BackendEvents;
  readonly #send: (message: ToChild) => void;
  /** Bytes that nobody has taken over yet. */
  readonly #underWay: Record<StreamName, number> = { stdout: 0, stderr: 0 };
  /** Host calls that nobody has taken yet. */
  #callsUnderWay = 0;
  readonly #closed = new Set<StreamName>();
  #reading = false;

  constructor(pid: number, events: BackendEvents, send: (message: ToChild) => void) {
    this.#pid = pid;
    this.#events = events;
    this.#send = send;
  }

  output(stream: StreamName, bytes: Uint8Array): void {
    if (this.#closed.has(stream)) {
      return;
    }
    this.#underWay[stream] += bytes.length;
    if (bytes.length === 0 || this.#underWay[stream] > OUTPUT_WINDOW_BYTES) {
      throw new ChildProtocolError(`more output to ${stream} than its window takes`);
    }
    void this.#events.output(stream, bytes).then((taken) => {
      this.#underWay[stream] -= bytes.length;
      if (taken === 'taken') {
        this.#consumed(stream, bytes.length);
      } else {
        this.#closed.add(stream);
        this.#send({ kind: 'output-closed', pid: this.#pid, stream });
      }
    });
  }

  log(level: string, message: string): void {
    this.#events.log(level, message);
    this.#consumed('log', logLineBytes(message));
  }

  hostCalls(calls: readonly HostCall[]): void {
    this.#callsUnderWay += calls.length;
    if (this.#callsUnderWay > CALLS_UNDER_WAY_MAX) {
      throw new ChildProtocolError('more host calls are told of than their window takes');
    }
    void this.#events.hostCalls(calls).then(() => {
      this.#callsUnderWay -= calls.length;
      this.#send({ kind: 'calls-taken', pid: this.#pid, calls: calls.length });
    });
  }

  pullInput(): void {
    if (this.#reading) {
      throw new ChildProtocolError('input is asked for before the last has come');
    }
    this.#reading = true;
    void this.#events.input().then((bytes) => {
      this.#reading = false;
      this.#send({ kind: 'input', pid: this.#pid, bytes });
    });
  }

  #consumed(stream: StreamName | 'log', bytes: number): void {
    this.#send({ kind: 'consumed', pid: this.#pid, stream, bytes });
  }
}
