/** How often a supervisor restarts children before it gives up: a window that slides with the time. */

/** The most restarts in any span of a length. */
export interface Intensity {
  /** Restarts of all children together; one more in the same period ends the supervisor. */
  readonly intensity: number;
  readonly periodMs: number;
}

/** The reference's budget. */
export const DEFAULT_INTENSITY: Intensity = { intensity: 5, periodMs: 60_000 };

/** Restarts whose times are kept: {@link Intensity.intensity} can be no more. */
export const INTENSITY_MAX = 10_000;

/**
 * The times of the restarts in the period that ends now, with one more now; null: that is one too many.
 * As in OTP, one that is exactly a period ago still counts.
 *
 * @param timesMs in their order
 */
export function withRestart(
  timesMs: readonly number[],
  nowMs: number,
  { intensity, periodMs }: Intensity,
): readonly number[] | null {
  const lately = timesMs.filter((timeMs) => nowMs - timeMs <= periodMs);
  return lately.length >= intensity ? null : [...lately, nowMs];
}
