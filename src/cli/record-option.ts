/** The options of `run` by which it is recorded. */

import type { Option } from 'commander';
import { parseSize, type RecordOptions } from '../index.ts';
import { RUN_GROUPS } from './help-text.ts';
import { between } from './number-option.ts';
import { option, usage } from './option.ts';

/** Where a recording goes, and how much of it. */
export interface RecordChoice {
  readonly path: string;
  readonly options: RecordOptions;
}

/** The options as the command line has read them. */
export interface RecordingOptions {
  readonly record?: string;
  readonly recordMax?: number;
  readonly recordAll?: boolean;
}

const BYTES_MAX = 256 * 1024 * 1024;

/** `--record` and how much is kept. */
export function recordOptions(): Option[] {
  const group = RUN_GROUPS.recording;
  return [
    option(
      '--record',
      ' FILE',
      "keep what its host calls answered, for 'ringfence replay': what it has read stands in the file",
      group,
    ).argParser((value: string) => {
      if (value === '') {
        throw usage('Cannot use --record with an empty name: name a file.');
      }
      return value;
    }),
    option('--record-max', ' SIZE', 'of it at most so much (default: 64MiB)', group).argParser(
      between('--record-max', parseSize, 1, BYTES_MAX, ' bytes'),
    ),
    option('--record-all', '', 'end the module when that is reached, not the recording', group),
  ];
}

/** @throws {RingfenceError} `RF_USAGE` for an option that says how to record, where nothing is recorded */
export function readRecordChoice({
  record,
  recordMax,
  recordAll,
}: RecordingOptions): RecordChoice | null {
  if (record === undefined) {
    if (recordMax !== undefined || recordAll !== undefined) {
      throw usage(
        `Cannot use --record-${recordMax === undefined ? 'all' : 'max'} without --record: name a file for the recording.`,
      );
    }
    return null;
  }
  return {
    path: record,
    options: {
      ...(recordMax !== undefined && { bytesMax: recordMax }),
      ...(recordAll === true && { whenFull: 'end-agent' }),
    },
  };
}
