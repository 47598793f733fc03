/**
 * Descriptors of this process that a child would inherit. Node opens its own so that none is, but
 * whoever started this program may have left some, and they lead wherever he left them.
 */

import { closeSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { devNull } from 'node:os';

/** The kernel's O_CLOEXEC. */
const CLOSED_AT_EXEC = 0o2000000;

/** Descriptors from 3 on that are not closed when another program is started; none where nobody says. */
function inheritedDescriptors(): number[] {
  if (process.platform !== 'linux') {
    return [];
  }
  return listed()
    .filter((descriptor) => descriptor > 2 && isInherited(descriptor))
    .sort((one, other) => one - other);
}

/**
 * What stands behind a child's first three in `stdio`, so that it inherits none: `nowhere`, a descriptor of the null
 * device, in the place of each. From 3 on `ignore` leaves what is inherited as it is (libuv).
 */
export function inPlaceOfInherited(
  nowhere: number,
  inherited: readonly number[] = inheritedDescriptors(),
): ('ignore' | number)[] {
  const behind: ('ignore' | number)[] = [];
  for (const descriptor of inherited) {
    while (behind.length < descriptor - 3) {
      behind.push('ignore');
    }
    behind[descriptor - 3] = nowhere;
  }
  return behind;
}

/**
 * Starts a child that inherits none; `start` is given what stands behind its first three in `stdio`.
 *
 * @throws what Node says where there is no descriptor left, and what `start` throws
 */
export function withNoneInherited<Child>(start: (behind: ('ignore' | number)[]) => Child): Child {
  const inherited = inheritedDescriptors();
  if (inherited.length === 0) {
    return start([]);
  }
  const nowhere = openSync(devNull, 'r+');
  try {
    return start(inPlaceOfInherited(nowhere, inherited));
  } finally {
    closeSync(nowhere);
  }
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
