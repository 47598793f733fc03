/** What the command line sees of the process it runs in; tests give it another. */

import { type openKernel as OpenKernel, openKernel } from '../index.ts';
import type { EndingSignal } from './exit-status.ts';
import { processInput, type StandardInput } from './input.ts';
import { Outlet } from './outlet.ts';

/** The surroundings of one call of the command line. */
export interface Environment {
  /** Environment variables of the process; none reaches a guest unless `--env` names it. */
  readonly variables: Readonly<Record<string, string | undefined>>;
  readonly stdin: StandardInput;
  readonly stdout: Outlet;
  readonly stderr: Outlet;
  readonly openKernel: typeof OpenKernel;
  /** What this program is started by once more: the file, and what comes before its own arguments. */
  readonly program: readonly string[];
  /** Calls back at each SIGINT and SIGTERM until the function that it returns is called. */
  onSignal(listener: (signal: EndingSignal) => void): () => void;
  /** Ends the process at once. */
  exit(status: number): void;
}

/** The surroundings of the real process. */
export function processEnvironment(): Environment {
  return {
    variables: process.env,
    stdin: processInput(),
    stdout: new Outlet(process.stdout, 1),
    stderr: new Outlet(process.stderr, 2),
    openKernel,
    program: [process.execPath, ...process.execArgv, process.argv[1] ?? ''],
    onSignal(listener) {
      process.on('SIGINT', listener);
      process.on('SIGTERM', listener);
      return () => {
        process.off('SIGINT', listener);
        process.off('SIGTERM', listener);
      };
    },
    exit: (status) => process.exit(status),
  };
}
