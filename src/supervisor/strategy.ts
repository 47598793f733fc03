/** Which children a supervisor restarts when one of them has ended. */

/** The strategies, as OTP has them. */
export const STRATEGIES = ['one_for_one', 'one_for_all', 'rest_for_one'] as const;

/**
 * Which children are restarted when one is: `one_for_one` it alone, `one_for_all` all of them,
 * `rest_for_one` it and those that were started after it.
 */
export type Strategy = (typeof STRATEGIES)[number];

/** Whether children depend on those before them: they are stopped and started in order then. */
export const isOrdered = (strategy: Strategy): boolean => strategy !== 'one_for_one';

/** Whether a child is restarted with the one that has ended; both by their place in the start order. */
export function isAffected(strategy: Strategy, place: number, ended: number): boolean {
  switch (strategy) {
    case 'one_for_one':
      return place === ended;
    case 'one_for_all':
      return true;
    case 'rest_for_one':
      return place >= ended;
  }
}
