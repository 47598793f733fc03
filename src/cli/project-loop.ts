/** Builds a project, does something with it, and both again at each change. */

import type { Environment } from './environment.ts';
import { STATUS_OF_SIGNAL } from './exit-status.ts';
import { Interruption } from './interruption.ts';
import { printableLine } from './printable.ts';
import { ProgressLine } from './progress.ts';
import { buildInProcess } from './project-build.ts';
import { type Change, ProjectWatch } from './project-watch.ts';
import { printLine } from './say.ts';

/** Changed paths that are named; the others are counted. */
const NAMED_MAX = 3;

/** What is being done with a build. */
export interface Activity {
  /** Resolves when it has ended by itself or by `stop`. Never rejects. */
  readonly ended: Promise<void>;
  stop(): void;
}

/** What is done in a project. */
export interface ProjectLoop {
  /** `dev`, `test`: stands before each line. */
  readonly name: string;
  readonly folder: string;
  /** Whether the source is built again for a change of these paths. */
  needsBuild(paths: readonly string[]): boolean;
  /** Whether all is done again for a change of these paths, also with the same build. */
  needsRun(paths: readonly string[]): boolean;
  /** Begins with a build: the component's file. */
  begin(file: string): Activity;
}

/** Goes on until a signal comes; answers the exit status of that. */
export async function loopProject(loop: ProjectLoop, environment: Environment): Promise<number> {
  const interruption = new Interruption(environment);
  const running = new RunningLoop(loop, environment, interruption.signal);
  try {
    await running.run();
  } finally {
    interruption.stopListening();
  }
  return STATUS_OF_SIGNAL[interruption.received ?? 'SIGINT'];
}

class RunningLoop {
  readonly #loop: ProjectLoop;
  readonly #environment: Environment;
  readonly #stop: AbortSignal;
  #activity: Activity | null = null;
  /** Paths that have changed since what is under way was begun. */
  readonly #changed = new Set<string>();
  /** The last good build. */
  #built: { readonly file: string; readonly sha256: string } | null = null;

  constructor(loop: ProjectLoop, environment: Environment, stop: AbortSignal) {
    this.#loop = loop;
    this.#environment = environment;
    this.#stop = stop;
  }

  async run(): Promise<void> {
    const watch = await ProjectWatch.open(this.#loop.folder, (error) =>
      this.#say(`a folder can't be watched (${String(error)}): changes in it are not seen`),
    );
    try {
      while (!this.#stop.aborted) {
        const next = watch.next();
        const told = new AbortController();
        void next.then(() => told.abort());
        await this.#once(AbortSignal.any([told.signal, this.#stop]));
        const change = await Promise.race([next, this.#aborted()]);
        if (change !== null) this.#note(change);
      }
    } finally {
      await watch.close();
      await this.#end();
    }
  }

  #note({ paths }: Change): void {
    this.#say(`${named(paths)} changed`);
    for (const path of paths) this.#changed.add(path);
  }

  /** Does what the changes need that nothing was done for yet. */
  async #once(abandoned: AbortSignal): Promise<void> {
    const { needsBuild, needsRun } = this.#loop;
    const before = this.#built;
    const paths = [...this.#changed];
    if ((before === null || needsBuild(paths)) && !(await this.#build(abandoned))) {
      return;
    }
    const built = this.#built;
    if (built === null) return;
    this.#changed.clear();
    if (before?.sha256 === built.sha256 && !needsRun(paths)) {
      if (needsBuild(paths)) this.#say('the build is the same: nothing is started anew');
      return;
    }
    await this.#end();
    if (this.#stop.aborted) return;
    const activity = this.#loop.begin(built.file);
    this.#activity = activity;
    void activity.ended.then(() => {
      if (this.#activity === activity) {
        this.#activity = null;
        if (!this.#stop.aborted) this.#say('waiting for changes; Ctrl-C ends');
      }
    });
  }

  /** Whether there is a new good build. */
  async #build(abandoned: AbortSignal): Promise<boolean> {
    const progress = new ProgressLine(this.#environment, this.#loop.name);
    const startedAtMs = performance.now();
    progress.update('building');
    const outcome = await buildInProcess(this.#loop.folder, abandoned);
    progress.erase();
    if (outcome.kind === 'aborted') return false;
    if (outcome.kind === 'failed') {
      this.#environment.stderr.print(outcome.said);
      this.#say(
        this.#activity === null
          ? 'the build failed: waiting for changes; Ctrl-C ends'
          : 'the build failed, and the last good one goes on: waiting for changes',
      );
      return false;
    }
    const seconds = ((performance.now() - startedAtMs) / 1_000).toFixed(1);
    this.#say(`built ${outcome.file} in ${seconds} s`);
    this.#built = outcome;
    return true;
  }

  async #end(): Promise<void> {
    const activity = this.#activity;
    this.#activity = null;
    activity?.stop();
    await activity?.ended;
  }

  #aborted(): Promise<null> {
    return new Promise((resolve) => {
      if (this.#stop.aborted) resolve(null);
      this.#stop.addEventListener('abort', () => resolve(null), { once: true });
    });
  }

  #say(text: string): void {
    printLine(this.#environment.stderr, `${this.#loop.name}: ${printableLine(text)}`);
  }
}

function named(paths: readonly string[]): string {
  const more = paths.length - NAMED_MAX;
  return paths.slice(0, NAMED_MAX).join(', ') + (more > 0 ? ` and ${more} more` : '');
}
