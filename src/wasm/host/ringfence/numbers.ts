/** Ids and durations of the contract, which have 64 bits, as the host counts them. */

/** An id that is too large to be given out is nobody's. */
export const toId = (id: bigint): number =>
  id > BigInt(Number.MAX_SAFE_INTEGER) ? -1 : Number(id);

/** The longest wait that is told apart from waiting for ever, in milliseconds: some 50 days. */
export const WAIT_MS_MAX = 0xffff_ffffn;

/** Milliseconds, cut at the longest that the host waits. */
export const toMilliseconds = (milliseconds: bigint): number =>
  Number(milliseconds < WAIT_MS_MAX ? milliseconds : WAIT_MS_MAX);
