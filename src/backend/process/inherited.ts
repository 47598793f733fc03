/**
 * Descriptors of this process that a child would inherit. Node opens its own so that none is, but
 * whoever started this program may have left some, and they lead wherever he left them.
 */

import { readdirSync, readFileSync } from 'node:fs';

/** The kernel's O_CLOEXEC. */
const CLOSED_AT_EXEC = 0o2000000;

/** Descriptors from 3 on that are not closed when another program is started; none where nobody says. */
export function inheritedDescriptors(): number[] {
  if (process.platform !== 'linux') {
    return [];
  }
  return listed().filter((descriptor) => descriptor > 2 && isInherited(descriptor));
}

function listed(): number[] {
  try {
    return readdirSync('/proc/self/fdinfo').map(Number);
  } catch {
    return [];
  }
}

function isInherited(descriptor: number): boolean {
  try {
    const info = readFileSync(`/proc/self/fdinfo/${descriptor}`, 'latin1');
    const flags = /^flags:\s+([0-7]+)$/m.exec(info)?.[1];
    return flags !== undefined && (Number.parseInt(flags, 8) & CLOSED_AT_EXEC) === 0;
  } catch {
    // It was the one that the list was read by.
    return false;
  }
}
