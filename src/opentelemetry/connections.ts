/**
 * Connections to the collector. The exporter's own timeout looks at silence only: a collector that sends a byte now
 * and then would hold each of its requests for ever, and the program when it wants to leave.
 */

import { readFileSync } from 'node:fs';
import { Agent as PlainAgent } from 'node:http';
import { Agent as SecureAgent } from 'node:https';
import { env } from 'node:process';
import type { Duplex } from 'node:stream';

/** All connections of one telemetry. */
export class Connections {
  readonly #answerMs: number;
  readonly #agents: PlainAgent[] = [];
  readonly #timers = new WeakMap<Duplex, NodeJS.Timeout>();
  #isClosed = false;

  /** `answerMs`: how long one request may take, from its connection or its first byte to its answer's last. */
  constructor(answerMs: number) {
    this.#answerMs = answerMs;
  }

  /** Connections for one signal: `TRACES`, and so on, as the environment's variables have it. */
  agentOf(signal: string, protocol: string): PlainAgent {
    const agent =
      protocol === 'https:'
        ? new SecureAgent({ keepAlive: true, ...certificatesOf(signal) })
        : new PlainAgent({ keepAlive: true });
    this.#limit(agent);
    this.#agents.push(agent);
    return agent;
  }

  /** Ends what is under way, and connects no more. */
  close(): void {
    this.#isClosed = true;
    for (const agent of this.#agents) {
      agent.destroy();
    }
  }

  #limit(agent: PlainAgent): void {
    const create = agent.createConnection.bind(agent);
    const keep = agent.keepSocketAlive.bind(agent);
    const reuse = agent.reuseSocket.bind(agent);
    agent.createConnection = (options, callback) => {
      if (this.#isClosed) {
        process.nextTick(() => callback?.(new Error('telemetry is closed'), null as never));
        return undefined;
      }
      const socket = create(options, (error, made) => {
        this.#made(made);
        callback?.(error, made);
      });
      this.#made(socket);
      return socket;
    };
    agent.keepSocketAlive = (socket) => {
      this.#end(socket);
      return keep(socket);
    };
    agent.reuseSocket = (socket, request) => {
      this.#begin(socket);
      reuse(socket, request);
    };
  }

  /** A connection is made, by either of the ways in which Node tells it. */
  #made(socket: Duplex | null | undefined): void {
    if (socket && !this.#timers.has(socket)) {
      this.#begin(socket);
      socket.once('close', () => this.#end(socket));
    }
  }

  #begin(socket: Duplex): void {
    this.#end(socket);
    const timer = setTimeout(() => {
      socket.destroy(new Error(`it has not answered within ${this.#answerMs} ms`));
    }, this.#answerMs);
    this.#timers.set(socket, timer.unref());
  }

  #end(socket: Duplex): void {
    clearTimeout(this.#timers.get(socket));
  }
}

/** The files that the environment names, as the specification of OTLP's exporters has them. */
function certificatesOf(signal: string): Record<string, Buffer> {
  const files = { ca: 'CERTIFICATE', cert: 'CLIENT_CERTIFICATE', key: 'CLIENT_KEY' };
  const found: Record<string, Buffer> = {};
  for (const [option, name] of Object.entries(files)) {
    const path = env[`OTEL_EXPORTER_OTLP_${signal}_${name}`] ?? env[`OTEL_EXPORTER_OTLP_${name}`];
    if (path !== undefined && path !== '') {
      found[option] = readFileSync(path);
    }
  }
  return found;
}
