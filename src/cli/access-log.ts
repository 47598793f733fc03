/** What `ringfence serve` says of each request: a line for people, or one of JSON. */

import type { ServedRequest } from '../index.ts';
import { printableJson, printableLine } from './printable.ts';

/** Characters of a path that are shown. */
const PATH_CHARACTERS_MAX = 256;

/** One line for people: `GET /path 200 12 bytes 3.1 ms`. */
export function lineOf(request: ServedRequest): string {
  const { method, path, status, bytes, durationMs, problem } = request;
  const shownPath =
    path.length > PATH_CHARACTERS_MAX ? `${path.slice(0, PATH_CHARACTERS_MAX)}…` : path;
  const said = `${method} ${shownPath} ${status ?? '-'} ${bytes} bytes ${durationMs.toFixed(1)} ms`;
  return printableLine(problem === null ? said : `${said}: ${problem}`);
}

/** The same as a line of JSON; keys never change their meaning. */
export function jsonOf(request: ServedRequest): string {
  const { method, path, status, bytes, durationMs, pid, problem } = request;
  return printableJson({
    event: 'request',
    method,
    path: path.slice(0, PATH_CHARACTERS_MAX),
    status,
    bytes,
    duration_ms: Math.round(durationMs * 1_000) / 1_000,
    pid,
    problem,
  });
}
