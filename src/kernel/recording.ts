/** What is kept of an agent that is recorded, until it is a recording. */

import { arch, version, versions } from 'node:process';
import { ownVersion } from '../own-version.ts';
import { EntryReader } from '../recording/entries.ts';
import {
  makeRecording,
  RECORDING_BYTES_DEFAULT,
  type Recording,
  type RecordingHeader,
} from '../recording/file.ts';
import type { KeepEnd, Keeping, RecordEnd, RecordStart } from '../recording/kept.ts';
import type { Process } from '../supervisor/process.ts';
import type { Report } from '../supervisor/report.ts';
import { FUEL_TABLE_VERSION } from '../wasm/metering/costs.ts';
import type { RecordOptions } from './record-options.ts';

/** Collects the recording of one agent. */
export class RunRecording implements Keeping {
  readonly start: RecordStart;
  readonly #world: RecordingHeader['world'];
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
  }

  /** More than it may be comes from no worker of ours, but a guest may have taken its process over. */
  took(bytes: Uint8Array): void {
    if (this.#end === null && this.#bytes + bytes.length <= this.start.bytesMax) {
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
    const { end, kept } = whatIsThere(entries, this.#end, request.isolation === 'process');
    const { code, reason, message } = report.exit;
    const { features, limits, module, isolation } = request;
    const header = {
      ringfence: await ownVersion(),
      node: version,
      v8: versions.v8,
      arch,
      module_sha256: module?.digest ?? '',
      agent_id: agentId,
      pid,
      isolation,
      world: this.#world,
      fuel_table: FUEL_TABLE_VERSION,
      features: { gc: features.gc, relaxed_simd: features.relaxedSimd },
      limits: { fuel: limits.fuel, memory_bytes: limits.memoryBytes },
      entries_bytes: kept.length,
      calls: end.calls,
      cut: end.cut,
      exit: {
        code,
        reason: reason as RecordingHeader['exit']['reason'],
        message: message?.toWellFormed() ?? null,
      },
      ended_outside: end.endedOutside,
      fuel: end.fuel ?? report.usage.fuel,
      memory_bytes: report.usage.memory_bytes,
      stdout: end.stdout,
      stderr: end.stderr,
    } satisfies RecordingHeader;
    return makeRecording(header, kept);
  }
}

/** What is known of the end of a recording. */
interface KnownEnd {
  readonly calls: number;
  readonly cut: RecordingHeader['cut'];
  readonly endedOutside: boolean;
  /** Where the recording stops; null: at the agent's end. */
  readonly fuel: number | null;
  readonly stdout: RecordEnd['stdout'] | null;
  readonly stderr: RecordEnd['stderr'] | null;
}

/** What of the entries can be read, and how they end; `isForeign`: a guest may have written them. */
function whatIsThere(
  entries: Uint8Array,
  end: RecordEnd | null,
  isForeign: boolean,
): { readonly end: KnownEnd; readonly kept: Uint8Array } {
  const read = end === null || isForeign ? readable(entries) : null;
  if (
    end !== null &&
    (read === null || (read.bytes === entries.length && read.calls === end.calls))
  ) {
    const { calls, cutAtFuel, endedOutside, stdout, stderr } = end;
    const cut = cutAtFuel === null ? null : 'full';
    return {
      kept: entries,
      end: { calls, cut, endedOutside, fuel: cutAtFuel, stdout, stderr },
    };
  }
  const { bytes, calls, fuel } = read!;
  return {
    kept: entries.subarray(0, bytes),
    end: { calls, cut: 'lost', endedOutside: false, fuel, stdout: null, stderr: null },
  };
}

/** How far entries can be read, but for a call that would end them: what runs on is not known. */
function readable(entries: Uint8Array): {
  readonly bytes: number;
  readonly calls: number;
  readonly fuel: number;
} {
  const reader = new EntryReader(entries);
  let whole = { bytes: 0, calls: 0, fuel: 0 };
  try {
    for (let entry = reader.peek(); entry !== null; entry = reader.peek()) {
      let { calls, fuel } = whole;
      if (entry.kind === 'call') {
        reader.takeAnswer();
      } else {
        reader.take();
      }
      if (entry.kind !== 'refused') {
        calls += 1;
        fuel = entry.fuel;
      }
      whole = { bytes: reader.at, calls, fuel };
    }
  } catch {
    // What comes behind was on its way when its worker died, or is none of a worker's.
  }
  return whole;
}
