/** When a child that has ended is started again: its restart type, and how it ended. */

import type { ExitReason } from '../process/exit.ts';

/** The restart types, as OTP has them. */
export const RESTART_TYPES = ['permanent', 'transient', 'temporary'] as const;

/**
 * When a child that has ended by itself is started again: `permanent` always, `transient` when it ended
 * in any other way than normally, `temporary` never.
 *
 * The reference has a *strategy* `Permanent` that never restarts anything: that is `temporary` here.
 */
export type RestartType = (typeof RESTART_TYPES)[number];

/** Only who returned ok, or exited with ok, has ended normally: who was killed has not. */
export const isNormal = (reason: ExitReason): boolean => reason === 'normal';

/** Whether a child that has ended by itself is started again. */
export function isRestarted(type: RestartType, endedNormally: boolean): boolean {
  switch (type) {
    case 'permanent':
      return true;
    case 'transient':
      return !endedNormally;
    case 'temporary':
      return false;
  }
}
