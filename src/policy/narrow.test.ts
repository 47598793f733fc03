import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { SCOPES } from '../../test/support/scopes.ts';
import { GRANT_KINDS, type GrantKind, type GrantSpec } from '../capability/grant.ts';
import { type GrantsInput, parseGrants } from '../capability/input.ts';
import { covers } from '../capability/scope.ts';
import { DEFAULT_LIMITS } from '../resource/limits.ts';
import { NO_FEATURES } from '../wasm/metering/features.ts';
import { narrow, type Permissions, type Wanted } from './narrow.ts';

const permissions = (grants: GrantsInput, more: Partial<Permissions> = {}): Permissions => ({
  grants: parseGrants(grants),
  limits: DEFAULT_LIMITS,
  isolation: 'shared',
  features: NO_FEATURES,
  environment: {},
  config: {},
  ...more,
});

/** What is left of some grants, by kind. */
function left(grants: GrantsInput, wanted: GrantsInput, more: Wanted & { widen?: boolean } = {}) {
  const { widen = false, ...others } = more;
  const given = narrow(permissions(grants), { grants: wanted, ...others }, { widen });
  const of = <Kind extends GrantKind>(kind: Kind) =>
    given.grants.filter((spec): spec is GrantSpec<Kind> => spec.kind === kind);
  return { of, kinds: [...new Set(given.grants.map(({ kind }) => kind))] };
}

const usage = (name: string) =>
  expect.objectContaining({ code: 'RF_USAGE', fields: expect.objectContaining({ name }) });

describe('grants', () => {
  test('what is not spoken of stays', () => {
    const { kinds, of } = left({ ipc: 'all', tools: ['a', 'b'] }, { tools: ['a'] });
    expect(kinds).toEqual(['ipc', 'tools', 'clocks', 'random']);
    expect(of('tools')).toEqual([
      { kind: 'tools', scope: { allow: new Set(['a']), deny: new Set() }, expiresAtMs: null },
    ]);
  });

  test('a kind that is spoken of is exactly so, and may be nothing', () => {
    expect(left({ ipc: 'all', tools: ['a'] }, { tools: [] }).kinds).not.toContain('tools');
    expect(left({ ipc: 'all', tools: ['a'] }, { ipc: 'none' }).kinds).not.toContain('ipc');
  });

  test.each<[GrantKind, GrantsInput, GrantsInput, GrantsInput]>([
    ['ipc', { ipc: { pids: [3] } }, { ipc: { pids: [3] } }, { ipc: { pids: [3, 4] } }],
    ['network', { network: ['h'] }, { network: ['h:80'] }, { network: 'all' }],
    [
      'tools',
      { tools: { allow: 'all', deny: ['x'] } },
      { tools: { allow: 'all', deny: ['x'] } },
      { tools: 'all' },
    ],
    ['services', { services: ['s'] }, { services: ['s'] }, { services: ['t'] }],
    ['spawn', { spawn: 3 }, { spawn: 2 }, { spawn: 4 }],
    ['clocks', {}, { clocks: 'coarse' }, { clocks: 'exact' }],
    ['random', { random: { seed: 's' } }, { random: { seed: 's' } }, { random: 'system' }],
    [
      'files',
      { files: [{ host: '/data', guest: '/a' }] },
      { files: [{ host: '/data/in', guest: '/b' }] },
      { files: [{ host: '/data2', guest: '/a' }] },
    ],
  ])('%s: less is taken, more is refused unless it is said', (kind, there, less, more) => {
    expect(left(there, less).kinds).toContain(kind);
    expect(() => left(there, more)).toThrow(usage(kind));
    expect(left(there, more, { widen: true }).of(kind)).toEqual(
      parseGrants(more)
        .filter((spec) => spec.kind === kind)
        .map(({ scope, expiresAtMs }) => ({ kind, scope, expiresAtMs })),
    );
  });

  test('an expiry without a kind that it is of is refused, as nothing would expire', () => {
    const there: GrantsInput = { tools: ['a'] };
    expect(() => left(there, { expires: 5 })).toThrow(usage('expires'));
    expect(left(there, { tools: ['a'], expires: 5 }).of('tools')).toMatchObject([
      { expiresAtMs: 5 },
    ]);
  });

  test('a kind that the policy does not give is more', () => {
    expect(() => left({}, { ipc: 'parent_only' })).toThrow(usage('ipc'));
    expect(left({}, { ipc: 'parent_only' }, { widen: true }).kinds).toContain('ipc');
  });

  test('a preset speaks of all that it can have, and of nothing else', () => {
    const there: GrantsInput = {
      preset: 'standard',
      network: ['h'],
      files: [{ memory: true, guest: '/t' }],
    };
    expect(left(there, { preset: 'none' }).kinds).toEqual(['files', 'clocks', 'random']);
    expect(left(there, { preset: 'browser' }).kinds).toEqual([
      'ipc',
      'tools',
      'files',
      'clocks',
      'random',
    ]);
    expect(() => left({ preset: 'browser' }, { preset: 'standard' })).toThrow(usage('ipc'));
  });

  test('a number of children says nothing of their modules and generations', () => {
    const there: GrantsInput = { spawn: { count: 3, modules: ['m'], depth: 2 } };
    const scope = { modules: new Set(['m']), depth: 2 };
    expect(left(there, { spawn: 2 }).of('spawn')).toMatchObject([
      { scope: { ...scope, count: 2 } },
    ]);
    // Not even where it is widened.
    expect(left(there, { spawn: 9 }, { widen: true }).of('spawn')).toMatchObject([
      { scope: { ...scope, count: 9 } },
    ]);
    expect(() => left(there, { spawn: { count: 1, modules: 'all' } })).toThrow(usage('spawn'));
  });

  test('the expiry of the policy stays', () => {
    const expires = 4_000_000_000_000;
    const there: GrantsInput = { tools: ['a'], expires };
    expect(left(there, { tools: ['a'] }).of('tools')).toMatchObject([{ expiresAtMs: expires }]);
    expect(left(there, { tools: ['b'] }, { widen: true }).of('tools')).toMatchObject([
      { expiresAtMs: expires },
    ]);
    expect(left(there, { tools: ['a'], expires: 5 }).of('tools')).toMatchObject([
      { expiresAtMs: 5 },
    ]);
  });

  test('denied tools are denied whatever else is said', () => {
    const there: GrantsInput = { tools: 'all' };
    const deny = (wanted: GrantsInput) => left(there, wanted, { denyTools: ['x'] }).of('tools');
    expect(deny({})).toMatchObject([{ scope: { allow: 'all', deny: new Set(['x']) } }]);
    expect(deny({ tools: ['x', 'y'] })).toMatchObject([
      { scope: { allow: new Set(['x', 'y']), deny: new Set(['x']) } },
    ]);
    expect(left({}, {}, { denyTools: ['x'] }).of('tools')).toEqual([]);
  });
});

describe('directories', () => {
  const scratch = realpathSync(mkdtempSync(join(tmpdir(), 'ringfence-narrow-')));
  afterAll(() => rmSync(scratch, { recursive: true, force: true }));
  const data = join(scratch, 'data');
  mkdirSync(join(data, 'in'), { recursive: true });
  mkdirSync(join(scratch, 'secret'));
  symlinkSync('../secret', join(data, 'out'));
  symlinkSync('data', join(scratch, 'alias'));

  const there: GrantsInput = {
    files: [{ host: data, guest: '/data', modes: ['read', 'write'], quota: { bytes: 9 } }],
  };
  const mount = (host: string, more: object = {}): GrantsInput => ({
    files: [{ host, guest: '/x', ...more }],
  });

  test('its modes and place in the guest are as wanted, its quota as given', () => {
    expect(left(there, mount(join(data, 'in'))).of('files')).toEqual([
      {
        kind: 'files',
        scope: {
          guest: '/x',
          source: { kind: 'host', path: join(data, 'in') },
          modes: { write: false, create: false },
          quota: { bytes: 9, files: 0 },
        },
        expiresAtMs: null,
      },
    ]);
  });

  test('a quota that is wanted is not higher', () => {
    const quota = (bytes: number) => mount(data, { modes: ['read', 'write'], quota: { bytes } });
    expect(left(there, quota(8)).of('files')).toMatchObject([{ scope: { quota: { bytes: 8 } } }]);
    expect(() => left(there, quota(10))).toThrow(usage('files'));
  });

  test('its quota is for one that may add to it, however many places it is mounted at', () => {
    const two = (modes: ('read' | 'write')[]): GrantsInput => ({
      files: ['/x', '/y'].map((guest) => ({ host: data, guest, modes })),
    });
    expect(() => left(there, two(['read', 'write']))).toThrow(usage('files'));
    expect(left(there, two(['read', 'write']), { widen: true }).of('files')).toHaveLength(2);
    expect(left(there, two(['read'])).of('files')).toHaveLength(2);
    const unbounded: GrantsInput = {
      files: [{ host: data, guest: '/data', modes: ['read', 'write'] }],
    };
    expect(left(unbounded, two(['read', 'write'])).of('files')).toHaveLength(2);
  });

  test('as many are in memory as there are', () => {
    const inMemory = (...guests: string[]): GrantsInput => ({
      files: guests.map((guest) => ({ memory: true, guest }) as const),
    });
    expect(() => left(inMemory('/t'), inMemory('/x', '/y'))).toThrow(usage('files'));
    expect(left(inMemory('/t', '/u'), inMemory('/x', '/y')).of('files')).toHaveLength(2);
  });

  test('modes are not wider', () => {
    expect(() => left(there, mount(data, { modes: ['read', 'create'] }))).toThrow(usage('files'));
    expect(left(there, mount(data, { modes: ['read', 'write'] })).of('files')).toHaveLength(1);
  });

  test('a link that leads out is outside, one that leads in is inside', () => {
    expect(() => left(there, mount(join(data, 'out')))).toThrow(usage('files'));
    expect(left(there, mount(join(scratch, 'alias', 'in'))).of('files')).toMatchObject([
      { scope: { source: { path: join(data, 'in') } } },
    ]);
  });

  test('one in memory is no part of one of the host', () => {
    const inMemory: GrantsInput = { files: [{ memory: true, guest: '/x' }] };
    expect(() => left(there, inMemory)).toThrow(usage('files'));
    expect(left(inMemory, { files: [{ memory: true, guest: '/y' }] }).of('files')).toHaveLength(1);
  });
});

describe('limits, isolation and environment', () => {
  const there = permissions(
    {},
    {
      limits: { ...DEFAULT_LIMITS, fuel: 0, wallTimeMs: 1_000 },
      isolation: 'thread',
      environment: { A: '1' },
    },
  );

  test('a limit is lowered, and raised only where that is said; 0 is the highest', () => {
    expect(narrow(there, { limits: { wallTimeMs: 10, fuel: 5 } }).limits).toMatchObject({
      wallTimeMs: 10,
      fuel: 5,
      messages: DEFAULT_LIMITS.messages,
    });
    for (const wallTimeMs of [1_001, 0]) {
      expect(() => narrow(there, { limits: { wallTimeMs } })).toThrow(usage('wallTimeMs'));
      expect(narrow(there, { limits: { wallTimeMs } }, { widen: true }).limits).toMatchObject({
        wallTimeMs,
      });
    }
    expect(narrow(there, { limits: { wallTimeMs: 1_000, fuel: 0 } }).limits).toEqual(there.limits);
  });

  test('features are taken away, and given only where that is said', () => {
    const some = permissions({}, { features: { gc: true, relaxedSimd: false } });
    expect(narrow(some, {})).toMatchObject({ features: { gc: true, relaxedSimd: false } });
    expect(narrow(some, { features: {} })).toMatchObject({ features: NO_FEATURES });
    expect(narrow(some, { features: { gc: true } }).features.gc).toBe(true);
    expect(() => narrow(some, { features: { relaxedSimd: true } })).toThrow(usage('features'));
    expect(narrow(some, { features: { relaxedSimd: true } }, { widen: true })).toMatchObject({
      features: { gc: false, relaxedSimd: true },
    });
  });

  test('isolation is made stronger, and weaker only where that is said', () => {
    expect(narrow(there, { isolation: 'process' })).toMatchObject({ isolation: 'process' });
    expect(narrow(there, {})).toMatchObject({ isolation: 'thread' });
    expect(() => narrow(there, { isolation: 'shared' })).toThrow(usage('isolation'));
    expect(narrow(there, { isolation: 'shared' }, { widen: true })).toMatchObject({
      isolation: 'shared',
    });
  });

  test('a variable that is not there is more, and so is another value', () => {
    expect({ ...narrow(there, { environment: { A: '1' } }).environment }).toEqual({ A: '1' });
    for (const environment of [{ B: '1' }, { A: '2' }, { constructor: 'x' }]) {
      expect(() => narrow(there, { environment })).toThrow(usage('environment'));
      expect({ ...narrow(there, { environment }, { widen: true }).environment }).toEqual({
        A: '1',
        ...environment,
      });
    }
  });

  test('a value of wasi:config that is not there is more, and so is another', () => {
    const given = permissions({}, { config: { A: '1' } });
    expect({ ...narrow(given, { config: { A: '1' } }).config }).toEqual({ A: '1' });
    for (const config of [{ B: '1' }, { A: '2' }, { constructor: 'x' }]) {
      expect(() => narrow(given, { config })).toThrow(usage('config'));
      expect({ ...narrow(given, { config }, { widen: true }).config }).toEqual({
        A: '1',
        ...config,
      });
    }
  });

  test('a variable may have any name', () => {
    const environment = JSON.parse('{"__proto__": "x"}') as Record<string, string>;
    const { environment: given } = narrow(there, { environment }, { widen: true });
    expect(Object.entries(given)).toEqual([
      ['A', '1'],
      ['__proto__', 'x'],
    ]);
  });

  test('nothing wanted changes nothing', () => {
    expect(narrow(there, {})).toEqual(there);
  });
});

const names = fc.oneof(fc.constant('all' as const), fc.subarray(['a', 'b', 'c']));
const allKinds: fc.Arbitrary<GrantsInput> = fc.record(
  {
    preset: fc.constantFrom('none' as const, 'browser' as const, 'standard' as const),
    ipc: fc.oneof(
      fc.constantFrom('all' as const, 'parent_only' as const, 'receive_only' as const, null),
      fc.record(
        { pids: fc.subarray([1, 2, 3]), topics: names, parent: fc.boolean() },
        { requiredKeys: [] },
      ),
    ),
    network: fc.oneof(fc.constant('all' as const), fc.subarray(['h', 'h:80', 'i', '*.i'])),
    tools: fc.oneof(names, fc.record({ allow: names, deny: fc.subarray(['a', 'b']) })),
    spawn: fc.oneof(
      fc.integer({ min: 0, max: 3 }),
      fc.record(
        {
          count: fc.integer({ min: 0, max: 3 }),
          modules: fc.oneof(fc.constant('all' as const), fc.subarray(['m', 'n'])),
          depth: fc.integer({ min: 1, max: 3 }),
        },
        { requiredKeys: ['count'] },
      ),
    ),
    files: fc.uniqueArray(
      fc.record({
        host: fc.constantFrom('/data', '/data/x', '/data2', '/'),
        guest: fc.constantFrom('/', '/in', '/out'),
        modes: fc.constantFrom<('read' | 'write' | 'create')[]>(['read'], ['read', 'write']),
      }),
      { selector: ({ guest }) => guest },
    ),
    clocks: fc.constantFrom(false, 'coarse' as const, 'exact' as const),
    random: fc.constantFrom(false, true, { seed: 's' }),
  },
  { requiredKeys: [] },
);

/** Of one or two fields: more of them are nearly always more than what is there. */
const inputs: fc.Arbitrary<GrantsInput> = fc
  .tuple(allKinds, fc.nat(), fc.nat())
  .map(([grants, ...chosen]) => {
    const fields = Object.entries(grants);
    return Object.fromEntries(chosen.flatMap((at) => fields.slice(at % 9, (at % 9) + 1)));
  });

/** Grants of a policy: any scopes, some of which expire. */
const specs: fc.Arbitrary<GrantSpec[]> = fc.array(
  fc
    .constantFrom(...GRANT_KINDS)
    .chain((kind) =>
      fc
        .record({ scope: SCOPES[kind], expiresAtMs: fc.constantFrom(null, 1, 2) })
        .map((rest) => ({ kind, ...rest }) as GrantSpec),
    ),
  { minLength: 4, maxLength: 20, size: 'max' },
);

const lasts = ({ expiresAtMs }: GrantSpec) => expiresAtMs ?? Number.POSITIVE_INFINITY;

test('without being widened nothing ever goes beyond what is there', () => {
  let narrowed = 0;
  fc.assert(
    fc.property(specs, inputs, fc.subarray(['a', 'b']), (there, grants, denyTools) => {
      let taken: readonly GrantSpec[];
      try {
        taken = narrow({ ...permissions({}), grants: there }, { grants, denyTools }).grants;
      } catch (error) {
        expect(error).toMatchObject({ code: 'RF_USAGE' });
        return;
      }
      narrowed += 1;
      for (const spec of taken) {
        const isWithin = there.some(
          (given) =>
            given.kind === spec.kind &&
            covers<GrantKind>(spec.kind, given.scope, spec.scope) &&
            lasts(spec) <= lasts(given),
        );
        expect(isWithin).toBe(true);
      }
    }),
    { numRuns: 2_000 },
  );
  // The control: it was not all refused.
  expect(narrowed).toBeGreaterThan(200);
});
