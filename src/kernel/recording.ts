/** What is kept of an agent that is recorded, until it is a recording. */

import { arch, version, versions } from 'node:process';
import { ownVersion } from '../own-version.ts';
import { makeRecording, RECORDING_BYTES_DEFAULT, type Recording } from '../recording/file.ts';
import {
  contradictionIn,
  MESSAGE_CHARACTERS_MAX,
  type RecordingHeader,
  TEXT_CHARACTERS_MAX,
} from '../recording/header.ts';
import {
  type KeepEnd,
  type Keeping,
  PIECE_BYTES,
  type RecordEnd,
  type RecordStart,
} from '../recording/kept.ts';
import { type Survey, surveyEntries } from '../recording/survey.ts';
import type { Process } from '../supervisor/process.ts';
import type { Report } from '../supervisor/report.ts';
import { FUEL_TABLE_VERSION } from '../wasm/metering/costs.ts';
import type { RecordOptions } from './record-options.ts';

/** Collects the recording of one agent. */
export class RunRecording implements Keeping {
  readonly start: RecordStart;
  readonly #world: RecordingHeader['world'];
  readonly #piecesMax: number;
  readonly #pieces: Uint8Array[] = [];
  #bytes = 0;
  /** Null: what ran it has not said how it ended. */
  #end: RecordEnd | null = null;
  #made: Promise<Recording> | null = null;

  /** `world`: what of its module is called. */
  constructor(options: RecordOptions, world: RecordingHeader['world']) {
    this.start = {
      mode: 'record',
      bytesMax: options.bytesMax ?? RECORDING_BYTES_DEFAULT,
      whenFull: options.whenFull ?? 'stop',
    };
    this.#world = world;
    // A worker hands on so many bytes or more at a time, in pieces of as many and one that is shorter.
    this.#piecesMax = 2 * Math.ceil(this.start.bytesMax / PIECE_BYTES) + 1;
  }

  /** More than it may be comes from no worker of ours, but a guest may have taken its process over. */
  took(bytes: Uint8Array): void {
    const isWithin =
      this.#bytes + bytes.length <= this.start.bytesMax && this.#pieces.length < this.#piecesMax;
    if (this.#end === null && isWithin) {
      this.#bytes += bytes.length;
      this.#pieces.push(bytes);
    }
  }

  ended(end: KeepEnd): void {
    if (end.mode === 'record') {
      this.#end ??= end;
    }
  }

  /** The recording, when the agent has ended: it is made when it is first asked for. */
  of(process: Process): Promise<Recording> {
    this.#made ??= process.exited.then((report) => this.#make(process, report));
    return this.#made;
  }

  async #make({ pid, agentId, request }: Process, report: Report): Promise<Recording> {
    const entries = new Uint8Array(Buffer.concat(this.#pieces.splice(0)));
    const { code, reason, message } = report.exit;
    const { features, limits, module, isolation } = request;
    const about = {
      ringfence: await ownVersion(),
      node: version,
      v8: versions.v8,
      arch,
      module_sha256: module?.digest ?? '',
      agent_id: agentId.slice(0, TEXT_CHARACTERS_MAX),
      pid,
      isolation,
      world: this.#world,
      fuel_table: FUEL_TABLE_VERSION,
      features: { gc: features.gc, relaxed_simd: features.relaxedSimd },
      limits: { fuel: limits.fuel, memory_bytes: limits.memoryBytes },
      exit: {
        code,
        reason: reason as RecordingHeader['exit']['reason'],
        message: message?.slice(0, MESSAGE_CHARACTERS_MAX).toWellFormed() ?? null,
      },
      memory_bytes: report.usage.memory_bytes,
    };
    const told = this.#end === null ? null : asTold(this.#end, entries, report.usage.fuel);
    // A guest may have written what its process tells.
    if (told !== null && isolation !== 'process') {
      return makeRecording({ ...about, ...told }, entries);
    }
    const survey = await surveyEntries(entries);
    const whole = told !== null && survey.damage === null ? { ...about, ...told } : null;
    if (whole !== null && contradictionIn(whole, survey) === null) {
      return makeRecording(whole, entries);
    }
    const found = asFound(survey);
    return makeRecording({ ...about, ...found }, entries.subarray(0, found.entries_bytes));
  }
}

/** What a header says of entries and of their end. */
type HeaderOfEnd = Pick<
  RecordingHeader,
  'entries_bytes' | 'calls' | 'cut' | 'ended_outside' | 'fuel' | 'stdout' | 'stderr'
>;

/** Its worker has told how it ended; `fuel`: what it has used in all. */
function asTold(
  { calls, cutAtFuel, endedOutside, stdout, stderr }: RecordEnd,
  entries: Uint8Array,
  fuel: number,
): HeaderOfEnd {
  return {
    entries_bytes: entries.length,
    calls,
    cut: cutAtFuel === null ? null : 'full',
    ended_outside: endedOutside,
    fuel: cutAtFuel ?? fuel,
    stdout,
    stderr,
  };
}

/** It has not, or what was told can't be: how far its calls were answered. */
function asFound({ answered: { bytes, calls, fuel } }: Survey): HeaderOfEnd {
  return {
    entries_bytes: bytes,
    calls,
    cut: 'lost',
    ended_outside: false,
    fuel,
    stdout: null,
    stderr: null,
  };
}
