/** What an agent hands down to its children: never more than it has. */

import { RingfenceError } from '../errors.ts';
import { ALGEBRA, type Algebra, isReceiveOnly } from './algebra.ts';
import {
  CAPABILITY_NAME,
  type Grant,
  type GrantId,
  type GrantKind,
  type GrantSpec,
  type IpcScope,
  type NameScope,
  type Scopes,
} from './grant.ts';
import { wordsOfRule } from './network-words.ts';
import { covers, intersect, isEmpty } from './scope.ts';
import type { WantedGrant } from './wanted.ts';

/** A grant for a child, and the parent's grant that it is derived from. */
export interface Attenuated {
  readonly spec: GrantSpec;
  readonly parent: GrantId;
}

/**
 * The most that a child can have of a scope of its parent; null: nothing. It is one generation nearer
 * to the end, and it may always write to the parent itself, who receives by the same grant.
 */
export function handedDown<Kind extends GrantKind>(
  kind: Kind,
  scope: Scopes[Kind],
): Scopes[Kind] | null {
  if (kind === 'ipc') {
    return { ...(scope as IpcScope), parent: true } as Scopes[Kind];
  }
  if (kind === 'spawn') {
    const { depth, ...rest } = scope as Scopes['spawn'];
    const below = { ...rest, depth: depth - 1 } as Scopes[Kind];
    return isEmpty(kind, below) ? null : below;
  }
  return scope;
}

/** A grant of the parent, as its child can have it. */
interface Offer<Kind extends GrantKind> {
  readonly id: GrantId;
  readonly scope: Scopes[Kind];
  readonly expiresAtMs: number | null;
}

const NEVER = Number.POSITIVE_INFINITY;
const expiry = (expiresAtMs: number | null): number => expiresAtMs ?? NEVER;
const laterFirst = (one: number, other: number): number =>
  Number(one < other) - Number(one > other);

/** What the parent's grants of a kind offer, those that last longest first. */
function offersOf<Kind extends GrantKind>(kind: Kind, grants: readonly Grant[]): Offer<Kind>[] {
  return grants
    .filter((grant) => grant.kind === kind)
    .flatMap(({ id, scope, expiresAtMs }) => {
      const below = handedDown(kind, scope as Scopes[Kind]);
      return below === null ? [] : [{ id, scope: below, expiresAtMs }];
    })
    .sort((one, other) => laterFirst(expiry(one.expiresAtMs), expiry(other.expiresAtMs)));
}

/** The child's grant of a part of an offer: it lasts no longer than either. */
function derive(
  kind: GrantKind,
  scope: Scopes[GrantKind],
  expiresAtMs: number | null,
  offer: Offer<GrantKind>,
): Attenuated {
  const until = Math.min(expiry(expiresAtMs), expiry(offer.expiresAtMs));
  const spec = { kind, scope, expiresAtMs: until === NEVER ? null : until } as GrantSpec;
  return { spec, parent: offer.id };
}

/** Whether nothing is left of a scope that was taken out part by part. */
function isUsedUp(kind: GrantKind, scope: Scopes[GrantKind]): boolean {
  return kind === 'ipc' ? isReceiveOnly(scope as IpcScope) : isEmpty<GrantKind>(kind, scope);
}

/** Takes a scope part by part out of several offers; what is left is covered by none. */
function divide(
  { kind, scope, expiresAtMs }: GrantSpec,
  offers: readonly Offer<GrantKind>[],
): { readonly parts: Attenuated[]; readonly left: Scopes[GrantKind] } {
  const algebra = ALGEBRA[kind] as unknown as Algebra<Scopes[GrantKind]>;
  const parts: Attenuated[] = [];
  let left: Scopes[GrantKind] = scope;
  for (const offer of offers) {
    const part = intersect(kind, offer.scope, left);
    const rest = part === null ? undefined : algebra.without?.(left, part);
    // A part that leaves all that it was taken from gives nothing.
    if (part !== null && rest !== undefined && !covers(kind, rest, left)) {
      parts.push(derive(kind, part, expiresAtMs, offer));
      left = rest;
      if (isUsedUp(kind, left)) {
        break;
      }
    }
  }
  return { parts, left };
}

/** Names for an error, quoted and few. */
function few(names: NameScope | ReadonlySet<number>): string {
  if (names === 'all') {
    return 'all';
  }
  const shown = [...names].slice(0, 3).map((name) => JSON.stringify(name).slice(0, 80));
  return names.size > shown.length ? `${shown.join(', ')}, …` : shown.join(', ');
}

/** What of a scope is too wide, in words. */
function tooMuch(spec: GrantSpec): string {
  switch (spec.kind) {
    case 'ipc': {
      const { pids, parent, topics } = spec.scope;
      const parts = [
        ...(pids === 'all' || pids.size > 0 ? [`pids ${few(pids)}`] : []),
        ...(topics === 'all' || topics.size > 0 ? [`topics ${few(topics)}`] : []),
        ...(parent ? ['its parent'] : []),
      ];
      return parts.length === 0 ? 'receiving' : parts.join(' and ');
    }
    case 'network':
      return `hosts ${few(new Set(spec.scope.rules.flatMap(wordsOfRule)))}`;
    case 'tools': {
      const { allow, deny } = spec.scope;
      return allow === 'all' && deny.size > 0
        ? `all tools but ${few(deny)}`
        : `tools ${few(allow)}`;
    }
    case 'services':
      return `services ${few(spec.scope.names)}`;
    case 'spawn': {
      const { count, depth, modules } = spec.scope;
      return `${count} children, ${depth} generations deep, of the modules ${few(modules)}`;
    }
    case 'files': {
      const { guest, modes } = spec.scope;
      const how = modes.write || modes.create ? 'to be written' : 'to be read';
      return `the directory at '${guest}' ${how}`;
    }
    case 'clocks':
      return `${spec.scope.precision} clocks`;
    case 'random':
      return spec.scope.seed === null
        ? "the system's random numbers"
        : 'random numbers of this seed';
  }
}

function tooWide(spec: GrantSpec): RingfenceError {
  const capability = CAPABILITY_NAME[spec.kind];
  return new RingfenceError(
    'RF_CAPABILITY_DENIED',
    `Cannot hand down ${capability} as it is wider than what the parent has: ${tooMuch(spec)}. Ask for less, or grant the parent more.`,
    { kind: spec.kind, capability },
  );
}

/** What nobody asked for is what the parent has of it, if anything. */
function narrowed(want: WantedGrant, offers: readonly Offer<GrantKind>[]): Attenuated[] {
  for (const offer of offers) {
    const scope = intersect(want.kind, offer.scope, want.scope);
    if (scope !== null) {
      return [derive(want.kind, scope, want.expiresAtMs, offer)];
    }
  }
  return [];
}

/** As deep as the parent's children can go, where nobody has said how deep. */
function withDepth(want: WantedGrant, offers: readonly Offer<GrantKind>[]): WantedGrant {
  if (want.kind !== 'spawn' || want.implied !== 'depth') {
    return want;
  }
  const most = Math.max(1, ...offers.map(({ scope }) => (scope as Scopes['spawn']).depth));
  return { ...want, scope: { ...want.scope, depth: Math.min(want.scope.depth, most) } };
}

function attenuateOne(asked: WantedGrant, grants: readonly Grant[]): Attenuated[] {
  const { kind } = asked;
  const offers = offersOf<GrantKind>(kind, grants);
  if (asked.implied === 'scope') {
    return narrowed(asked, offers);
  }
  const want = withDepth(asked, offers);
  const whole = offers.find(({ scope }) => covers(kind, scope, want.scope));
  if (whole !== undefined) {
    return [derive(kind, want.scope, want.expiresAtMs, whole)];
  }
  const { parts, left } = divide(want, offers);
  if (parts.length === 0 || !isUsedUp(kind, left)) {
    throw tooWide({ ...want, scope: left } as GrantSpec);
  }
  return parts;
}

/**
 * Derives a child's grants from those of its parent that are in force.
 *
 * Each is covered by one of the parent's, or, where a scope is a set of names or pids, divided over
 * several. It expires no later than what it is derived from. What nobody asked for is narrowed to what
 * the parent has.
 *
 * @throws {RingfenceError} `RF_CAPABILITY_DENIED` for what is wider.
 */
export function attenuate(
  parentGrants: readonly Grant[],
  wanted: readonly WantedGrant[],
): Attenuated[] {
  return wanted
    .filter(({ kind, scope }) => !isEmpty(kind, scope))
    .flatMap((want) => attenuateOne(want, parentGrants));
}
