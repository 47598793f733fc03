/**
 * The process of one agent: it drops what rights it was started with, compiles the agent's metered
 * modules, runs them with the scheduler that worker threads have, and ends when the kernel is gone.
 */

import { Socket } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { ControlBlocks } from '../../../resource/control-blocks.ts';
import { HOST_BROKERED } from '../../host/index.ts';
import { Worker } from '../worker.ts';
import { RemoteFiles } from './files.ts';
import { heapOfProcess } from './heap.ts';
import type { ChildBegin } from './messages.ts';
import { ChildPort } from './port.ts';
import { RemoteSockets } from './sockets.ts';

/** The only descriptor that it was given, beside those of nowhere. */
const PIPE = 3;

/** What Node may let a process do; it has none but reading its own code, and that is loaded. */
const RIGHTS = [
  'fs.read',
  'fs.write',
  'fs',
  'child',
  'worker',
  'addon',
  'wasi',
  'net',
  'inspector',
  'ffi',
] as const;

function dropRights(): void {
  for (const right of RIGHTS) {
    process.permission.drop(right);
  }
}

class AgentProcess {
  readonly #blocks = new ControlBlocks(1);
  readonly #port: ChildPort;
  #files: RemoteFiles | null = null;
  #sockets: RemoteSockets | null = null;
  #worker: Worker | null = null;
  #pid = 0;

  constructor(pipe: Socket) {
    this.#port = new ChildPort(pipe, this.#blocks.take(), {
      begin: (message) => void this.#begin(message).catch((error) => this.fail(error)),
      fileAnswered: (id, answer) => this.#files?.answered(id, answer),
      socketAnswered: (id, answer) => this.#sockets?.answered(id, answer),
      onRoom: (told) => this.#worker?.onRoom(this.#pid, told),
    });
    this.#port.tell({ kind: 'ready' });
  }

  /** Tells the operator why, and ends: the kernel sees the pipe close. */
  fail(error: unknown): void {
    this.#port.tell({ kind: 'warning', text: `an agent's process failed: ${String(error)}` });
    this.#port.close();
  }

  async #begin({ plan, modules, agent, preopens, sliceFuel }: ChildBegin): Promise<void> {
    this.#pid = agent.pid;
    const compiled = await Promise.all(
      modules.map((bytes) => WebAssembly.compile(bytes as Uint8Array<ArrayBuffer>)),
    );
    const port = this.#port;
    const worker = new Worker({
      port,
      blocks: this.#blocks.memory,
      sliceFuel,
      host: HOST_BROKERED,
      ...(plan.features.gc && { heap: heapOfProcess() }),
      openFiles: (owner) => {
        this.#files = new RemoteFiles(owner, preopens, (id, request) => port.askFile(id, request));
        return this.#files;
      },
      // Whatever it asks for is checked, done and counted by the kernel.
      openNetwork: ({ pid }) => ({
        take: (say) => worker.post({ kind: 'network', pid, say }),
        revoked: () => {},
        close: () => {},
      }),
      openSockets: () => {
        this.#sockets = new RemoteSockets((id, request) => port.askSocket(id, request));
        return this.#sockets;
      },
    });
    this.#worker = worker;
    worker.take({ kind: 'module', digest: agent.digest, plan, modules: compiled });
    worker.take({ kind: 'start', agent });
    await worker.run();
  }
}

Error.stackTraceLimit = 0;
// A guest's modules are compiled whole before they run, so that compiling is no gap that nobody sees.
setFlagsFromString('--no-wasm-lazy-compilation');
dropRights();
const pipe = new Socket({ fd: PIPE, readable: true, writable: true });
const agentProcess = new AgentProcess(pipe);
process.on('uncaughtException', (error) => agentProcess.fail(error));
// Without the kernel there is nobody to run for.
pipe.on('close', () => process.exit());
pipe.on('error', () => process.exit());
