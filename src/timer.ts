/** What Node's timers can do. */

/**
 * The longest that a timer can wait, in milliseconds: some 24.8 days. Node takes anything longer for 1 ms
 * (https://nodejs.org/api/timers.html#settimeoutcallback-delay-args), so times that are given are held to it.
 */
export const TIMER_MS_MAX = 0x7fff_ffff;
