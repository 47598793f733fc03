/**
 * Runs one preparing child process from the parent's side: starts it with nothing it doesn't need,
 * gives it bytes, takes its answer, and ends it when it takes too long, too much memory, or is no
 * longer wanted.
 */

import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { parse } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { RingfenceError } from '../../../errors.ts';
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
  readonly limits: PrepareLimits;
  /** `performance.now()` at which it must be done. */
  readonly deadlineAt: number;
  readonly onStage: (stage: ChildStage) => void;
  readonly signal: AbortSignal | undefined;
}

/** How often the parent looks at the child's peak of memory. */
const LOOK_EVERY_MS = 15;

const MIB = 1024 * 1024;

type Child = ChildProcessByStdio<Writable, Readable, Readable>;

/** Why the parent ended a child; null where it ended by itself. */
type Ending = { readonly error: unknown } | null;

/**
 * Runs a child until it has answered and is gone.
 *
 * @throws RingfenceError `RF_PREPARE_LIMIT` where it passed a limit, `RF_INTERNAL` where it crashed or
 * answered nonsense; the signal's reason where that was aborted.
 */
export async function runChild(task: ChildTask): Promise<Answer> {
  task.signal?.throwIfAborted();
  const child = start(task);
  const stderr = new BoundedText(child.stderr, task.limits.stderrBytes);
  let stage: ChildStage | null = null;
  const reader = new AnswerReader(task.bounds, (next) => {
    stage = next;
    task.onStage(next);
  });

  const { promise, resolve } = Promise.withResolvers<{ ending: Ending; death: Death }>();
  let ending: Ending = null;
  const end = (error: unknown) => {
    ending ??= { error };
    child.kill('SIGKILL');
    // What is still in the pipes belongs to nobody now; reading on could outlast the child.
    child.stdout.destroy();
    child.stderr.destroy();
  };
  const timer = setTimeout(
    () => end(tooLong(task.limits.deadlineMs, stage)),
    Math.max(0, task.deadlineAt - performance.now()),
  );
  const watch = setInterval(() => {
    const peak = peakMemoryOf(child.pid);
    if (peak !== null && peak > task.limits.rssBytes) end(tooLarge(task.limits.rssBytes, stage));
  }, LOOK_EVERY_MS);
  const onAbort = () => end(task.signal?.reason);
  task.signal?.addEventListener('abort', onAbort, { once: true });

  child.on('error', (error) => {
    end(internal(`could not be started (${printable(error.message, 200)})`, stage, error));
    resolve({ ending, death: { code: null, signal: null } });
  });
  child.on('close', (code, signal) => resolve({ ending, death: { code, signal } }));
  child.stdout.on('data', (chunk: Buffer) => {
    try {
      reader.push(chunk);
    } catch (error) {
      end(wrongAnswer(error, stage));
    }
  });
  // A child that ends early closes its stdin: how it ended says more than EPIPE.
  child.stdin.on('error', () => {});
  for (const bytes of task.input) child.stdin.write(bytes);
  child.stdin.end();

  try {
    const outcome = await promise;
    if (outcome.ending !== null) throw outcome.ending.error;
    if (outcome.death.code !== 0) throw diedOf(outcome.death, stderr.text(), stage);
    try {
      return reader.finish();
    } catch (error) {
      throw wrongAnswer(error, stage);
    }
  } finally {
    clearTimeout(timer);
    clearInterval(watch);
    task.signal?.removeEventListener('abort', onAbort);
  }
}

function start(task: ChildTask): Child {
  const settings: ChildSettings = {
    sizes: task.input.map((bytes) => bytes.length),
    deadlineMs: Math.max(1, Math.ceil(task.deadlineAt - performance.now())),
    rssBytes: task.limits.rssBytes,
    parentPid: process.pid,
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

interface Death {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

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

function wrongAnswer(error: unknown, stage: ChildStage | null): RingfenceError {
  if (!(error instanceof ProtocolError)) return internal('could not be understood', stage, error);
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

/** The beginning of a stream as printable text; the rest is read and dropped. */
class BoundedText {
  readonly #chunks: Buffer[] = [];
  #room: number;

  constructor(stream: Readable, bytesMax: number) {
    this.#room = bytesMax;
    stream.on('data', (chunk: Buffer) => {
      if (this.#room <= 0) return;
      this.#chunks.push(Buffer.from(chunk.subarray(0, this.#room)));
      this.#room -= chunk.length;
    });
  }

  text(): string {
    const text = Buffer.concat(this.#chunks).toString('utf8');
    return text
      .split('\n')
      .map((line) => printable(line, 400))
      .join('\n')
      .trim();
  }
}
