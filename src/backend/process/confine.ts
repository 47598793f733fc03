/**
 * Limits that the system itself keeps for an agent's process: what a guest that has taken it over still
 * can't pass. They are set from outside, on a process that runs and has seen nothing of a guest yet.
 */

import { execFile } from 'node:child_process';
import type { Limits } from '../../resource/limits.ts';

const MIB = 1024 * 1024;

/**
 * Memory of the process that can be written, beside its agent's: Node and V8 reserve 570 MiB before
 * anything runs, 512 of them for compiled code, and then their heap, stacks and compilers.
 */
const DATA_BASE_BYTES = 1536 * MIB;

/** Physical memory beside the agent's: Node takes 60 MiB, its heap and compiled code the rest. */
const RESIDENT_BASE_BYTES = 640 * MIB;

/** Copies that are made, at the most, of what the host holds for an agent on its way. */
const COPIES_OF_HELD = 4;

/** Bytes that V8 takes for a byte of a module, when both its compilers have had it. */
const CODE_PER_BYTE = 32;

/** CPU time of the whole process for each of the agent's own: compilers run beside it… */
const CPU_TIMES = 2;
/** …and Node has to start. */
const CPU_BASE_MS = 5_000;

/** Descriptors: Node has some 25 open. */
const DESCRIPTORS = 64;

/** Threads: Node has some 12. Only where they are counted for the process alone. */
const THREADS = 64;

/** How long setting the limits may take. */
const CONFINE_MS_MAX = 10_000;

/** What the process as a whole may take; null: no limit. */
export interface ProcessBounds {
  readonly residentBytes: number | null;
  readonly dataBytes: number | null;
  readonly cpuTimeMs: number | null;
}

/** None but those that every process has. */
export const UNBOUNDED: ProcessBounds = { residentBytes: null, dataBytes: null, cpuTimeMs: null };

/** The bounds of a process for the limits of its agent: what an agent within them never reaches. */
export function boundsFor(
  limits: Limits,
  { modules }: { readonly modules: readonly Uint8Array[] },
): ProcessBounds {
  const { memoryBytes, hostBytes, cpuTimeMs } = limits;
  const unlimited = memoryBytes === 0 || hostBytes === 0;
  const code = modules.reduce((sum, { length }) => sum + length, 0) * CODE_PER_BYTE;
  const own = memoryBytes + hostBytes * COPIES_OF_HELD + code;
  return {
    residentBytes: unlimited ? null : RESIDENT_BASE_BYTES + own,
    dataBytes: unlimited ? null : DATA_BASE_BYTES + own,
    cpuTimeMs: cpuTimeMs === 0 ? null : cpuTimeMs * CPU_TIMES + CPU_BASE_MS,
  };
}

/**
 * Has `prlimit` set them. Answers whether it did. Never rejects.
 *
 * @param command `prlimit`, with what is started before it
 */
export function confine(
  command: readonly string[],
  systemPid: number,
  bounds: ProcessBounds,
  countedAlone: boolean,
): Promise<boolean> {
  const limits: readonly (readonly [name: string, most: number | null])[] = [
    ['core', 0],
    ['fsize', 0],
    ['memlock', 0],
    ['msgqueue', 0],
    ['rtprio', 0],
    ['nofile', DESCRIPTORS],
    ['nproc', countedAlone ? THREADS : null],
    ['data', bounds.dataBytes],
    // The watch ends it before; this is for when nobody watches any more.
    ['cpu', bounds.cpuTimeMs === null ? null : Math.ceil(bounds.cpuTimeMs / 1000) + 5],
  ];
  const given = limits.flatMap(([name, most]) => (most === null ? [] : [`--${name}=${most}`]));
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const [file = '', ...before] = command;
  try {
    execFile(
      file,
      [...before, '--pid', String(systemPid), ...given],
      { env: {}, cwd: '/', timeout: CONFINE_MS_MAX, killSignal: 'SIGKILL' },
      (error) => resolve(error === null),
    );
  } catch {
    // The system has no process left for it.
    resolve(false);
  }
  return promise;
}
