/** A server that is a process: in a process group of its own, with the environment that was written for it and no other. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { withNoneInherited } from '../../inherited-descriptors.ts';
import { endsWithProgram, signalGroup } from '../../process-group.ts';

/** How a server is started: never by a shell. */
export interface ProcessCommand {
  /** Absolute. */
  readonly file: string;
  readonly arguments: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly directory: string;
}

/** How long it has to end by itself, once nobody writes to it any more, and once it was asked to. */
const END_MS = 1_000;
const TERMINATE_MS = 1_000;
/** Characters of its standard error that are kept, its last. */
const STDERR_CHARACTERS_MAX = 2_000;
/** Its standard error is read so often: a flood makes it wait, not this process. */
const STDERR_PAUSE_MS = 5;

/** How long the rest of it is read for, once the process has ended. */
const ERRORS_MS = 200;

/** The process of a server, and all that it has started in its group. */
export class ServerProcess {
  readonly #child: ChildProcess;
  readonly #exited: Promise<void>;
  readonly #forget: () => void;
  #ending: Promise<void> | null = null;
  #stderr = '';
  #how = 'it could not be started';

  constructor({ file, arguments: args, environment, directory }: ProcessCommand) {
    this.#child = withNoneInherited((behind) =>
      spawn(file, [...args], {
        env: { ...environment },
        cwd: directory,
        stdio: ['pipe', 'pipe', 'pipe', ...behind],
        shell: false,
        windowsHide: true,
        // The leader of a group, which is ended as a whole.
        detached: true,
      }),
    );
    // What is written to one that has ended is lost, and its end says so.
    this.#child.stdin?.on('error', () => {});
    this.#child.stdout?.on('error', () => {});
    this.#forget = endsWithProgram(this.#child);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#exited = promise;
    this.#child.on('error', (error: NodeJS.ErrnoException) => {
      this.#how = `it could not be started (${error.code ?? 'unknown error'})`;
      this.#left();
      resolve();
    });
    this.#child.on('exit', (code, signal) => {
      this.#how = signal === null ? `it ended with code ${code}` : `it was ended by ${signal}`;
      this.#left();
      const late = delay(ERRORS_MS, undefined, { ref: false });
      // A process that it has left elsewhere may hold it open for ever.
      void Promise.race([errors, late]).then(() => {
        this.#child.stderr?.destroy();
        resolve();
      });
    });
    const errors = this.#keepErrors();
  }

  /** @throws where it could not be started */
  async started(): Promise<void> {
    await once(this.#child, 'spawn');
  }

  get input(): Writable {
    return this.#child.stdin!;
  }
  get output(): Readable {
    return this.#child.stdout!;
  }
  /** Resolves when it has ended. */
  get exited(): Promise<void> {
    return this.#exited;
  }
  /** How it has ended, and the end of what it said about it. */
  get how(): string {
    const said = this.#stderr.trim();
    return said === '' ? this.#how : `${this.#how}, and said: ${said}`;
  }

  /** Ends it: its input first, then by signals. Resolves when nothing of its group is left. */
  end(): Promise<void> {
    this.#ending ??= this.#end();
    return this.#ending;
  }

  async #end(): Promise<void> {
    this.#child.stdin?.end();
    if (await this.#exitedWithin(END_MS)) {
      return;
    }
    signalGroup(this.#child, 'SIGTERM');
    if (await this.#exitedWithin(TERMINATE_MS)) {
      return;
    }
    signalGroup(this.#child, 'SIGKILL');
    await this.#exited;
  }

  async #exitedWithin(ms: number): Promise<boolean> {
    const controller = new AbortController();
    const late = delay(ms, false, { signal: controller.signal }).catch(() => false);
    const inTime = await Promise.race([this.#exited.then(() => true), late]);
    controller.abort();
    return inTime;
  }

  /** Its leader is gone: whatever it has left in its group is ended. */
  #left(): void {
    this.#forget();
    signalGroup(this.#child, 'SIGKILL');
    this.#child.stdin?.destroy();
  }

  async #keepErrors(): Promise<void> {
    const decoder = new TextDecoder();
    try {
      for await (const chunk of this.#child.stderr ?? []) {
        const text = this.#stderr + decoder.decode(chunk, { stream: true });
        this.#stderr = text.slice(-STDERR_CHARACTERS_MAX);
        await delay(STDERR_PAUSE_MS, undefined, { ref: false });
      }
    } catch {
      // It was closed in the middle.
    }
  }
}
