/** What every guest of the torture world is asked beside random values, and what it has to answer. */

import { Token, type TortureGuest } from './host.ts';

/** Asks a guest of names, versions, resources and parameters in memory. */
export function answersOf(guest: TortureGuest): Readonly<Record<string, unknown>> {
  const { Counter, make, total, take } = guest.counters;
  const one = new Counter(40);
  const merged = Counter.merge(new Counter(1), one);
  const token = new Token(3);
  return {
    left: guest.left.get({ value: 7 }, 3),
    right: guest.right.get({ value: 'seven' }, 3),
    loaded: [guest.left.load(1), guest.right.load(1)],
    versions: guest.bothVersions(),
    sum: guest.sum(2 ** 30, 5),
    moved: guest.move({ name: 'me' }, { x: 9, type: 0n, label: '' }),
    spilled: guest.pass.spill?.('a', 1n, 'b', 2n, '', 3n, 'd', 4n, '🦀', 5n, 'f', 2n ** 40n),
    counted: [one.add(2), one.value(), merged.value(), one.twin().map((each) => each.value())],
    made: make(Uint32Array.of(1, 2, 3)).map((each) => each.value()),
    total: total(make(Uint32Array.of(4, 5))),
    taken: take(make(Uint32Array.of(6, 7))),
    looked: guest.lending.look([token, token], { first: token, second: undefined }),
    passed: guest.lending.passOn(token) === token,
  };
}

/** The answers. */
export const ANSWERS: ReturnType<typeof answersOf> = {
  left: { value: 10 },
  right: { value: 'seven3' },
  loaded: [2, 3],
  versions: 'one two',
  sum: 2 ** 30 + 5,
  moved: { name: 'me 10' },
  spilled: ['a|b||d|🦀|f', 2n ** 40n + 15n],
  counted: [42, 42, 41, [42, 42]],
  made: [1, 2, 3],
  total: 9,
  taken: 13,
  looked: 9,
  passed: true,
};
