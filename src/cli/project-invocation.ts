/** `ringfence dev` and `ringfence test` among the commands: their own options, read. */

import type { Command } from 'commander';
import { DEV_HELP, TEST_HELP } from './help-text.ts';

/** `ringfence dev`. */
export interface DevInvocation {
  readonly command: 'dev';
  readonly folder: string;
  /** The agent's own. */
  readonly guestArguments: readonly string[];
}

/** `ringfence test`. */
export interface TestInvocation {
  readonly command: 'test';
  readonly folder: string;
  /** Tests again at each change. */
  readonly watch: boolean;
  /** Those of vitest. */
  readonly testArguments: readonly string[];
}

/** What is asked of a project again and again. */
export type ProjectInvocation = DevInvocation | TestInvocation;

/** Declares them; `asked` hears which. `behind`: the arguments behind `--`. */
export function declareProject(
  root: Command,
  behind: readonly string[],
  asked: (invocation: ProjectInvocation) => void,
): Command[] {
  const dev = root
    .command('dev')
    .description('Build and run a project, and again at each change.')
    .usage('[options] [DIRECTORY] [-- ARGS…]')
    .argument('[DIRECTORY]', 'the project (default: the current directory)')
    .addHelpText('after', DEV_HELP)
    .action((folder: string | undefined) =>
      asked({ command: 'dev', folder: folder ?? '.', guestArguments: behind }),
    );
  const test = root
    .command('test')
    .description('Build a project, and run its tests.')
    .usage('[options] [DIRECTORY] [-- ARGS…]')
    .argument('[DIRECTORY]', 'the project (default: the current directory)')
    .option('--watch', 'and again at each change')
    .addHelpText('after', TEST_HELP)
    .action((folder: string | undefined, { watch = false }: { watch?: boolean }) =>
      asked({ command: 'test', folder: folder ?? '.', watch, testArguments: behind }),
    );
  return [dev, test];
}
