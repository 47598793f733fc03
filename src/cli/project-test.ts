/** `ringfence test`: builds a project, and runs its tests by its own vitest. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { constants } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import * as z from 'zod';
import { RingfenceError } from '../index.ts';
import { isOfTests } from './dev.ts';
import type { Environment } from './environment.ts';
import { STATUS, STATUS_OF_SIGNAL } from './exit-status.ts';
import { Interruption } from './interruption.ts';
import { ProgressLine } from './progress.ts';
import { buildInProcess } from './project-build.ts';
import type { TestInvocation } from './project-invocation.ts';
import { type Activity, loopProject } from './project-loop.ts';

const packageSchema = z.object({ bin: z.object({ vitest: z.string() }) });

/** @throws {RingfenceError} `RF_FILE`, `RF_USAGE` where there is no project, or it has no vitest */
export async function testProject(
  invocation: TestInvocation,
  environment: Environment,
): Promise<number> {
  const folder = resolve(invocation.folder);
  const { readProject } = await import('../kit/index.ts');
  readProject(folder);
  const tests = new ProjectTests(
    folder,
    programOf(folder),
    invocation.testArguments,
    environment.openKernel,
  );
  return invocation.watch
    ? loopProject(
        {
          name: 'test',
          folder,
          needsBuild: (paths) => !paths.every(isOfTests),
          // A policy is tested, too.
          needsRun: () => true,
          begin: (file) => tests.begin(file),
        },
        environment,
      )
    : testOnce(tests, folder, environment);
}

async function testOnce(
  tests: ProjectTests,
  folder: string,
  environment: Environment,
): Promise<number> {
  const interruption = new Interruption(environment);
  try {
    const progress = new ProgressLine(environment, 'test');
    progress.update('building');
    const outcome = await buildInProcess(folder, interruption.signal);
    progress.erase();
    if (outcome.kind === 'failed') {
      environment.stderr.print(outcome.said);
      return outcome.status;
    }
    if (outcome.kind === 'built') {
      const activity = tests.begin(outcome.file);
      interruption.signal.addEventListener('abort', () => activity.stop());
      await activity.ended;
    }
    const { received } = interruption;
    return received === null ? tests.status : STATUS_OF_SIGNAL[received];
  } finally {
    interruption.stopListening();
  }
}

/**
 * The program of the project's own vitest.
 *
 * @throws {RingfenceError} `RF_USAGE`
 */
function programOf(folder: string): string {
  try {
    const file = createRequire(join(folder, 'package.json')).resolve('vitest/package.json');
    const { bin } = packageSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
    return join(dirname(file), bin.vitest);
  } catch (error) {
    throw new RingfenceError(
      'RF_USAGE',
      'Cannot test the project as it has no vitest: install it with `npm install --save-dev vitest`.',
      { path: folder },
      { cause: error },
    );
  }
}

/** The tests of a project, which are run again and again. */
class ProjectTests {
  readonly #folder: string;
  readonly #program: string;
  readonly #arguments: readonly string[];
  readonly #openKernel: Environment['openKernel'];
  /** The exit status of the last run. */
  status = 0;

  constructor(
    folder: string,
    program: string,
    given: readonly string[],
    openKernel: Environment['openKernel'],
  ) {
    this.#openKernel = openKernel;
    this.#folder = folder;
    this.#program = program;
    this.#arguments = given;
  }

  /** Begins with what was built. */
  begin(file: string): Activity {
    const stopping = new AbortController();
    const run = async (): Promise<void> => {
      await this.#prepare(join(this.#folder, file));
      if (stopping.signal.aborted) return;
      const child = spawn(process.execPath, [this.#program, 'run', ...this.#arguments], {
        cwd: this.#folder,
        stdio: ['ignore', 'inherit', 'inherit'],
      });
      stopping.signal.addEventListener('abort', () => child.kill('SIGTERM'), { once: true });
      const [status, signal] = (await once(child, 'close')) as [
        number | null,
        NodeJS.Signals | null,
      ];
      this.status = status ?? 128 + (signal === null ? 0 : constants.signals[signal]);
    };
    return {
      ended: run().catch(() => {
        this.status = STATUS.internal;
      }),
      stop: () => stopping.abort(),
    };
  }

  /** Into the cache, so that no test waits for it: what is wrong with it the tests see by themselves. */
  async #prepare(file: string): Promise<void> {
    const kernel = await this.#openKernel({ workers: 1 });
    await kernel.load(file).catch(() => {});
    await kernel.close();
  }
}
