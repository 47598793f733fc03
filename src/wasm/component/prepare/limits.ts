/** The bounds that hold while a module nobody trusts is prepared, in one place with their reasons. */

const MIB = 1024 * 1024;

/** What preparing one module may take. All of them are checked outside of what reads the module. */
export interface PrepareLimits {
  /**
   * The largest file that is read at all.
   *
   * @default 64 MiB
   */
  readonly fileBytes: number;
  /**
   * How long everything may take together, by the wall clock, from the start of the child process to
   * its whole answer, the second compilation included.
   *
   * @default 60_000
   */
  readonly deadlineMs: number;
  /**
   * How much physical memory a child process may have at its peak. V8's compilers and jco's tools
   * allocate outside of any heap that has a limit of its own, so the process is watched instead.
   *
   * @default 1 GiB
   */
  readonly rssBytes: number;
  /**
   * JavaScript heap of a child process (`--max-old-space-size`).
   *
   * @default 512 MiB
   */
  readonly heapBytes: number;
  /**
   * Longest link plan that is taken back, as JSON.
   *
   * @default 8 MiB
   */
  readonly planBytes: number;
  /**
   * How much larger than the file all metered core modules together may be. One MiB is added, so that
   * what the adapter of wasip1 brings has room in small files.
   *
   * @default 4
   */
  readonly growthFactor: number;
  /**
   * Most core modules that are taken back.
   *
   * @default 256
   */
  readonly modules: number;
  /**
   * How much of what a child process writes to its stderr is kept for an error's `cause`.
   *
   * @default 16 KiB
   */
  readonly stderrBytes: number;
}

export const DEFAULT_PREPARE_LIMITS: PrepareLimits = Object.freeze({
  fileBytes: 64 * MIB,
  deadlineMs: 60_000,
  rssBytes: 1024 * MIB,
  heapBytes: 512 * MIB,
  planBytes: 8 * MIB,
  growthFactor: 4,
  modules: 256,
  stderrBytes: 16 * 1024,
});

/** Room for what the wasip1 adapter adds to the smallest module. */
const ADAPTER_ROOM_BYTES = MIB;

/** Most bytes that all metered core modules of a file of this length may have together. */
export function modulesBytesMax(fileBytes: number, limits: PrepareLimits): number {
  return fileBytes * limits.growthFactor + ADAPTER_ROOM_BYTES;
}
