/** The limit options of the command line: what each is called and how its value is read. */

import {
  type LimitsInput,
  parseCount,
  parseDuration,
  parseSize,
  RingfenceError,
} from '../index.ts';

/** One option that sets a limit. */
export interface LimitOption {
  readonly flag: string;
  readonly placeholder: 'N' | 'SIZE' | 'DURATION';
  readonly limit: keyof LimitsInput;
  readonly help: string;
}

/** All of them, in the order of the help text. 0 is unlimited. */
export const LIMIT_OPTIONS: readonly LimitOption[] = [
  {
    flag: '--max-fuel',
    placeholder: 'N',
    limit: 'fuel',
    help: 'units of fuel (default: unlimited)',
  },
  {
    flag: '--max-memory',
    placeholder: 'SIZE',
    limit: 'memoryBytes',
    help: 'all memories and tables together (default: 256MiB)',
  },
  {
    flag: '--max-cpu',
    placeholder: 'DURATION',
    limit: 'cpuTimeMs',
    help: 'CPU time (default: 300s)',
  },
  {
    flag: '--timeout',
    placeholder: 'DURATION',
    limit: 'wallTimeMs',
    help: 'time from the spawn on (default: none)',
  },
  {
    flag: '--max-messages',
    placeholder: 'N',
    limit: 'messages',
    help: 'messages sent (default: 5,000)',
  },
  {
    flag: '--max-tool-calls',
    placeholder: 'N',
    limit: 'toolCalls',
    help: 'tools called (default: 1,000)',
  },
  {
    flag: '--max-disk',
    placeholder: 'SIZE',
    limit: 'diskBytes',
    help: 'bytes written to disk (default: 100MiB)',
  },
];

const READERS = { N: parseCount, SIZE: parseSize, DURATION: parseDuration } as const;

/**
 * Reads the value of a limit option.
 *
 * @throws {RingfenceError} `RF_USAGE`, naming the option.
 */
export function readLimit(option: LimitOption, text: string): number {
  try {
    return READERS[option.placeholder](text);
  } catch (error) {
    if (!(error instanceof RingfenceError)) {
      throw error;
    }
    const reason = error.message.replace(/^Cannot /, 'cannot ');
    throw new RingfenceError('RF_USAGE', `Cannot use ${option.flag}: ${reason}`, {
      ...error.fields,
      option: option.flag,
    });
  }
}
