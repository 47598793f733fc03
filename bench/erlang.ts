/** What Erlang takes for the same work, measured by itself: kernel.escript. */

import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const SCRIPT = fileURLToPath(new URL('kernel.escript', import.meta.url));
const DEADLINE_MS = 60_000;

/** Measures once, after it has warmed up. */
export type Work =
  | readonly ['spawns', count: number]
  | readonly ['messages', pairs: number, each: number, bytes: number]
  | readonly ['requests', count: number, bytes: number];

/** In a process of its own: operations a second, and of requests microseconds of each. Null: it isn't installed. */
export function erlang(work: Work): number[] | null {
  try {
    const said = execFileSync('escript', [SCRIPT, ...work.map(String)], {
      encoding: 'utf8',
      timeout: DEADLINE_MS,
    });
    return JSON.parse(said) as number[];
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ENOENT') return null;
    throw error;
  }
}
