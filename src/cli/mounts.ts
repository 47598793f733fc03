/** `--dir` and `--tmpfs`: directories as they are written on the command line. */

import { type GrantsInput, parseGrants, parseSize, RingfenceError } from '../index.ts';
import { quoted } from './printable.ts';

/** A directory that is mounted for the guest. */
export type Mount = NonNullable<GrantsInput['files']>[number];

function wrong(option: string, text: string, why: string): RingfenceError {
  return new RingfenceError('RF_USAGE', `Cannot use ${option} ${quoted(text)}: ${why}.`, {
    option,
  });
}

/** What is read here is read again with all others; only now is it known what it was written as. */
function requireUsable(option: string, text: string, mount: Mount): Mount {
  try {
    parseGrants({ files: [mount] });
    return mount;
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw wrong(option, text, message.replace(/^Cannot use the grant '[^']*': |\.$/g, ''));
  }
}

/**
 * Reads `HOST::GUEST`, with `:ro` or `:rw` behind it; `rw` is the default, as in other runtimes.
 *
 * @throws {RingfenceError} `RF_USAGE`
 */
export function readDirectoryOption(text: string): Mount {
  const option = '--dir';
  const mode = /:(ro|rw)$/.exec(text)?.[1];
  const places = mode === undefined ? text : text.slice(0, -3);
  const separator = places.lastIndexOf('::');
  if (separator < 1) {
    throw wrong(option, text, 'write HOST::GUEST or HOST::GUEST:ro, such as data::/data:ro');
  }
  // A mode that is mistyped must not become a part of the name, and the directory be writable.
  if (places.includes(':', separator + 2)) {
    throw wrong(option, text, 'write :ro or :rw behind GUEST, which has no colon');
  }
  return requireUsable(option, text, {
    host: places.slice(0, separator),
    guest: places.slice(separator + 2),
    modes: mode === 'ro' ? ['read'] : ['read', 'write', 'create'],
  });
}

/**
 * Reads `GUEST[:SIZE]`: an empty directory in memory.
 *
 * @throws {RingfenceError} `RF_USAGE`
 */
export function readMemoryDirectoryOption(text: string): Mount {
  const option = '--tmpfs';
  const separator = text.indexOf(':');
  const guest = separator === -1 ? text : text.slice(0, separator);
  let bytes: number | null = null;
  if (separator !== -1) {
    try {
      bytes = parseSize(text.slice(separator + 1));
    } catch {
      bytes = 0;
    }
    if (bytes === 0) {
      throw wrong(option, text, 'write GUEST or GUEST:SIZE, such as /tmp:64MiB');
    }
  }
  return requireUsable(option, text, {
    memory: true,
    guest,
    ...(bytes === null ? {} : { quota: { bytes } }),
  });
}
