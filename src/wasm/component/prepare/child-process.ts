/**
 * Runs one preparing child process from the parent's side: starts it with nothing it doesn't need,
 * gives it bytes, takes its answer, and ends it when it takes too long, too much memory, or is no
 * longer wanted.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { parse } from 'node:path';
import { fileURLToPath } from 'node:url';
import { RingfenceError } from '../../../errors.ts';
import type { Features } from '../../metering/features.ts';
import type { PrepareLimits } from './limits.ts';
import {
  type Answer,
  type AnswerBounds,
  AnswerReader,
  type ChildStage,
  ProtocolError,
} from './protocol.ts';
import { printable } from './sentence.ts';
import type { ChildSettings } from './settings.ts';

/** What a child is to do. */
export interface ChildTask {
  readonly file: URL;
  /** Flags for V8, beside those that each child gets. */
  readonly flags: readonly string[];
  /** What it reads on stdin, one after another. */
  readonly input: readonly Uint8Array[];
  readonly bounds: AnswerBounds;
  /** Features that the module may use. */
  readonly features: Features;
  readonly limits: PrepareLimits;
  /** `performance.now()` at which it must be done. */
  readonly deadlineAt: number;
  readonly onStage: (stage: ChildStage) => void;
  readonly signal: AbortSignal | undefined;
}

/** How often the parent looks at the child's peak of memory. */
const LOOK_EVERY_MS = 15;

const MIB = 1024 * 1024;

/**
 * Runs a child until it has answered and is gone.
 *
 * @throws RingfenceError `RF_PREPARE_LIMIT` where it passed a limit, `RF_INTERNAL` where it crashed or
 * answered nonsense; the signal's reason where that was aborted.
 */
export async function runChild(task: ChildTask): Promise<Answer> {
  task.signal?.throwIfAborted();
  const run = new ChildRun(task);
  const timer = setTimeout(() => run.endLate(), Math.max(0, task.deadlineAt - performance.now()));
  const watch = setInterval(() => run.look(), LOOK_EVERY_MS);
  const onAbort = () => run.end(task.signal?.reason);
  task.signal?.addEventListener('abort', onAbort, { once: true });
  try {
    return await run.answer();
  } finally {
    clearTimeout(timer);
    clearInterval(watch);
    task.signal?.removeEventListener('abort', onAbort);
  }
}

/** How a child ended. */
interface Death {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** One child from its start to its end. */
class ChildRun {
  readonly #task: ChildTask;
  readonly #child: ChildProcess;
  readonly #reader: AnswerReader;
  readonly #stderr: BoundedText;
  readonly #death = Promise.withResolvers<Death>();
  #stage: ChildStage | null = null;
  /** Why we ended it; null while we have no reason to. */
  #ending: { readonly error: unknown } | null = null;

  constructor(task: ChildTask) {
    this.#task = task;
    this.#stderr = new BoundedText(task.limits.stderrBytes);
    this.#reader = new AnswerReader(task.bounds, (stage) => {
      this.#stage = stage;
      task.onStage(stage);
    });
    this.#child = start(task);
    this.#child.on('error', (error) => this.#failedToStart(error));
    this.#child.on('close', (code, signal) => this.#death.resolve({ code, signal }));
    // A process that could not be started, for want of descriptors, has no pipes.
    this.#child.stdout?.on('data', (chunk: Buffer) => this.#take(chunk));
    this.#child.stderr?.on('data', (chunk: Buffer) => this.#stderr.take(chunk));
    // A child that ends early closes its stdin: how it ended says more than EPIPE.
    this.#child.stdin?.on('error', () => {});
    for (const bytes of task.input) this.#child.stdin?.write(bytes);
    this.#child.stdin?.end();
  }

  /** Ends the child, for the first reason that is given. */
  end(error: unknown): void {
    this.#ending ??= { error };
    this.#child.kill('SIGKILL');
    // What is still in the pipes belongs to nobody now.
    for (const pipe of this.#child.stdio) pipe?.destroy();
  }

  endLate(): void {
    this.end(tooLong(this.#task.limits.deadlineMs, this.#stage));
  }

  /** Ends the child if its memory has passed the limit. */
  look(): void {
    const { rssBytes } = this.#task.limits;
    const peak = peakMemoryOf(this.#child.pid);
    if (peak !== null && peak > rssBytes) this.end(tooLarge(rssBytes, this.#stage));
  }

  /** Waits until the child is gone. */
  async answer(): Promise<Answer> {
    const death = await this.#death.promise;
    if (this.#ending !== null) throw this.#ending.error;
    if (death.code !== 0) throw diedOf(death, this.#stderr.text(), this.#stage);
    try {
      return this.#reader.finish();
    } catch (error) {
      throw error instanceof ProtocolError ? wrongAnswer(error, this.#stage) : error;
    }
  }

  #take(chunk: Buffer): void {
    if (this.#ending !== null) return;
    try {
      this.#reader.push(chunk);
    } catch (error) {
      // What the caller's own listener throws is the caller's.
      this.end(error instanceof ProtocolError ? wrongAnswer(error, this.#stage) : error);
    }
  }

  #failedToStart(error: Error): void {
    // Also emitted where it could not be killed; then it is there, and its end is waited for.
    if (this.#child.pid !== undefined) return;
    const what = `could not be started (${printable(error.message, 200)})`;
    this.#ending ??= { error: internal(what, this.#stage, error) };
    this.#death.resolve({ code: null, signal: null });
  }
}

function start(task: ChildTask): ChildProcess {
  const settings: ChildSettings = {
    sizes: task.input.map((bytes) => bytes.length),
    deadlineMs: Math.max(1, Math.ceil(task.deadlineAt - performance.now())),
    rssBytes: task.limits.rssBytes,
    parentPid: process.pid,
    features: task.features,
  };
  const flags = [
    // Reads files, because it loads its own code; starts a thread, because that watches it.
    // No file is written, no process started, no address reached, no addon loaded.
    '--permission',
    '--allow-fs-read=*',
    '--allow-worker',
    `--max-old-space-size=${Math.ceil(task.limits.heapBytes / MIB)}`,
    // The peak of memory shall not depend on how many cores there are.
    '--wasm-num-compilation-tasks=4',
    '--disable-warning=ExperimentalWarning',
    ...task.flags,
  ];
  return spawn(process.execPath, [...flags, fileURLToPath(task.file), JSON.stringify(settings)], {
    cwd: parse(process.execPath).root,
    // Windows starts no process without this one.
    env: process.platform === 'win32' ? { SystemRoot: process.env.SystemRoot } : {},
    stdio: ['pipe', 'pipe', 'pipe'],
    windowsHide: true,
  });
}

/**
 * Peak of the physical memory of a process in bytes, or null where the system doesn't say: elsewhere
 * than on Linux only the child's own thread watches (watchdog.ts).
 */
function peakMemoryOf(pid: number | undefined): number | null {
  if (pid === undefined || process.platform !== 'linux') return null;
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'latin1');
    const kibibytes = /^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1];
    return kibibytes === undefined ? null : Number(kibibytes) * 1024;
  } catch {
    return null; // It is gone: its end is reported elsewhere.
  }
}

// ---------------------------------------------------------------------------------------------
// How it ended

const during = (stage: ChildStage | null) => stage ?? 'starting';

function tooLong(deadlineMs: number, stage: ChildStage | null): RingfenceError {
  return new RingfenceError(
    'RF_PREPARE_LIMIT',
    `Preparing the module took longer than ${deadlineMs} ms (it was ${during(stage)}): make it smaller, or split its largest functions.`,
    { limit: 'deadline', deadlineMs, stage: during(stage) },
  );
}

function tooLarge(rssBytes: number, stage: ChildStage | null): RingfenceError {
  return new RingfenceError(
    'RF_PREPARE_LIMIT',
    `Preparing the module took more than ${Math.round(rssBytes / MIB)} MiB of memory (it was ${during(stage)}): make it smaller, or split its largest functions.`,
    { limit: 'memory', rssBytes, stage: during(stage) },
  );
}

function internal(what: string, stage: ChildStage | null, cause: unknown): RingfenceError {
  return new RingfenceError(
    'RF_INTERNAL',
    `The process that prepares the module ${what} while it was ${during(stage)}: this is a fault of ringfence, please report it with the module.`,
    { stage: during(stage) },
    { cause },
  );
}

function wrongAnswer(error: ProtocolError, stage: ChildStage | null): RingfenceError {
  if (!error.flood) return internal('gave a wrong answer', stage, error);
  return new RingfenceError(
    'RF_PREPARE_LIMIT',
    'Prepared, the module is larger than what is taken back: make it smaller.',
    { limit: 'answer', stage: during(stage) },
    { cause: error },
  );
}

function diedOf(death: Death, stderr: string, stage: ChildStage | null): RingfenceError {
  const cause = new Error(stderr === '' ? 'it wrote nothing to stderr' : stderr);
  // V8 ends the process when it can't allocate; nobody but a watchdog of ours or of the system, for
  // want of memory, sends SIGKILL.
  if (death.signal === 'SIGKILL' || /out of memory|allocation failed/i.test(stderr)) {
    return new RingfenceError(
      'RF_PREPARE_LIMIT',
      `Preparing the module took more memory than there is for it (it was ${during(stage)}): make it smaller, or split its largest functions.`,
      { limit: 'memory', stage: during(stage) },
      { cause },
    );
  }
  const how = death.signal ?? `exit code ${death.code}`;
  return internal(`ended by itself (${how})`, stage, cause);
}

/** The beginning of what a child writes, as printable text; the rest is dropped. */
class BoundedText {
  readonly #chunks: Buffer[] = [];
  #room: number;

  constructor(bytesMax: number) {
    this.#room = bytesMax;
  }

  take(chunk: Buffer): void {
    if (this.#room <= 0) return;
    this.#chunks.push(Buffer.from(chunk.subarray(0, this.#room)));
    this.#room -= chunk.length;
  }

  text(): string {
    const lines = Buffer.concat(this.#chunks).toString('utf8').split('\n');
    return lines
      .map((line) => printable(line, 400))
      .join('\n')
      .trim();
  }
}
