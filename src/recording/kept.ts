/** What a worker is told to keep of an agent or to replay, and what it tells of that in the end. */

/** Bytes of entries: more are neither kept nor read. */
export const RECORDING_BYTES_MAX = 256 * 1024 * 1024;

/** A worker hands entries on when there are so many bytes of them, in pieces of no more. */
export const PIECE_BYTES = 64 * 1024;

/** How an agent ended, as its worker saw it. */
export interface KeptEnd {
  readonly code: number | null;
  readonly reason: string;
  readonly message: string | null;
}

/** Keep what host calls answer. */
export interface RecordStart {
  readonly mode: 'record';
  /** The most bytes of entries. */
  readonly bytesMax: number;
  /** What happens at that: the recording stops and the agent goes on, or the agent is ended. */
  readonly whenFull: 'stop' | 'end-agent';
}

/** Answer host calls out of a recording. */
export interface ReplayStart {
  readonly mode: 'replay';
  readonly entries: Uint8Array;
  readonly calls: number;
  /** How it ended; null: the recording stops before. */
  readonly end: KeptEnd | null;
  /** Whether it was ended from outside, at `fuel`, and not by what it did. */
  readonly endedOutside: boolean;
  /** What it had used at its end, or where the recording stops. */
  readonly fuel: number;
}

/** What a worker is told. */
export type KeepStart = RecordStart | ReplayStart;

/** Bytes that an agent has written to one of its streams. */
export interface KeptOutput {
  readonly bytes: number;
  /** Hexadecimal. */
  readonly sha256: string;
}

/** What a worker tells of a recording at the agent's end. */
export interface RecordEnd {
  readonly mode: 'record';
  readonly calls: number;
  /** The recording stops before the agent's end: what it had used then. Null: it is whole. */
  readonly cutAtFuel: number | null;
  /** Whether it was ended from outside, and in no host call. */
  readonly endedOutside: boolean;
  readonly stdout: KeptOutput;
  readonly stderr: KeptOutput;
}

/** In what a replay can differ from its recording. */
export const REPLAY_DIFFERENCES = [
  /** Another host function is called. */
  'function',
  'arguments',
  'fuel',
  /** The recording holds an answer that is not of its function's type. */
  'answer',
  /** More calls, or fewer. */
  'calls',
  /** What is recorded can't be read, or is no call. */
  'entry',
  /** It ends otherwise, or not where it did. */
  'end',
  'memory',
  'stdout',
  'stderr',
] as const;

/** The first thing that is not as it was recorded. */
export interface ReplayDifference {
  /** The number of the host call, from 1; null: it is in none. */
  readonly call: number | null;
  /** The host function that was called, or was to be called; null: none. */
  readonly function: string | null;
  readonly what: (typeof REPLAY_DIFFERENCES)[number];
  readonly recorded: string;
  readonly found: string;
  /** Units that it had used. */
  readonly fuel: number;
}

/** What a worker tells of a replay at the agent's end. */
export interface ReplayEnd {
  readonly mode: 'replay';
  /** Calls that were answered as they were recorded. */
  readonly calls: number;
  readonly difference: ReplayDifference | null;
  /** Whether it came to where the recording stops. */
  readonly stopped: boolean;
  /** Null: bytes went there that no argument holds, by `splice` or a write that failed. */
  readonly stdout: KeptOutput | null;
  readonly stderr: KeptOutput | null;
}

/** What a worker tells in the end. */
export type KeepEnd = RecordEnd | ReplayEnd;

/** What is kept of one agent, from its start on. */
export interface Keeping {
  readonly start: KeepStart;
  /** More bytes of entries. */
  took(bytes: Uint8Array): void;
  /** Its worker has said all. Not told where that has died before. */
  ended(end: KeepEnd): void;
}
