/** Scopes of every kind for property tests, and what they mean: the single things that one reaches. */

import * as fc from 'fast-check';
import { schemasOf, withNarrowed } from '../../src/capability/arguments.ts';
import type {
  FilesScope,
  GrantKind,
  NameScope,
  NetworkRule,
  Scopes,
} from '../../src/capability/grant.ts';
import { reachedAddresses, reachedSecrets } from '../../src/capability/network.ts';
import { reachesName, reachesPid, reachesTool, reachesTopic } from '../../src/capability/scope.ts';
import { compileSchema, type Validator } from '../../src/json-schema/validator.ts';

/** Something that a scope of the kind reaches, or does not. */
export interface Point<Kind extends GrantKind> {
  readonly name: string;
  readonly reachedBy: (scope: Scopes[Kind]) => boolean;
}

const NAMES = ['a', 'b', 'c'] as const;
/** In no generated set: only who has all reaches it. */
const STRANGER = 'zz';
const PIDS = [1, 2, 3] as const;
const STRANGE_PID = 99;
const MODULES = ['m', 'n'] as const;
const SEEDS = ['s', 't'] as const;
const PATHS = ['/', '/data', '/data2', '/data/x', '/data/x/y', '/data/xy', '/b'] as const;
const AMOUNTS = [1, 10, 100, 1_000_000] as const;

/** Schemas of arguments that have nothing to do with each other: all that can be proved of two is equality. */
const SCHEMAS = ['{"required":["s"]}', '{"required":["t"]}'] as const;
/** Arguments, by the schemas that they fit. */
const ARGUMENTS = [{}, { s: 1 }, { t: 1 }, { s: 1, t: 1 }] as const;

const combine = <One, Other>(ones: readonly One[], others: readonly Other[]): [One, Other][] =>
  ones.flatMap((one) => others.map((other): [One, Other] => [one, other]));

const sets = <Item>(items: readonly Item[]) =>
  fc.subarray([...items]).map((chosen): ReadonlySet<Item> => new Set(chosen));
const allOr = <Item>(items: readonly Item[]) =>
  fc.oneof(
    { weight: 1, arbitrary: fc.constant('all' as const) },
    { weight: 3, arbitrary: sets(items) },
  );
const names: fc.Arbitrary<NameScope> = allOr(NAMES);
const quotas = fc.constantFrom(0, 1, 10, 100);

/** Rules as they are read: sockets have no methods and no path, an address is of its own class. */
const networkRules: fc.Arbitrary<NetworkRule> = fc
  .record({
    host: fc.constantFrom('*', '*.b', 'a.b', '127.0.0.1'),
    ports: allOr([80]),
    schemes: sets(['https', 'tcp'] as const),
    methods: allOr(['GET']),
    path: fc.constantFrom('/', '/v', '/v/w'),
    addresses: sets(['public', 'loopback'] as const),
    secrets: sets(['S:h', 'T:h']),
    listen: fc.boolean(),
  })
  .map((rule) => ({
    ...rule,
    ...(rule.host === '127.0.0.1' ? { addresses: new Set(['loopback'] as const) } : {}),
    ...(rule.listen || rule.schemes.has('tcp') ? { methods: 'all' as const, path: '/' } : {}),
    ...(rule.listen ? { schemes: new Set(['tcp'] as const) } : {}),
    ...(rule.listen || rule.schemes.has('tcp') ? { secrets: new Set<string>() } : {}),
  }));

export const SCOPES: { readonly [Kind in GrantKind]: fc.Arbitrary<Scopes[Kind]> } = {
  ipc: fc.record({ pids: allOr(PIDS), parent: fc.boolean(), topics: names }),
  network: fc.record({ rules: fc.array(networkRules, { maxLength: 3 }) }),
  tools: fc
    .record({
      allow: names,
      deny: sets(NAMES),
      narrowed: fc.subarray(combine(NAMES, SCHEMAS).map(([tool, schema]) => ({ tool, schema }))),
    })
    .map(({ narrowed, ...scope }) => withNarrowed(scope, narrowed)),
  services: fc.record({ names }),
  spawn: fc.record({
    count: fc.integer({ min: 0, max: 3 }),
    modules: allOr(MODULES),
    depth: fc.integer({ min: 0, max: 3 }),
  }) as fc.Arbitrary<Scopes['spawn']>,
  files: fc.record({
    guest: fc.constantFrom('/', '/in'),
    source: fc.oneof(
      fc.constantFrom(...PATHS).map((path) => ({ kind: 'host', path }) as const),
      fc.constant({ kind: 'memory' } as const),
    ),
    modes: fc.record({ write: fc.boolean(), create: fc.boolean() }),
    quota: fc.record({ bytes: quotas, files: quotas }),
  }) as fc.Arbitrary<Scopes['files']>,
  clocks: fc.record({ precision: fc.constantFrom('coarse', 'exact') }),
  random: fc.record({ seed: fc.constantFrom(null, ...SEEDS) }),
};

/** A pid that is the parent's, too: no scope says that a pid is reached where it is the parent's. */
const BY_CHANCE = 'the parent is pid';
const PARENTS = [0, ...PIDS, STRANGE_PID];

const ipc: Point<'ipc'>[] = [
  // Whoever has the grant may.
  { name: 'receive', reachedBy: () => true },
  ...combine([...PIDS, STRANGE_PID, 0], PARENTS).map(([pid, parent]) => ({
    name:
      pid === parent && pid !== STRANGE_PID
        ? `${BY_CHANCE} ${pid}`
        : `pid ${pid}, parent ${parent}`,
    reachedBy: (scope: Scopes['ipc']) => reachesPid(scope, pid, parent),
  })),
  ...[...NAMES, STRANGER].map((topic) => ({
    name: `topic ${topic}`,
    reachedBy: (scope: Scopes['ipc']) => reachesTopic(scope, topic),
  })),
];

/** Whether a path is the directory's own or beneath it: an own reading of it, by its segments. */
function isBeneath(directory: string, path: string): boolean {
  const above = directory.split('/').filter((segment) => segment !== '');
  const segments = path.split('/').filter((segment) => segment !== '');
  return above.every((segment, index) => segments[index] === segment);
}

const withinQuota = (quota: number, amount: number) => quota === 0 || amount <= quota;

const files: Point<'files'>[] = combine(
  combine(['memory', ...PATHS, '/data/new', '/data2/new', '/new'], ['read', 'write', 'create']),
  combine(AMOUNTS, AMOUNTS),
).map(([[place, act], [bytes, entries]]) => ({
  name: `${act} ${bytes} bytes and ${entries} files in ${place}`,
  reachedBy: ({ source, modes, quota }: FilesScope) =>
    (source.kind === 'memory'
      ? place === 'memory'
      : place !== 'memory' && isBeneath(source.path, place)) &&
    (act === 'read' || modes[act as 'write' | 'create']) &&
    withinQuota(quota.bytes, bytes) &&
    withinQuota(quota.files, entries),
}));

const spawn: Point<'spawn'>[] = combine([...MODULES, STRANGER], combine([1, 2, 3], [1, 2, 3])).map(
  ([module, [child, generation]]) => ({
    name: `${module} as child ${child} in generation ${generation}`,
    reachedBy: ({ count, modules, depth }: Scopes['spawn']) =>
      reachesName(modules, module) && child <= count && generation <= depth,
  }),
);

const acts = [
  ...combine(['GET', 'DELETE'], ['/zz', '/v', '/v/w']).map(([method, path]) => ({
    scheme: 'https' as const,
    method,
    path,
    listen: false,
  })),
  ...[true, false].map((listen) => ({ scheme: 'tcp' as const, method: null, path: null, listen })),
];

const targets = combine(
  [
    ...combine(['a.b', 'zz.b', STRANGER], ['public', 'loopback'] as const),
    ['127.0.0.1', 'loopback'] as const,
  ],
  combine([80, 9], acts),
);

const network: Point<'network'>[] = targets.flatMap(([[host, address], [port, act]]) => [
  {
    name: `${host}:${port} at ${address}: ${JSON.stringify(act)}`,
    reachedBy: (scope: Scopes['network']) =>
      reachedAddresses([scope], { host, port, ...act }).has(address),
  },
  ...['S:h', 'T:h'].map((secret) => ({
    name: `${host}:${port} at ${address} with ${secret}: ${JSON.stringify(act)}`,
    reachedBy: (scope: Scopes['network']) =>
      reachedSecrets(scope, { host, port, ...act }, [address]).has(secret),
  })),
]);

/** An own reading of what a schema takes: by the engine that calls are checked with. */
const VALIDATORS: Readonly<Record<string, Validator>> = Object.fromEntries(
  SCHEMAS.map((schema) => [schema, compileSchema(JSON.parse(schema))]),
);

/** All that can be told apart by the generated scopes. */
export const POINTS: { readonly [Kind in GrantKind]: readonly Point<Kind>[] } = {
  ipc,
  network,
  tools: combine([...NAMES, STRANGER], ARGUMENTS).map(([tool, args]) => ({
    name: `${tool} with ${JSON.stringify(args)}`,
    reachedBy: (scope) =>
      reachesTool(scope, tool) &&
      schemasOf(scope, tool).every((schema) => VALIDATORS[schema]?.(args) === null),
  })),
  services: [...NAMES, STRANGER].map((service) => ({
    name: service,
    reachedBy: (scope) => reachesName(scope.names, service),
  })),
  spawn,
  files,
  clocks: (['coarse', 'exact'] as const).map((precision) => ({
    name: precision,
    reachedBy: (scope) => precision === 'coarse' || scope.precision === 'exact',
  })),
  // Who has the system's may be given any sequence; who has a sequence, this one.
  random: [null, ...SEEDS].map((seed) => ({
    name: seed ?? 'system',
    reachedBy: (scope) => scope.seed === null || scope.seed === seed,
  })),
};

/** The points that a scope reaches, by name. */
export function reached<Kind extends GrantKind>(
  kind: Kind,
  scope: Scopes[Kind] | null,
): ReadonlySet<string> {
  const points: readonly Point<Kind>[] = POINTS[kind];
  return new Set(
    scope === null ? [] : points.filter((point) => point.reachedBy(scope)).map(({ name }) => name),
  );
}

/** Without the points of which a scope can't say that they are both of two things. */
export const withoutChance = (points: ReadonlySet<string>): Set<string> =>
  new Set([...points].filter((name) => !name.startsWith(BY_CHANCE)));

export const isSubset = (one: ReadonlySet<string>, other: ReadonlySet<string>): boolean =>
  [...one].every((name) => other.has(name));

export const inBoth = (one: ReadonlySet<string>, other: ReadonlySet<string>): Set<string> =>
  new Set([...one].filter((name) => other.has(name)));
