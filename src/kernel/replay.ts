/** Replays a recording: the module runs again, its host calls are answered out of it, its end is compared. */

import { arch, versions } from 'node:process';
import * as z from 'zod';
import { ISOLATIONS, type Isolation } from '../backend/backend.ts';
import { RingfenceError } from '../errors.ts';
import { Recording } from '../recording/file.ts';
import type {
  KeepEnd,
  Keeping,
  ReplayDifference,
  ReplayEnd,
  ReplayStart,
} from '../recording/kept.ts';
import { DEFAULT_LIMITS, type LimitsInput } from '../resource/limits.ts';
import type { Exit, Report } from '../supervisor/report.ts';
import { usageError } from '../usage-error.ts';
import { FUEL_TABLE_VERSION } from '../wasm/metering/costs.ts';
import type { Agent } from './agent.ts';
import type { LoadedModule, SpawnOptions } from './spawn-options.ts';

/** How a recording is replayed. */
export interface ReplayOptions {
  /** The module that was recorded, loaded with the features that it uses. */
  readonly module: LoadedModule;
  /** @default 'shared', and 'process' for a module with GC types */
  readonly isolation?: Isolation;
  /**
   * The most memory that the replayed agent may have: a recording whose run might have had more is refused;
   * 0: whatever it says. @default 256 MiB
   */
  readonly memoryBytesMax?: number;
  /** What the replay may take of the processor. @default 300,000 */
  readonly cpuTimeMs?: number;
  /** How long the replay may take. @default unlimited */
  readonly wallTimeMs?: number;
  /** Ends the replay: it is then told as one that is not identical. */
  readonly signal?: AbortSignal;
}

const replaySchema = z.strictObject({
  module: z.custom<LoadedModule>((value) => typeof value === 'object' && value !== null),
  isolation: z.enum(ISOLATIONS).optional(),
  memoryBytesMax: z.int().nonnegative().optional(),
  cpuTimeMs: z.int().nonnegative().optional(),
  wallTimeMs: z.int().nonnegative().optional(),
  signal: z.instanceof(AbortSignal).optional(),
});

/** What came of a replay. */
export interface Replay {
  /** Whether all was as it is recorded, as far as the recording goes. */
  readonly identical: boolean;
  /** The first thing that was not; null: nothing, or the replay was ended before it came to one. */
  readonly difference: ReplayDifference | null;
  /** Host calls that were as they are recorded, and those that are recorded. */
  readonly calls: number;
  readonly callsRecorded: number;
  /** Whether the recording stops before the agent's end: it was full, or what ran the agent has died. */
  readonly cut: Recording['header']['cut'];
  /** Units of fuel that the replay has used. */
  readonly fuel: number;
  /** How the replayed agent has ended. */
  readonly exit: Exit;
  /** What a difference could come from beside the module, and what was not compared. */
  readonly notes: readonly string[];
}

/**
 * What of a run may be otherwise when it is replayed here, though its module does the same: known before.
 */
export function replayNotes({ header }: Recording): string[] {
  const notes: string[] = [];
  if (header.features.relaxed_simd) {
    notes.push('its module uses relaxed SIMD, whose results differ between machines');
  }
  if (header.features.gc) {
    notes.push('its module uses GC types: where its heap was full is not replayed');
  }
  if (header.arch !== arch) {
    notes.push(`it was recorded on ${header.arch} and this is ${arch}: bits of NaNs may differ`);
  }
  if (header.v8 !== versions.v8) {
    notes.push(
      `it was recorded with V8 ${header.v8} and this is ${versions.v8}: words of traps may differ`,
    );
  }
  if (header.cut === 'full') {
    notes.push('it was full before the agent ended: it is replayed up to there');
  }
  if (header.cut === 'lost') {
    notes.push('what ran the agent died before it ended: it is replayed as far as was kept');
  }
  return notes;
}

/** Answers one agent's host calls, and takes what came of it. */
class RunReplay implements Keeping {
  readonly start: ReplayStart;
  readonly #recording: Recording;
  #end: ReplayEnd | null = null;

  constructor(recording: Recording) {
    const { entries, header } = recording;
    this.#recording = recording;
    this.start = {
      mode: 'replay',
      entries,
      calls: header.calls,
      end: header.cut === null ? endOf(header.exit) : null,
      endedOutside: header.ended_outside,
      fuel: header.fuel,
    };
  }

  /** A replay keeps nothing. */
  took(): void {}

  ended(end: KeepEnd): void {
    if (end.mode === 'replay') {
      this.#end ??= end;
    }
  }

  /** What came of it, when its agent has ended. */
  outcome(report: Report): Replay {
    const { header } = this.#recording;
    const end = this.#end;
    const difference =
      end === null ? ended(report) : (end.difference ?? this.#compare(report, end));
    const notes = replayNotes(this.#recording);
    for (const stream of ['stdout', 'stderr'] as const) {
      if (header.cut === null && end !== null && end[stream] === null) {
        notes.push(`not all that it wrote to ${stream} stands in its calls: it is not compared`);
      }
    }
    return {
      identical: difference === null,
      difference,
      calls: end?.calls ?? 0,
      callsRecorded: header.calls,
      cut: header.cut,
      fuel: report.usage.fuel,
      exit: report.exit,
      notes,
    };
  }

  /** The end, where all calls were as they are recorded. */
  #compare(report: Report, end: ReplayEnd): ReplayDifference | null {
    const { header } = this.#recording;
    if (header.cut !== null) {
      // Of what it does behind the last call, up to an end of its own, the recording says nothing.
      const isBehind = end.calls === header.calls && OWN_ENDS.has(report.exit.reason);
      return end.stopped || isBehind ? null : ended(report);
    }
    const { fuel } = report.usage;
    const isAtItsEnd = header.ended_outside && fuel >= header.fuel && end.calls === header.calls;
    if (end.stopped || isAtItsEnd) {
      // It may have come to its own end where it was ended: which of the two is first no program sees.
      return this.#compareOutputs(end, fuel);
    }
    const recorded = endOf(header.exit);
    if (endInWords(recorded) !== endInWords(report.exit)) {
      return atEnd('end', endInWords(recorded), endInWords(report.exit), fuel);
    }
    if (header.fuel !== fuel) {
      return atEnd('fuel', String(header.fuel), String(fuel), fuel);
    }
    const memory = report.usage.memory_bytes;
    if (header.memory_bytes !== memory) {
      return atEnd('memory', String(header.memory_bytes), String(memory), fuel);
    }
    return this.#compareOutputs(end, fuel);
  }

  #compareOutputs(end: ReplayEnd, fuel: number): ReplayDifference | null {
    const { header } = this.#recording;
    for (const stream of ['stdout', 'stderr'] as const) {
      const [was, is] = [header[stream], end[stream]];
      if (was !== null && is !== null && (was.bytes !== is.bytes || was.sha256 !== is.sha256)) {
        return atEnd(stream, outputInWords(was), outputInWords(is), fuel);
      }
    }
    return null;
  }
}

/** How agents end by themselves. */
const OWN_ENDS: ReadonlySet<string> = new Set(['normal', 'error', 'trap', 'fuel']);

/** A worker can't say of itself that it was reaped. */
function endOf({ code, reason, message }: Exit): Exit {
  return reason === 'reaped' ? { code: -1, reason: 'killed', message } : { code, reason, message };
}

const endInWords = ({ code, reason, message }: Exit): string =>
  `${reason} (${code})${message === null ? '' : `: ${message}`}`;

const outputInWords = ({ bytes, sha256 }: { bytes: number; sha256: string }): string =>
  `${bytes} bytes, sha256 ${sha256}`;

function atEnd(
  what: ReplayDifference['what'],
  recorded: string,
  found: string,
  fuel: number,
): ReplayDifference {
  return { call: null, function: null, what, recorded, found, fuel };
}

const ended = ({ exit, usage }: Report): ReplayDifference =>
  atEnd('end', 'more than was replayed', endInWords(exit), usage.fuel);

/** What the kernel gives for it. */
export interface ReplaySpawner {
  spawnKept(options: SpawnOptions, keeping: Keeping): Promise<Agent>;
}

/** @throws {RingfenceError} see {@link Kernel.replay} */
export async function replay(
  recording: Recording,
  options: ReplayOptions,
  spawner: ReplaySpawner,
): Promise<Replay> {
  const parsed = replaySchema.safeParse(options);
  if (!parsed.success) {
    throw usageError('replay the recording', parsed.error);
  }
  if (!(recording instanceof Recording)) {
    throw new RingfenceError(
      'RF_USAGE',
      'Cannot replay what is no recording: give what agent.recording or readRecording() has answered.',
    );
  }
  const { module, signal } = options;
  requireReplayable(recording, module, options.memoryBytesMax ?? DEFAULT_LIMITS.memoryBytes);
  signal?.throwIfAborted();
  const run = new RunReplay(recording);
  const { header } = recording;
  const limits: LimitsInput = {
    fuel: header.limits.fuel,
    memoryBytes: header.limits.memory_bytes,
    ...(options.cpuTimeMs !== undefined && { cpuTimeMs: options.cpuTimeMs }),
    ...(options.wallTimeMs !== undefined && { wallTimeMs: options.wallTimeMs }),
  };
  const agent = await spawner.spawnKept(
    {
      module,
      agentId: `replay of ${header.agent_id}`.slice(0, 256),
      isolation: options.isolation ?? (module.features.gc ? 'process' : 'shared'),
      features: module.features,
      grants: { clocks: false, random: false },
      limits,
    },
    run,
  );
  const stop = (): void => agent.kill('the replay was given up');
  signal?.addEventListener('abort', stop, { once: true });
  if (signal?.aborted) {
    stop();
  }
  try {
    return run.outcome(await agent.exited);
  } finally {
    signal?.removeEventListener('abort', stop);
  }
}

function requireReplayable(
  { header }: Recording,
  module: LoadedModule,
  memoryBytesMax: number,
): void {
  if (module.digest !== header.module_sha256) {
    throw new RingfenceError(
      'RF_RECORDING_REFUSED',
      `Cannot replay the recording with the module ${module.digest}: it is of the module ${header.module_sha256}; give that one.`,
      { recorded: header.module_sha256, given: module.digest },
    );
  }
  if (header.fuel_table !== FUEL_TABLE_VERSION) {
    throw new RingfenceError(
      'RF_RECORDING_REFUSED',
      `Cannot replay the recording as its fuel was counted by table ${header.fuel_table}, and this ringfence counts by table ${FUEL_TABLE_VERSION}: use ringfence ${header.ringfence}.`,
      { recorded: header.fuel_table, here: FUEL_TABLE_VERSION },
    );
  }
  const { memory_bytes: memory } = header.limits;
  if (memoryBytesMax !== 0 && (memory === 0 || memory > memoryBytesMax)) {
    throw new RingfenceError(
      'RF_RECORDING_REFUSED',
      `Cannot replay the recording as its run might have had ${memory === 0 ? 'any' : memory} bytes of memory, and a replay may have ${memoryBytesMax}: allow more (--max-memory).`,
      { recorded: memory, limit: memoryBytesMax },
    );
  }
}
