/** The ways between shared threads: a port for each pair whose agents talk, made when they first do. */

import { MessageChannel, type MessagePort } from 'node:worker_threads';
import type { ToWorker } from '../../wasm/worker/protocol.ts';

/** A thread, as the ways between threads need it. */
export interface Routed {
  /** Names it among the threads of its kernel: never given out again. */
  readonly id: number;
  readonly gone: boolean;
  /** Whether an agent is in it. */
  has(pid: number): boolean;
  post(message: ToWorker, transfer?: readonly MessagePort[]): void;
}

/** All ways between the threads of a kernel. */
export class Routes {
  readonly #threads = new Map<number, Routed>();
  /** Which threads have a port to each other, by their ids. */
  readonly #pairs = new Map<number, Set<number>>();

  add(thread: Routed): void {
    this.#threads.set(thread.id, thread);
    this.#pairs.set(thread.id, new Set());
  }

  /** Shows a thread the way to an agent, where that is in another of these threads. */
  show(from: Routed, pid: number): void {
    for (const other of this.#threads.values()) {
      if (other !== from && !other.gone && !from.gone && other.has(pid)) {
        this.#connect(from, other);
        from.post({ kind: 'route', pid, worker: other.id });
        return;
      }
    }
  }

  #connect(one: Routed, other: Routed): void {
    const pairs = this.#pairs.get(one.id);
    if (pairs === undefined || pairs.has(other.id)) {
      return;
    }
    pairs.add(other.id);
    this.#pairs.get(other.id)?.add(one.id);
    const { port1, port2 } = new MessageChannel();
    one.post({ kind: 'peer', worker: other.id, port: port1 }, [port1]);
    other.post({ kind: 'peer', worker: one.id, port: port2 }, [port2]);
  }

  /** A thread is gone: those that had a port to it are told. */
  remove(thread: Routed): void {
    this.#threads.delete(thread.id);
    for (const id of this.#pairs.get(thread.id) ?? []) {
      this.#pairs.get(id)?.delete(thread.id);
      this.#threads.get(id)?.post({ kind: 'peer-gone', worker: thread.id });
    }
    this.#pairs.delete(thread.id);
  }
}
