// Messages to oneself, later.

import * as host from 'ringfence:agent/timers';
import { u64 } from 'ringfence/javascript/engine';
import { attempt } from './errors.ts';
import { lowerPayload, type Payload } from './payload.ts';

/** Messages to oneself, later: each arrives as `timer`, under the number that is answered. */
export const timers = {
  after(milliseconds: number, payload: Payload = ''): number {
    const text = lowerPayload(payload);
    return Number(attempt(() => host.after(u64(milliseconds), text)));
  },
  every(milliseconds: number, payload: Payload = ''): number {
    const text = lowerPayload(payload);
    return Number(attempt(() => host.every(u64(milliseconds), text)));
  },
  cancel(timer: number): void {
    attempt(() => host.cancel(u64(timer)));
  },
} as const;
