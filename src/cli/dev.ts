/** `ringfence dev`: builds and runs a project, and again at each change. */

import { existsSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { Writable } from 'node:stream';
import type { Environment } from './environment.ts';
import type { EndingSignal } from './exit-status.ts';
import { type RunInvocation, readInvocation } from './invocation.ts';
import { Outlet } from './outlet.ts';
import type { DevInvocation } from './project-invocation.ts';
import { type Activity, loopProject } from './project-loop.ts';
import { run } from './run.ts';
import { printError } from './say.ts';

/** The policy that a project runs under, where it has one. */
const POLICY_FILE = 'ringfence.toml';

/** @throws {RingfenceError} `RF_FILE`, `RF_USAGE` where there is no project */
export async function dev(invocation: DevInvocation, environment: Environment): Promise<number> {
  const folder = resolve(invocation.folder);
  const { readProject } = await import('../kit/index.ts');
  readProject(folder);
  return loopProject(
    {
      name: 'dev',
      folder,
      // What is in there is asked for by nobody who runs the agent.
      needsBuild: (paths) => paths.some((path) => path !== POLICY_FILE && !isOfTests(path)),
      needsRun: (paths) => paths.includes(POLICY_FILE),
      begin: (file) => begin(folder, file, invocation.guestArguments, environment),
    },
    environment,
  );
}

/** Whether only tests have a use for it. */
export const isOfTests = (path: string): boolean => /^test\//.test(path) || path === 'test';

/** Runs what was built as `ringfence run` does, until it has ended or is stopped. */
function begin(
  folder: string,
  file: string,
  guestArguments: readonly string[],
  environment: Environment,
): Activity {
  const listeners = new Set<(signal: EndingSignal) => void>();
  const isMuted = { value: false };
  const outlet = (to: Outlet): Outlet => outletThatCanBeMuted(to, isMuted);
  const surroundings: Environment = {
    ...environment,
    // What a terminal is asked for by one run would be lost for the next.
    stdin: { isTerminal: false, async *chunks() {}, close() {} },
    stdout: outlet(environment.stdout),
    stderr: outlet(environment.stderr),
    onSignal: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    // Its process is that of `dev`.
    exit: () => {},
  };
  const running = async (): Promise<void> => {
    try {
      await run(invocationFor(folder, file, guestArguments), surroundings);
    } catch (error) {
      printError(surroundings, error);
    }
    await surroundings.stderr.flushed();
  };
  return {
    ended: running(),
    stop() {
      // That it was stopped for the next one is no news.
      isMuted.value = true;
      for (const listener of listeners) listener('SIGTERM');
    },
  };
}

function invocationFor(
  folder: string,
  file: string,
  guestArguments: readonly string[],
): RunInvocation {
  const shown = (path: string): string => relative(process.cwd(), join(folder, path)) || path;
  const policy = existsSync(join(folder, POLICY_FILE)) ? ['--policy', shown(POLICY_FILE)] : [];
  const args = ['run', ...policy, shown(file), '--', ...guestArguments];
  // Nothing of it is out of the environment: what a project is run with stands in its files.
  return readInvocation(args, { version: '', variables: {} }) as RunInvocation;
}

/** What is written to it goes on to another, unless it is muted. */
function outletThatCanBeMuted(to: Outlet, isMuted: { readonly value: boolean }): Outlet {
  const stream = new Writable({
    write: (chunk: Uint8Array, _encoding, done) => {
      if (isMuted.value) {
        done();
      } else {
        to.write(chunk).then(() => done(), done);
      }
    },
  });
  return new Outlet(
    Object.assign(stream, { isTTY: to.isTerminal, columns: to.columns }),
    to.descriptor,
  );
}
