/** One run of a command: a process group of its own, its output within bounds, and its end. */

import { spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { withNoneInherited } from '../../inherited-descriptors.ts';
import { endsWithProgram, signalGroup } from '../../process-group.ts';

/** What is run. */
export interface ExecRun {
  readonly file: string;
  /** What the program sees as its own name. */
  readonly name: string;
  readonly arguments: readonly string[];
  readonly cwd: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly stdin: string | null;
  readonly maxOutputBytes: number;
  readonly signal: AbortSignal;
}

/** How a run came out. */
export interface ExecResult {
  /** Null: it was ended by a signal. */
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
  /** It was ended as it wrote more than it may. */
  readonly truncated: boolean;
}

/** Milliseconds in which outputs have to end when the process has: who left its group may hold them open. */
const OUTPUT_END_MS = 500;

/** One output, up to a bound. */
class Kept {
  readonly #most: number;
  readonly #full: () => void;
  readonly #chunks: Buffer[] = [];
  #bytes = 0;

  /** `stream` null: there was no descriptor left for it, and the process was not started. */
  constructor(stream: Readable | null, most: number, full: () => void) {
    this.#most = most;
    this.#full = full;
    stream?.on('data', (chunk: Buffer) => this.#take(chunk));
    // What it has written before is answered.
    stream?.on('error', () => {});
  }

  #take(chunk: Buffer): void {
    const room = this.#most - this.#bytes;
    if (room > 0) {
      this.#chunks.push(chunk.subarray(0, room));
      this.#bytes += Math.min(room, chunk.length);
    }
    if (chunk.length > room) {
      this.#full();
    }
  }

  /** As UTF-8; what is none becomes the replacement character. */
  text(): string {
    return Buffer.concat(this.#chunks).toString('utf8');
  }
}

/**
 * Runs a command to its end. When the signal is aborted, or it writes more than it may, it is ended with all
 * that it has started in its process group.
 *
 * @throws what Node says where it can't be started
 */
export function runCommand(run: ExecRun): Promise<ExecResult> {
  const child = withNoneInherited((behind) =>
    spawn(run.file, [...run.arguments], {
      argv0: run.name,
      cwd: run.cwd,
      env: { ...run.environment },
      shell: false,
      // A session and a process group of its own: it has no terminal, and is ended as a whole.
      detached: true,
      windowsHide: true,
      stdio: [run.stdin === null ? 'ignore' : 'pipe', 'pipe', 'pipe', ...behind],
    }),
  );
  const ended = endsWithProgram(child);
  return new Promise((resolve, reject) => {
    let truncated = false;
    const end = (): void => signalGroup(child, 'SIGKILL');
    const full = (): void => {
      truncated = true;
      end();
    };
    run.signal.addEventListener('abort', end, { once: true });
    child.on('error', (error) => {
      ended();
      run.signal.removeEventListener('abort', end);
      // It names paths: the operator is told, the agent that the tool failed.
      reject(error);
    });
    // Absent where there was no descriptor left: then the error is told next.
    const stdout = new Kept(child.stdout ?? null, run.maxOutputBytes, full);
    const stderr = new Kept(child.stderr ?? null, run.maxOutputBytes, full);
    // A program that does not read its input ends all the same.
    child.stdin?.on('error', () => {});
    child.stdin?.end(run.stdin);
    child.once('exit', () => {
      // Whatever it has left behind in its group.
      end();
      ended();
      setTimeout(() => {
        child.stdout?.destroy();
        child.stderr?.destroy();
      }, OUTPUT_END_MS).unref();
    });
    child.once('close', (exitCode, signal) => {
      run.signal.removeEventListener('abort', end);
      resolve({ exitCode, signal, stdout: stdout.text(), stderr: stderr.text(), truncated });
    });
    if (run.signal.aborted) {
      end();
    }
  });
}
