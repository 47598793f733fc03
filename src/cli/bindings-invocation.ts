/** `ringfence bindings` among the commands: its own options, read. */

import type { Command } from 'commander';
import { BINDINGS_EXAMPLES } from './help-text.ts';
import { option } from './option.ts';

/** `ringfence bindings`. */
export interface BindingsInvocation {
  readonly command: 'bindings';
  /** A folder, or a file. */
  readonly witPath: string;
  readonly language: string;
  /** Null: the only one there is. */
  readonly world: string | null;
  readonly outPath: string;
  /** Null: where a project has it. */
  readonly guestPath: string | null;
}

interface BindingsOptions {
  readonly lang?: string;
  readonly world?: string;
  readonly out?: string;
  readonly guest?: string;
}

const LANGUAGE = 'assemblyscript';
const WIT_PATH = 'wit';
const OUT_PATH = 'bindings';

/** Declares the command. */
export function declareBindings(
  root: Command,
  asked: (invocation: BindingsInvocation) => void,
): Command {
  const group = 'Options:';
  return root
    .command('bindings')
    .description('Generate typed bindings of a WIT world for a guest (docs/authoring.md).')
    .usage('[options] [WIT]')
    .argument('[WIT]', `a folder of WIT, or a .wit file (default: ${WIT_PATH})`)
    .addHelpText('after', BINDINGS_EXAMPLES)
    .addOption(
      option('--lang', ' NAME', `the guest's language: ${LANGUAGE} (default), c, rust`, group),
    )
    .addOption(option('--world', ' NAME', 'the world, where the package has several', group))
    .addOption(option('--out', ' DIR', `where the bindings go (default: ${OUT_PATH})`, group))
    .addOption(
      option(
        '--guest',
        ' FILE',
        `the guest's own source file, which bindings of ${LANGUAGE} import (default: agent.ts)`,
        group,
      ),
    )
    .action((witPath: string | undefined, options: BindingsOptions) => {
      asked({
        command: 'bindings',
        witPath: witPath ?? WIT_PATH,
        language: options.lang ?? LANGUAGE,
        world: options.world ?? null,
        outPath: options.out ?? OUT_PATH,
        guestPath: options.guest ?? null,
      });
    });
}
