/** `ringfence:agent/timers`: not offered yet; each call says so. */

import type { Functions } from '../generated/ringfence-agent-timers.ts';
import { implement } from '../implement.ts';
import { unavailable } from './errors.ts';

export const timers = implement<Functions>('ringfence:agent/timers', null, {
  after: unavailable,
  every: unavailable,
  cancel: unavailable,
});
