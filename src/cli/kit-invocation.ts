/** `ringfence new` and `ringfence build` among the commands: their own options, read. */

import type { Command } from 'commander';
import { BUILD_EXAMPLES, CHECK_EXAMPLES, NEW_EXAMPLES } from './help-text.ts';
import { option } from './option.ts';

/** `ringfence new`. */
export interface NewInvocation {
  readonly command: 'new';
  readonly folder: string;
  /** Null: it was not said. */
  readonly language: string | null;
  readonly json: boolean;
}

/** `ringfence build`. */
export interface BuildInvocation {
  readonly command: 'build';
  readonly folder: string;
  readonly json: boolean;
}

/** `ringfence check`. */
export interface CheckInvocation {
  readonly command: 'check';
  /** A project's folder, or a component. */
  readonly path: string;
  /** Null: that of the project, or none. */
  readonly policyPath: string | null;
  readonly json: boolean;
}

/** What the authoring kit's commands ask for. */
export type KitInvocation = NewInvocation | BuildInvocation | CheckInvocation;

interface NewOptions {
  readonly lang?: string;
  readonly json?: boolean;
}

interface CheckOptions {
  readonly policy?: string;
  readonly json?: boolean;
}

/** Declares them; `asked` hears which. */
export function declareKit(root: Command, asked: (invocation: KitInvocation) => void): Command[] {
  const create = root
    .command('new')
    .description('Make a project for an agent, ready to be built, run and tested.')
    .usage('[options] DIRECTORY')
    .argument('<DIRECTORY>', 'where; its last part is the name of the agent')
    .addOption(
      option(
        '--lang',
        ' NAME',
        'what it is written in: assemblyscript, c, javascript, rust, typescript (default: asked at a terminal, else assemblyscript)',
        'Options:',
      ),
    )
    .option('--json', 'print what was made as a line of JSON')
    .addHelpText('after', NEW_EXAMPLES)
    .action((folder: string, { lang, json = false }: NewOptions) =>
      asked({ command: 'new', folder, language: lang ?? null, json }),
    );
  const build = root
    .command('build')
    .description('Build the component of a project, by the compiler that the project brings.')
    .usage('[options] [DIRECTORY]')
    .argument('[DIRECTORY]', 'the project (default: the current directory)')
    .option('--json', 'print what was built as a line of JSON')
    .addHelpText('after', BUILD_EXAMPLES)
    .action((folder: string | undefined, { json = false }: { json?: boolean }) =>
      asked({ command: 'build', folder: folder ?? '.', json }),
    );
  const check = root
    .command('check')
    .description('Say what a component needs, whether it gets that, and what is wrong with it.')
    .usage('[options] [DIRECTORY | MODULE]')
    .argument(
      '[PATH]',
      'a project that you trust, which is built, or a component (default: the current directory)',
    )
    .addOption(
      option('--policy', ' FILE', "the policy (default: the project's ringfence.toml)", 'Options:'),
    )
    .option('--json', 'print it as a line of JSON')
    .addHelpText('after', CHECK_EXAMPLES)
    .action((path: string | undefined, { policy, json = false }: CheckOptions) =>
      asked({ command: 'check', path: path ?? '.', policyPath: policy ?? null, json }),
    );
  return [create, build, check];
}
