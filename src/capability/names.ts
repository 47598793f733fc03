/** The algebra of names and pids: all of them, or a set; and of hosts, where `host` means each of its ports. */

/** All items, or a set of them. An empty set reaches nothing. */
export type Items<Item> = 'all' | ReadonlySet<Item>;

/** Whether items reach one; how it is asked makes the difference between names and hosts. */
export type Reaches<Item> = (items: Items<Item>, wanted: Item) => boolean;

/** Whether a set has a name, or is all of them. */
export function hasItem<Item>(items: Items<Item>, wanted: Item): boolean {
  return items === 'all' || items.has(wanted);
}

/** `host:port`, where the host is no bare IPv6 address: that stands in brackets. */
const HOST_AND_PORT = /^(\[[^\]]*\]|[^:]*):\d{1,5}$/;

/** As {@link hasItem}, and `host` reaches `host:port`. */
export function hasHost(hosts: Items<string>, wanted: string): boolean {
  if (hasItem(hosts, wanted)) {
    return true;
  }
  const host = HOST_AND_PORT.exec(wanted)?.[1];
  return host !== undefined && hasItem(hosts, host);
}

/** Whether there is nothing in it. */
export function isNone<Item>(items: Items<Item>): boolean {
  return items !== 'all' && items.size === 0;
}

/** Whether each item of the narrow ones is reached by the wide ones. */
export function coversItems<Item>(
  wide: Items<Item>,
  narrow: Items<Item>,
  reaches: Reaches<Item> = hasItem,
): boolean {
  if (wide === 'all' || narrow === 'all') {
    return wide === 'all';
  }
  for (const item of narrow) {
    if (!reaches(wide, item)) {
      return false;
    }
  }
  return true;
}

/** What both reach. */
export function intersectItems<Item>(
  one: Items<Item>,
  other: Items<Item>,
  reaches: Reaches<Item> = hasItem,
): Items<Item> {
  if (one === 'all' || other === 'all') {
    return one === 'all' ? other : one;
  }
  const both = new Set<Item>();
  for (const item of one) {
    if (reaches(other, item)) {
      both.add(item);
    }
  }
  for (const item of other) {
    if (reaches(one, item)) {
      both.add(item);
    }
  }
  return both;
}

/** What is left when what others reach is taken out. All but a few can't be said: it stays all. */
export function withoutItems<Item>(
  items: Items<Item>,
  taken: Items<Item>,
  reaches: Reaches<Item> = hasItem,
): Items<Item> {
  if (taken === 'all') {
    return new Set();
  }
  if (items === 'all') {
    return items;
  }
  return new Set([...items].filter((item) => !reaches(taken, item)));
}
