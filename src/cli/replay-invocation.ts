/** `ringfence replay` among the commands: its own options, read. */

import type { Command } from 'commander';
import { type Isolation, parseDuration, parseSize } from '../index.ts';
import { REPLAY_EXAMPLES } from './help-text.ts';
import { between } from './number-option.ts';
import { option, usage } from './option.ts';
import { quoted } from './printable.ts';

/** `ringfence replay`. */
export interface ReplayInvocation {
  readonly command: 'replay';
  readonly recordingPath: string;
  readonly modulePath: string;
  readonly isolation: Isolation | undefined;
  readonly memoryBytesMax: number | undefined;
  readonly cpuTimeMs: number | undefined;
  readonly wallTimeMs: number | undefined;
  readonly trace: boolean;
  readonly json: boolean;
}

interface ReplayOptions {
  readonly isolation?: Isolation;
  readonly maxMemory?: number;
  readonly maxCpu?: number;
  readonly timeout?: number;
  readonly trace?: boolean;
  readonly json?: boolean;
}

const GROUP = 'Options:';
const ISOLATIONS: readonly Isolation[] = ['shared', 'thread', 'process'];

function readIsolation(value: string): Isolation {
  const isolation = ISOLATIONS.find((name) => name === value);
  if (isolation === undefined) {
    throw usage(`Cannot use --isolation ${quoted(value)}: write one of ${ISOLATIONS.join(', ')}.`);
  }
  return isolation;
}

/** Declares the command. */
export function declareReplay(
  root: Command,
  asked: (invocation: ReplayInvocation) => void,
): Command {
  const replay = root
    .command('replay')
    .description('Run a module again out of a recording, to the same end or the first difference.')
    .usage('[options] RECORDING MODULE')
    .argument('<RECORDING>', "a file that 'ringfence run --record' has written")
    .argument('<MODULE>', 'the module that was recorded')
    .addHelpText('after', REPLAY_EXAMPLES)
    .action((recordingPath: string, modulePath: string, options: ReplayOptions) => {
      asked({
        command: 'replay',
        recordingPath,
        modulePath,
        isolation: options.isolation,
        memoryBytesMax: options.maxMemory,
        cpuTimeMs: options.maxCpu,
        wallTimeMs: options.timeout,
        trace: options.trace ?? false,
        json: options.json ?? false,
      });
    });
  const most = Number.MAX_SAFE_INTEGER;
  const options = [
    option(
      '--trace',
      '',
      'print each host call, with its arguments and its answer in short',
      GROUP,
    ),
    option('--json', '', 'print what came of it as a line of JSON, and so each call', GROUP),
    option('--isolation', ' LEVEL', `how far it is kept apart: ${ISOLATIONS.join(', ')}`, GROUP)
      // Told by name what there is.
      .argParser(readIsolation),
    option(
      '--max-memory',
      ' SIZE',
      'the most that the run may have had (default: 256MiB; 0: whatever it was)',
      GROUP,
    ).argParser(between('--max-memory', parseSize, 0, most)),
    option('--max-cpu', ' DURATION', 'CPU time of the replay (default: 300s)', GROUP).argParser(
      between('--max-cpu', parseDuration, 0, most),
    ),
    option('--timeout', ' DURATION', 'time of the replay (default: none)', GROUP).argParser(
      between('--timeout', parseDuration, 0, most),
    ),
  ];
  for (const made of options) {
    replay.addOption(made);
  }
  return replay;
}
