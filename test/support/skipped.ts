/** What a skipped test says of the machine that it is skipped on. */

import { hostMountsSupported } from '../../src/wasm/host/files/root.ts';

/** The title of a test, and why it is skipped; `why` null: it is not. */
export const titled = (title: string, why: string | null): string =>
  why === null ? title : `${title} (skipped: ${why})`;

/** Why no directory of this machine can be mounted; null: one can. */
export const WHY_NO_MOUNTS = hostMountsSupported ? null : 'directories are mounted on Linux only';
