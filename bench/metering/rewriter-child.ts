/**
 * What runs in a process of its own: rewrites a small module to get warm, then a large one (if there is
 * one), and says how long that took and what the process's memory was at its highest.
 */

import { existsSync, readFileSync } from 'node:fs';
import { METERED } from './subjects.ts';

const ROUNDS = 5;

/** Its standard output, as JSON. */
export interface RewriterUsage {
  /** The first time in the process, and the least of some; 0 where there is no large module. */
  readonly firstMs: number;
  readonly leastMs: number;
  /** The process's highest resident memory until after the first time. */
  readonly peakBytes: number;
}

/** Not copied, as the copy would be counted. */
function read(path: string): Uint8Array<ArrayBuffer> {
  const { buffer, byteOffset, length } = readFileSync(path);
  return new Uint8Array(buffer, byteOffset, length);
}

/** Of this program; what getrusage says may be of the process that forked it. */
function peakBytes(): number {
  const status = '/proc/self/status';
  const found = existsSync(status) && /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(status, 'utf8'));
  return (found ? Number(found[1]) : process.resourceUsage().maxRSS) * 1024;
}

function timed(bytes: Uint8Array<ArrayBuffer>): number {
  const started = performance.now();
  METERED.build(bytes);
  return performance.now() - started;
}

function run([warmup, large]: readonly string[]): RewriterUsage {
  METERED.build(read(warmup!));
  const bytes = large === undefined ? null : read(large);
  const firstMs = bytes === null ? 0 : timed(bytes);
  const peak = peakBytes();
  const more = bytes === null ? [0] : Array.from({ length: ROUNDS }, () => timed(bytes));
  return { firstMs, leastMs: Math.min(...more), peakBytes: peak };
}

if (import.meta.main) {
  console.log(JSON.stringify(run(process.argv.slice(2))));
}
