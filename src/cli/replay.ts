/** `ringfence replay`: runs a module again out of a recording, and says what was not the same. */

import {
  type LoadedModule,
  type Recording,
  type Replay,
  type ReplayDifference,
  replayNotes,
} from '../index.ts';
import { callLine } from './call-line.ts';
import type { Environment } from './environment.ts';
import { STATUS, STATUS_OF_SIGNAL } from './exit-status.ts';
import { Interruption } from './interruption.ts';
import { loadWithProgress } from './load.ts';
import { printableJson, printableLine } from './printable.ts';
import { readRecordingFile } from './recording-file.ts';
import type { ReplayInvocation } from './replay-invocation.ts';
import { printLine } from './say.ts';

/** Characters of what was recorded and found that are printed; `--json` has more. */
const WORDS_LENGTH_MAX = 300;

const cut = (text: string): string =>
  text.length > WORDS_LENGTH_MAX ? `${text.slice(0, WORDS_LENGTH_MAX)}…` : text;

const count = (value: number): string => value.toLocaleString('en-US');

/**
 * Replays a recording and answers the exit status.
 *
 * @throws {RingfenceError} for files that can't be read, and a recording that is not of this module
 */
export async function replay(
  invocation: ReplayInvocation,
  environment: Environment,
): Promise<number> {
  const recording = await readRecordingFile(invocation.recordingPath);
  for (const note of replayNotes(recording)) {
    printLine(environment.stderr, `ringfence: note: ${printableLine(note)}`);
  }
  const interruption = new Interruption(environment);
  const kernel = await environment.openKernel({
    workers: 1,
    capacity: 1,
    onWarning: (text) => {
      printLine(environment.stderr, `ringfence: warning: ${printableLine(text)}`);
    },
  });
  try {
    const { header } = recording;
    const module = await loadWithProgress(
      kernel,
      invocation.modulePath,
      environment,
      interruption,
      { gc: header.features.gc, relaxedSimd: header.features.relaxed_simd },
    );
    const replayed = await kernel.replay(recording, optionsOf(invocation, module, interruption));
    interruption.exitAtNext();
    await tell(replayed, recording, invocation, environment);
    if (interruption.received !== null) {
      return STATUS_OF_SIGNAL[interruption.received];
    }
    return replayed.identical ? STATUS.ok : STATUS.bad;
  } catch (error) {
    if (interruption.received === null) {
      throw error;
    }
    return STATUS_OF_SIGNAL[interruption.received];
  } finally {
    interruption.stopListening();
    await kernel.close();
  }
}

function optionsOf(
  { isolation, memoryBytesMax, cpuTimeMs, wallTimeMs }: ReplayInvocation,
  module: LoadedModule,
  { signal }: Interruption,
) {
  return {
    module,
    signal,
    ...(isolation !== undefined && { isolation }),
    ...(memoryBytesMax !== undefined && { memoryBytesMax }),
    ...(cpuTimeMs !== undefined && { cpuTimeMs }),
    ...(wallTimeMs !== undefined && { wallTimeMs }),
  };
}

async function tell(
  replayed: Replay,
  recording: Recording,
  { trace, json }: ReplayInvocation,
  { stdout }: Environment,
): Promise<void> {
  // A reader that has seen enough, such as `head`, is no failure.
  const print = async (text: string): Promise<boolean> => {
    try {
      await stdout.write(Buffer.from(`${text}\n`));
      return true;
    } catch {
      return false;
    }
  };
  if (trace) {
    for (const call of recording.trace()) {
      const isShown = call.call <= replayed.calls;
      if (!isShown || !(await print(json ? printableJson(call) : callLine(call)))) {
        break;
      }
    }
  }
  if (json) {
    await print(printableJson({ ...replayed, recording_sha256: recording.digest }));
    return;
  }
  for (const line of linesOf(replayed)) {
    await print(printableLine(line));
  }
}

function linesOf({
  identical,
  difference,
  calls,
  callsRecorded,
  cut: isCut,
  fuel,
  exit,
}: Replay): string[] {
  if (difference !== null) {
    return differenceLines(difference, calls, callsRecorded);
  }
  const upTo = isCut === null ? 'to its end' : 'as far as it was recorded';
  const ended = isCut === null ? `, ${exit.reason}` : '';
  return [
    `${identical ? 'identical' : 'not identical'} ${upTo}: ${count(calls)} host calls, ${count(fuel)} units of fuel${ended}`,
  ];
}

function differenceLines(
  { call, function: name, what, recorded, found, fuel }: ReplayDifference,
  calls: number,
  callsRecorded: number,
): string[] {
  const where = call === null ? `behind ${count(calls)} host calls` : `at host call ${count(call)}`;
  const which = name === null ? '' : `, ${name}`;
  return [
    `different ${where} of ${count(callsRecorded)}${which}: ${what}, at ${count(fuel)} units of fuel`,
    `  recorded: ${cut(recorded)}`,
    `  found:    ${cut(found)}`,
  ];
}
