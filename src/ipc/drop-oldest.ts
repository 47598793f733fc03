/** A bound for what is remembered of others: for one more, what is known the longest goes. */

/** Drops the oldest entry of a map that has more than `most`. */
export function dropOldest<Value>(map: Map<number, Value>, most: number): void {
  if (map.size > most) {
    for (const oldest of map.keys()) {
      map.delete(oldest);
      return;
    }
  }
}
