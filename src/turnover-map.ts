/** A map for what comes and goes all the time, and is large. */

interface Place<Value> {
  value: Value | null;
}

/**
 * A Map that lets go of what is deleted from it.
 *
 * V8's own doesn't, where keys come and go: each table that it outgrows points to the next and keeps what
 * it held, so that one old table keeps all later ones, and their values, until a collection of the whole
 * heap. With agents as values it kept a quarter of what each had allocated. Here it keeps empty places.
 */
export class TurnoverMap<Key, Value extends object> {
  readonly #places = new Map<Key, Place<Value>>();

  get size(): number {
    return this.#places.size;
  }

  has(key: Key): boolean {
    return this.#places.has(key);
  }

  get(key: Key): Value | undefined {
    return this.#places.get(key)?.value ?? undefined;
  }

  set(key: Key, value: Value): void {
    const place = this.#places.get(key);
    if (place === undefined) this.#places.set(key, { value });
    else place.value = value;
  }

  delete(key: Key): boolean {
    const place = this.#places.get(key);
    if (place === undefined) return false;
    place.value = null;
    return this.#places.delete(key);
  }

  /** All values, in the order in which their keys were added. */
  values(): Value[] {
    return Array.from(this.#places.values(), ({ value }) => value as Value);
  }
}
