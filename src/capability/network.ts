/** What a grant of the network reaches, and how two compare. */

import type { NetworkRule, NetworkScheme, NetworkScope, ReachableClass } from './grant.ts';
import { coversHost } from './host.ts';
import { coversItems, hasItem, type Items, intersectItems, isNone } from './names.ts';
import { isUnderPath, isUnderPrefixOrRoot } from './network-path.ts';

/** Rules of one scope. */
export const NETWORK_RULES_MAX = 1_000;

/** Something that an agent wants to reach or to listen at, before its address is known. */
export interface NetworkTarget {
  readonly scheme: NetworkScheme;
  /** As `canonicalHost` makes it. */
  readonly host: string;
  readonly port: number;
  /** The request's method, as it is sent; null: it is no request, or its method is not asked about. */
  readonly method: string | null;
  /** The path as the URL standard makes it, without the query; null: as for the method. */
  readonly path: string | null;
  /** Whether it is to be listened at. */
  readonly listen: boolean;
}

function ruleReaches(rule: NetworkRule, target: NetworkTarget): boolean {
  return (
    rule.listen === target.listen &&
    rule.schemes.has(target.scheme) &&
    hasItem(rule.ports, target.port) &&
    coversHost(rule.host, target.host) &&
    (target.method === null || hasItem(rule.methods, target.method)) &&
    (target.path === null || isUnderPath(rule.path, target.path))
  );
}

/** Whether a scope reaches a target at some address. */
export function reachesTarget({ rules }: NetworkScope, target: NetworkTarget): boolean {
  return rules.some((rule) => ruleReaches(rule, target));
}

/** The classes of addresses at which scopes reach a target; none where they don't reach it. */
export function reachedAddresses(
  scopes: readonly NetworkScope[],
  target: NetworkTarget,
): ReadonlySet<ReachableClass> {
  return new Set(
    scopes.flatMap(({ rules }) =>
      rules.filter((rule) => ruleReaches(rule, target)).flatMap(({ addresses }) => [...addresses]),
    ),
  );
}

/** The secrets that a scope adds to a request at such addresses, as `NAME:header`. */
export function reachedSecrets(
  { rules }: NetworkScope,
  target: NetworkTarget,
  classes: Iterable<ReachableClass>,
): ReadonlySet<string> {
  const wanted = [...classes];
  return new Set(
    rules
      .filter(
        (rule) => ruleReaches(rule, target) && wanted.every((each) => rule.addresses.has(each)),
      )
      .flatMap(({ secrets }) => [...secrets]),
  );
}

function coversRule(wide: NetworkRule, narrow: NetworkRule): boolean {
  return (
    wide.listen === narrow.listen &&
    coversHost(wide.host, narrow.host) &&
    coversItems(wide.ports, narrow.ports) &&
    coversItems(wide.schemes, narrow.schemes) &&
    coversItems(wide.methods, narrow.methods) &&
    isUnderPrefixOrRoot(wide.path, narrow.path) &&
    coversItems(wide.addresses, narrow.addresses) &&
    coversItems(wide.secrets, narrow.secrets)
  );
}

const setOf = <Item>(items: Items<Item>): ReadonlySet<Item> =>
  items === 'all' ? new Set<Item>() : items;

/** Whether a rule reaches nothing. */
export function isEmptyRule(rule: NetworkRule): boolean {
  return (
    isNone(rule.ports) ||
    isNone(rule.methods) ||
    rule.schemes.size === 0 ||
    rule.addresses.size === 0
  );
}

function intersectRules(one: NetworkRule, other: NetworkRule): NetworkRule | null {
  const host = inner(one.host, other.host, coversHost);
  const path = inner(one.path, other.path, isUnderPrefixOrRoot);
  if (host === null || path === null || one.listen !== other.listen) {
    return null;
  }
  const both: NetworkRule = {
    host,
    path,
    ports: intersectItems(one.ports, other.ports),
    schemes: setOf(intersectItems(one.schemes, other.schemes)),
    methods: intersectItems(one.methods, other.methods),
    addresses: setOf(intersectItems(one.addresses, other.addresses)),
    secrets: setOf(intersectItems(one.secrets, other.secrets)),
    listen: one.listen,
  };
  return isEmptyRule(both) ? null : both;
}

function inner(
  one: string,
  other: string,
  within: (wide: string, narrow: string) => boolean,
): string | null {
  return within(one, other) ? other : within(other, one) ? one : null;
}

const each = <Item>(items: Items<Item>): ('all' | ReadonlySet<Item>)[] =>
  items === 'all' ? ['all'] : [...items].map((item) => new Set([item]));

/**
 * A rule as rules that can't be divided: each of one port, scheme, method and class, or of all of them.
 * Several rules reach all of such a one only if one of them does: each of its parts is a single thing, or
 * has without end many that no list names.
 */
function* atoms(rule: NetworkRule): Generator<NetworkRule> {
  for (const ports of each(rule.ports)) {
    for (const methods of each(rule.methods)) {
      for (const scheme of rule.schemes) {
        for (const address of rule.addresses) {
          const [schemes, addresses] = [new Set([scheme]), new Set([address])];
          for (const secrets of rule.secrets.size === 0 ? [rule.secrets] : each(rule.secrets)) {
            yield { ...rule, ports, methods, schemes, addresses, secrets: setOf(secrets) };
          }
        }
      }
    }
  }
}

const isCovered = (wide: readonly NetworkRule[], narrow: NetworkRule): boolean =>
  wide.some((rule) => coversRule(rule, narrow));

function isCoveredInParts(wide: readonly NetworkRule[], narrow: NetworkRule): boolean {
  if (isCovered(wide, narrow)) {
    return true;
  }
  const near = wide.filter((rule) => intersectRules(rule, narrow) !== null);
  // One alone would have covered it whole.
  return near.length > 1 && [...atoms(narrow)].every((atom) => isCovered(near, atom));
}

/** Rules without those that another one covers. */
function withoutCovered(rules: readonly NetworkRule[]): NetworkRule[] {
  const kept: NetworkRule[] = [];
  for (const rule of rules) {
    if (!isCovered(kept, rule)) {
      kept.push(rule);
    }
  }
  return kept;
}

/** The algebra of scopes of the network: an `Algebra`, as algebra.ts has it. */
export const NETWORK_ALGEBRA = {
  covers: (wide: NetworkScope, narrow: NetworkScope): boolean =>
    narrow.rules.every((rule) => isEmptyRule(rule) || isCoveredInParts(wide.rules, rule)),
  intersect(one: NetworkScope, other: NetworkScope): NetworkScope {
    const rules: NetworkRule[] = [];
    for (const left of one.rules) {
      for (const right of other.rules) {
        const both = intersectRules(left, right);
        if (both !== null) {
          rules.push(both);
        }
        // A scope has no more rules than this: what is left out is not reached.
        if (rules.length === NETWORK_RULES_MAX) {
          return { rules: withoutCovered(rules) };
        }
      }
    }
    return { rules: withoutCovered(rules) };
  },
  isEmpty: ({ rules }: NetworkScope): boolean => rules.every(isEmptyRule),
  without(scope: NetworkScope, part: NetworkScope): NetworkScope {
    const rules = scope.rules.flatMap((rule) => {
      if (isCovered(part.rules, rule)) {
        return [];
      }
      const near = part.rules.filter((taken) => intersectRules(taken, rule) !== null);
      const all = near.length === 0 ? [] : [...atoms(rule)];
      const left = all.filter((atom) => !isCovered(near, atom));
      return left.length === all.length ? [rule] : left;
    });
    return { rules };
  },
};
