/**
 * One process from its start to its end: its pipe, whom the system knows it as, and that nothing of it
 * is left. What its frames mean is the business of whoever takes it.
 */

import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import type { Socket } from 'node:net';
import { devNull } from 'node:os';
import { parse } from 'node:path';
import { serialize } from 'node:v8';
import { inPlaceOfInherited } from '../../inherited-descriptors.ts';
import { type Frame, FrameReader, frameOf } from '../../wasm/worker/child/frames.ts';
import { FROM_CHILD_BOUNDS, type ToChild } from '../../wasm/worker/child/messages.ts';
import { type ChildCommand, FD } from './command.ts';
import { parentOf } from './watch.ts';

/** How long a process may take from its start until it is ready. */
const START_MS_MAX = 30_000;

/** The head of a process' first frame. */
const READY = '{"kind":"ready"}';

/** How long a process that was ended may take to be gone, before nobody waits for it any more. */
const GONE_MS_MAX = 5_000;

/** How long bubblewrap may take to notice that its process is gone. */
const BWRAP_MS_MAX = 1_000;

/** Frames of a process are taken for so long at a time, in milliseconds; then others have their turn. */
const TURN_MS = 2;

/** Frames before the first that says that it is ready: why it can't be. */
const EARLY_FRAMES_MAX = 4;

/**
 * Descriptors that a start takes for a moment: two for each pipe, and some of Node's own. It is asked
 * before whether they are there: of a start that fails half way for want of one Node leaves others open.
 */
const DESCRIPTORS_OF_A_START = 16;

/** What bubblewrap tells about whom it has started. */
const INFO_BYTES_MAX = 64 * 1024;

const NOTHING = new Uint8Array(0);

/** Who hears a process. */
export interface ChildListener {
  frame(frame: Frame): void;
  /** It has written what is no frame. */
  broken(what: string): void;
  /** It is gone, for whatever reason. */
  gone(): void;
}

/** A process of ours: started at once, gone when {@link ChildLink.gone} says so. */
export class ChildLink {
  /** Null: it could not be started. */
  readonly #process: ChildProcess | null;
  readonly #pipe: Socket | null;
  readonly #gone = Promise.withResolvers<void>();
  readonly #systemPid: Promise<number | null>;
  /** The process that bubblewrap has started; null: there is no bubblewrap, or it has not said. */
  #inner: number | null = null;
  /** Whether it is known whom bubblewrap has started, or that there is no bubblewrap. */
  #isTold = true;
  #listener: ChildListener | null = null;
  readonly #early: Frame[] = [];
  readonly #ready = Promise.withResolvers<boolean>();
  #ended = false;
  /** What it still writes is nobody's business. */
  #ignored = false;
  #isReady = false;
  /** It has exited: nobody reads what is sent to it. */
  #exited = false;
  /** Puts its frames together; null: it has no pipe. */
  readonly #reader: FrameReader | null;
  /** What was read of its pipe and is not taken yet. */
  #rest: Uint8Array = NOTHING;
  /** Resolves with true when it takes an agent, with false when it ended before. */
  readonly ready: Promise<boolean> = this.#ready.promise;
  /** Resolves when nothing of it is left. */
  readonly gone: Promise<void> = this.#gone.promise;

  constructor(command: ChildCommand) {
    const child = start(command);
    this.#process = child;
    this.#pipe = child === null ? null : pipeOf(child, FD.frames);
    this.#reader =
      this.#pipe === null ? null : new FrameReader(FROM_CHILD_BOUNDS, (frame) => this.#take(frame));
    const late = setTimeout(() => this.kill(), START_MS_MAX).unref();
    void this.ready.then(() => clearTimeout(late));
    if (child === null) {
      this.#systemPid = Promise.resolve(null);
      // Not at once: whoever has asked for it is told as of any other that ends.
      queueMicrotask(() => this.#over());
      return;
    }
    this.#systemPid = command.wrapped ? startedByBwrap(child) : Promise.resolve(child.pid ?? null);
    this.#isTold = !command.wrapped;
    void this.#systemPid.then((pid) => {
      this.#isTold = true;
      this.#inner = command.wrapped ? pid : null;
    });
    const closed = Promise.withResolvers<void>();
    const exited = Promise.withResolvers<void>();
    child.on('exit', () => exited.resolve());
    if (this.#pipe === null) {
      closed.resolve();
    } else {
      this.#read(this.#pipe);
      this.#pipe.on('close', () => {
        this.#push(() => true);
        closed.resolve();
      });
    }
    void exited.promise.then(() => this.#late());
    void Promise.all([closed.promise, exited.promise]).then(() => this.#over());
  }

  /** Its pid for the system's own tools; null: it could not be started. */
  get systemPid(): Promise<number | null> {
    return this.#systemPid;
  }

  /** Hands over what came already, and then what comes. */
  listen(listener: ChildListener): void {
    this.#listener = listener;
    for (const frame of this.#early.splice(0)) {
      listener.frame(frame);
    }
    if (this.#ended) {
      listener.gone();
    }
  }

  send(message: ToChild): void {
    if (this.#pipe?.writable && !this.#exited) {
      for (const part of frameOf(serialize(message))) {
        this.#pipe.write(part);
      }
    }
  }

  /** Whether the program may end while it is there. */
  set holdsProgram(holds: boolean) {
    const action = holds ? 'ref' : 'unref';
    this.#process?.[action]();
    this.#pipe?.[action]();
  }

  kill(): void {
    this.#ignored = true;
    const child = this.#process;
    if (child === null) {
      return;
    }
    if (this.#isTold) {
      this.#kill(child);
      return;
    }
    // Killed before it has told whom it has started, bubblewrap would leave that one behind.
    void this.#systemPid.then(() => this.#kill(child));
    setTimeout(() => killGroup(child), GONE_MS_MAX).unref();
  }

  #kill(child: ChildProcess): void {
    if (this.#inner === null || child.pid === undefined || parentOf(this.#inner) !== child.pid) {
      killGroup(child);
      return;
    }
    // The first of its namespace: all others in it end with it. Bubblewrap waits for it, and ends after
    // it: nobody else has to.
    try {
      process.kill(this.#inner, 'SIGKILL');
    } catch {
      // It has just gone by itself.
    }
    setTimeout(() => killGroup(child), BWRAP_MS_MAX).unref();
  }

  #read(pipe: Socket): void {
    // A process that is gone can't be written to: its end says more than EPIPE.
    pipe.on('error', () => {});
    pipe.on('data', (chunk: Buffer) => {
      this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
      this.#turn(pipe);
    });
  }

  /**
   * Takes frames until their process does not take its answers, or its turn is over. That is looked at
   * after each frame, for one of a few bytes can ask for megabytes: so one answer at the most waits for
   * a process that takes none, and none has more than half of this thread's time.
   */
  #turn(pipe: Socket): void {
    const full = (): boolean => pipe.writableNeedDrain && !this.#exited;
    const started = performance.now();
    this.#push(() => !full() && performance.now() - started <= TURN_MS);
    const tookMs = performance.now() - started;
    if (full()) {
      pipe.pause();
      pipe.once('drain', () => this.#turn(pipe));
    } else if (this.#rest.length > 0 || tookMs > TURN_MS) {
      pipe.pause();
      setTimeout(() => this.#turn(pipe), tookMs);
    } else {
      pipe.resume();
    }
  }

  #push(goOn: () => boolean): void {
    if (this.#ignored || this.#reader === null) {
      this.#rest = NOTHING;
      return;
    }
    try {
      const taken = this.#reader.push(this.#rest, () => !this.#ignored && goOn());
      this.#rest = this.#rest.subarray(taken);
    } catch (error) {
      this.#ignored = true;
      this.#rest = NOTHING;
      this.#listener?.broken(error instanceof Error ? error.message : 'nonsense');
    }
  }

  #take(frame: Frame): void {
    if (!this.#isReady && frame.head.equals(Buffer.from(READY))) {
      this.#isReady = true;
      this.#ready.resolve(true);
    } else if (this.#listener !== null) {
      this.#listener.frame(frame);
    } else if (!this.#isReady && this.#early.length < EARLY_FRAMES_MAX) {
      this.#early.push(frame);
    } else {
      // Nobody has told it anything yet.
      this.kill();
    }
  }

  /** It has exited: whatever still holds its pipe is no longer waited for. */
  #late(): void {
    this.#exited = true;
    if (this.#pipe !== null) {
      this.#turn(this.#pipe);
    }
    setTimeout(() => destroyPipes(this.#process), GONE_MS_MAX).unref();
  }

  #over(): void {
    if (!this.#ended) {
      this.#ended = true;
      this.#ready.resolve(false);
      this.#gone.resolve();
      this.#listener?.gone();
    }
  }
}

/** Starts it; null: the system has no descriptor, process or memory left for it, or no such program. */
function start(command: ChildCommand): ChildProcess | null {
  const reserve: number[] = [];
  let child: ChildProcess;
  try {
    for (let count = 0; count < DESCRIPTORS_OF_A_START; count += 1) {
      reserve.push(openSync(devNull, 'r+'));
    }
    // The first stays open for the descriptors that are to lead nowhere.
    const [nowhere = 0] = reserve;
    reserve.splice(1).forEach(closeSync);
    child = startWith(command, nowhere);
  } catch {
    return null;
  } finally {
    reserve.forEach(closeSync);
  }
  // Where it could not be started this tells so once more, and would end the program if nobody heard it.
  child.on('error', () => {});
  if (child.pid === undefined) {
    destroyPipes(child);
    return null;
  }
  if (command.filter !== null) {
    const pipe = pipeOf(child, FD.filter);
    pipe?.on('error', () => {});
    pipe?.end(command.filter);
  }
  return child;
}

/** No shell, a session of its own, no environment, nothing open but its pipes and what leads `nowhere`. */
function startWith(command: ChildCommand, nowhere: number): ChildProcess {
  const stdio: NonNullable<Exclude<SpawnOptions['stdio'], string>> = [
    'ignore',
    'ignore',
    'ignore',
    ...inPlaceOfInherited(nowhere),
  ];
  for (const descriptor of command.pipes) {
    stdio[descriptor] = 'pipe';
  }
  return spawn(command.file, command.arguments, {
    stdio,
    detached: true,
    // Windows starts no process without this one.
    env: process.platform === 'win32' ? { SystemRoot: process.env.SystemRoot } : {},
    cwd: parse(process.execPath).root,
    windowsHide: true,
  });
}

/** Ends it, and what is in the group that it leads: whom bubblewrap starts is, at first. */
function killGroup(child: ChildProcess): void {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) {
    return;
  }
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    // There are no groups here, or it does not lead its own yet.
    child.kill('SIGKILL');
  }
}

/** Lets go of all its pipes. Without descriptors Node has made none, whatever its types say. */
function destroyPipes(child: ChildProcess | null): void {
  for (const pipe of (child?.stdio as ChildProcess['stdio'] | undefined) ?? []) {
    pipe?.destroy();
  }
}

function pipeOf(child: ChildProcess, descriptor: number): Socket | null {
  const pipes: readonly unknown[] = child.stdio;
  return (pipes[descriptor] as Socket | null | undefined) ?? null;
}

/** What bubblewrap says about the process that it has started. */
async function startedByBwrap(child: ChildProcess): Promise<number | null> {
  const info = pipeOf(child, FD.info);
  if (info === null) {
    return null;
  }
  let text = '';
  info.on('error', () => {});
  info.on('data', (chunk: Buffer) => {
    text = (text + chunk.toString('latin1')).slice(0, INFO_BYTES_MAX);
  });
  await new Promise((resolve) => info.on('close', resolve));
  const pid = /"child-pid":\s*(\d+)/.exec(text)?.[1];
  return pid === undefined ? null : Number(pid);
}
