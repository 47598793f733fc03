/** Starts the real command line as a process of its own, and waits for what becomes of it. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { Report } from '../../src/index.ts';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));
export const LAUNCHER = join(ROOT, 'bin', 'ringfence.cjs');
export const LICENSE = join(ROOT, 'LICENSE');

/** The built component of a guest example. */
export function guest(name: string): string {
  return join(ROOT, 'guest-examples', 'build', `${name}.wasm`);
}

export interface StartOptions {
  /** Bytes to send, a file descriptor, or 'open': a pipe that nobody writes to. @default no input */
  readonly stdin?: string | Uint8Array | number | 'open';
  readonly variables?: Readonly<Record<string, string>>;
  readonly stdout?: number;
}

/** What became of a process. */
export interface Outcome {
  readonly status: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A process of the command line. */
export interface Started {
  readonly child: ChildProcess;
  readonly ended: Promise<Outcome>;
  /** Resolves when a text has been written to standard error. */
  untilStderrHas(text: string): Promise<void>;
}

function collect(stream: Readable | null): { text: () => string; stream: Readable | null } {
  const chunks: Buffer[] = [];
  stream?.on('data', (chunk: Buffer) => chunks.push(chunk));
  return { text: () => Buffer.concat(chunks).toString(), stream };
}

export function start(args: readonly string[], options: StartOptions = {}): Started {
  const { stdin } = options;
  const child = spawn(process.execPath, [LAUNCHER, ...args], {
    cwd: ROOT,
    stdio: [typeof stdin === 'number' ? stdin : 'pipe', options.stdout ?? 'pipe', 'pipe'],
    env: { ...process.env, ...options.variables },
  });
  if (typeof stdin !== 'number' && stdin !== 'open') {
    // A guest that ends before it has read everything breaks the pipe, which is its right.
    child.stdin?.on('error', () => {});
    child.stdin?.end(stdin ?? '');
  }
  const stdout = collect(child.stdout);
  const stderr = collect(child.stderr);
  const ended = once(child, 'close').then(([status, signal]) => ({
    status,
    signal,
    stdout: stdout.text(),
    stderr: stderr.text(),
  }));
  return {
    child,
    ended,
    async untilStderrHas(text) {
      while (!stderr.text().includes(text)) {
        if (stderr.stream === null || stderr.stream.readableEnded) {
          throw new Error(`standard error ended without ${JSON.stringify(text)}: ${stderr.text()}`);
        }
        const { stream } = stderr;
        const waiting = new AbortController();
        const { signal } = waiting;
        await Promise.race([once(stream, 'data', { signal }), once(stream, 'end', { signal })]);
        waiting.abort();
      }
    },
  };
}

/** Runs the command line to its end. */
export function ringfence(args: readonly string[], options: StartOptions = {}): Promise<Outcome> {
  return start(args, options).ended;
}

/** The report that `--json` printed. */
export function reportOf(outcome: Outcome): Report {
  return JSON.parse(outcome.stdout) as Report;
}

/** A directory of a test's own. */
export function temporaryDirectory(): { path: string; remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), 'ringfence-cli-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** Pids of the processes that were started by one and still live; Linux only. */
export function childrenOf(pid: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => {
      try {
        const status = readFileSync(`/proc/${name}/stat`, 'latin1');
        return Number(status.slice(status.lastIndexOf(')') + 2).split(' ')[1]) === pid;
      } catch {
        return false;
      }
    })
    .map(Number);
}

/** Whether a process lives; one that nobody has waited for yet does not. */
export function isAlive(pid: number): boolean {
  try {
    const status = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return !status.slice(status.lastIndexOf(')') + 2).startsWith('Z');
  } catch {
    return false;
  }
}
