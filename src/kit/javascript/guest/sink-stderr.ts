// Where `console` goes in a world without the log: to standard error, as UTF-8.

import { getStderr } from 'wasi:cli/stderr';

/** `blocking-write-and-flush` takes no more at a time (WASI 0.2, `wasi:io/streams`). */
const BYTES_MAX = 4_096;

export function write(_level: string, text: string): void {
  const bytes = utf8(`${text}\n`);
  const stderr = getStderr();
  for (let start = 0; start < bytes.length; start += BYTES_MAX) {
    stderr.blockingWriteAndFlush(bytes.subarray(start, start + BYTES_MAX));
  }
}

/** The small engine has no TextEncoder. */
function utf8(text: string): Uint8Array {
  const escaped = encodeURIComponent(text.toWellFormed());
  const bytes = escaped.match(/%[\dA-F]{2}|[^%]/g) ?? [];
  return Uint8Array.from(bytes, (each) =>
    each.length === 3 ? Number.parseInt(each.slice(1), 16) : each.charCodeAt(0),
  );
}
