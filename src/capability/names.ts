/** The algebra of names and pids: all of them, or a set. */

/** All items, or a set of them. An empty set reaches nothing. */
export type Items<Item> = 'all' | ReadonlySet<Item>;

/** Whether a set has a name, or is all of them. */
export function hasItem<Item>(items: Items<Item>, wanted: Item): boolean {
  return items === 'all' || items.has(wanted);
}

/** Whether there is nothing in it. */
export function isNone<Item>(items: Items<Item>): boolean {
  return items !== 'all' && items.size === 0;
}

/** Whether each item of the narrow ones is reached by the wide ones. */
export function coversItems<Item>(wide: Items<Item>, narrow: Items<Item>): boolean {
  if (wide === 'all' || narrow === 'all') {
    return wide === 'all';
  }
  for (const item of narrow) {
    if (!hasItem(wide, item)) {
      return false;
    }
  }
  return true;
}

/** What both reach. */
export function intersectItems<Item>(one: Items<Item>, other: Items<Item>): Items<Item> {
  if (one === 'all' || other === 'all') {
    return one === 'all' ? other : one;
  }
  const both = new Set<Item>();
  for (const item of one) {
    if (hasItem(other, item)) {
      both.add(item);
    }
  }
  for (const item of other) {
    if (hasItem(one, item)) {
      both.add(item);
    }
  }
  return both;
}

/** What is left when what others reach is taken out. All but a few can't be said: it stays all. */
export function withoutItems<Item>(items: Items<Item>, taken: Items<Item>): Items<Item> {
  if (taken === 'all') {
    return new Set();
  }
  if (items === 'all') {
    return items;
  }
  return new Set([...items].filter((item) => !hasItem(taken, item)));
}
