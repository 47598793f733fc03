/**
 * Goal: what is committed is what the generator makes, for all that is offered, with the signatures
 * that other tools give the same functions.
 */

import { readdir, readFile } from 'node:fs/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { RingfenceError } from '../../src/errors.ts';
import { generateBindings } from '../../src/kit/bindings/generate.ts';
import { hostBindings } from '../../src/kit/bindings/host-bindings.ts';
import { casesOf, fieldTypesOf } from '../../src/kit/bindings/layout.ts';
import { embedWorld, offeredWit } from '../../src/kit/bindings/offered.ts';
import type {
  ComponentType,
  ExternType,
  ResourceType,
  ValueType,
} from '../../src/wasm/component/types.ts';
import { decodeWorld } from '../../src/wasm/component/world.ts';
import { WAIT } from '../../src/wasm/host/abi/binding.ts';
import { FakeGuest, gatedForTest, Trapped } from '../../src/wasm/host/abi/fixtures/fake-guest.ts';
import { BINDINGS } from '../../src/wasm/host/generated/index.ts';
import { OFFERED_WORLD_BASE64 } from '../../src/wasm/host/generated/offered-world.ts';
import { coreImports } from './fixtures/core-imports.ts';
import { letters } from './fixtures/echo-component.ts';
import { type LoadedBindings, loadBindings } from './fixtures/load.ts';
import { everyType, seededRandom } from './fixtures/types.ts';
import { randomValue } from './fixtures/values.ts';

const SOURCES = {
  agentWit: new URL('../../wit/agent.wit', import.meta.url),
  wasiFolder: new URL('../../node_modules/@bytecodealliance/jco/lib/wit/builtin/', import.meta.url),
  draftsFolder: new URL('../../wit/deps/', import.meta.url),
};
const GENERATED = new URL('../../src/wasm/host/generated/', import.meta.url);

describe('the committed bindings', () => {
  it('are what the generator makes: else run `node scripts/generate-bindings.ts`', async () => {
    const files = await hostBindings(SOURCES);
    expect((await readdir(GENERATED)).sort()).toEqual([...files.keys()].sort());
    for (const [name, text] of files) {
      expect(await readFile(new URL(name, GENERATED), 'utf8'), name).toBe(text);
    }
  });

  it('have the signatures that jco gives the same imports', async () => {
    const core = await embedWorld(
      await offeredWit(SOURCES.agentWit, SOURCES.wasiFolder, SOURCES.draftsFolder),
      'offered',
    );
    const imports = coreImports(core);
    let compared = 0;
    for (const { module, name, params, results } of imports) {
      const interfaceName = module.replace(/^cm32p2\|/, '').replace(/@.*$/, '');
      const functionName = name.endsWith('_drop')
        ? `[resource-drop]${name.slice(0, -'_drop'.length)}`
        : name;
      const binding = BINDINGS.get(interfaceName)?.get(functionName);
      expect(binding, `${interfaceName}#${functionName}`).toMatchObject({ params, results });
      compared += 1;
    }
    const bound = [...BINDINGS.values()].reduce((sum, each) => sum + each.size, 0);
    expect(bound).toBe(compared);
    expect(bound).toBeGreaterThan(200);
  });

  it('cover the world that imports are checked against', () => {
    const { imports } = decodeWorld(Buffer.from(OFFERED_WORLD_BASE64, 'base64'));
    const offered = [...imports.keys()].map((name) => name.replace(/@.*$/, ''));
    expect([...BINDINGS.keys()].sort()).toEqual(offered.sort());
    expect(offered).toContain('wasi:io/streams');
    expect(offered).not.toContain('wasi:clocks/timezone');
  });

  it('leave out what is unstable in WASI', () => {
    expect(BINDINGS.get('wasi:sockets/network')?.has('network-error-code')).toBe(false);
    expect(
      BINDINGS.get('wasi:http/types')?.has('[method]response-outparam.send-informational'),
    ).toBe(false);
    expect(BINDINGS.get('wasi:http/types')?.has('[static]response-outparam.set')).toBe(true);
  });
});

/** A world with one interface. */
function worldOf(
  functions: Record<string, { params: readonly ValueType[]; result: ValueType | null }>,
  types: ReadonlyMap<string, ValueType | ResourceType> = new Map(),
): Pick<ComponentType, 'imports'> {
  const exports = new Map<string, ExternType>();
  for (const [name, type] of types) {
    exports.set(name, { kind: 'type', type });
  }
  for (const [name, { params, result }] of Object.entries(functions)) {
    const namedParams = params.map((type, index) => ({ name: `param-${letters(index)}`, type }));
    exports.set(name, { kind: 'func', params: namedParams, result });
  }
  return { imports: new Map([['test:made/up@1.0.0', { kind: 'instance', exports }]]) };
}

/** Names for the types that have one in WIT, by name. */
function named(types: readonly ValueType[]): Map<string, ValueType> {
  const found = new Map<ValueType, string>();
  const visit = (type: ValueType | null): void => {
    if (type === null || found.has(type)) {
      return;
    }
    if (['record', 'variant', 'enum', 'flags'].includes(type.kind)) {
      found.set(type, `type-${letters(found.size)}`);
    }
    const parts =
      fieldTypesOf(type) ??
      casesOf(type)?.map((each) => each.type) ??
      (type.kind === 'list' ? [type.element] : []);
    for (const part of parts) {
      visit(part);
    }
  };
  for (const type of types) {
    visit(type);
  }
  return new Map([...found].map(([type, name]) => [name, type]));
}

describe.each(['utf8', 'utf16', 'latin1+utf16'] as const)(
  'lists of every type in %s',
  (encoding) => {
    // These exist in the component model's types, though WIT's tools no longer take them.
    const wide: ValueType[] = [33, 64, 65, 100].map((count) => ({
      kind: 'flags',
      names: Array.from({ length: count }, (_, index) => `flag-${letters(index)}`),
    }));
    const types = [...everyType(), ...wide];
    let bindings: LoadedBindings;

    beforeAll(async () => {
      const functions = types.flatMap((type, index) => {
        const list: ValueType = { kind: 'list', element: type };
        return [
          [`take-${letters(index)}`, { params: [list], result: null }],
          [`give-${letters(index)}`, { params: [], result: list }],
        ] as const;
      });
      const world = worldOf(Object.fromEntries(functions), named(types));
      bindings = await loadBindings(world);
      return () => bindings.dispose();
    });

    it('are lifted as they were lowered', () => {
      const random = seededRandom(7);
      types.forEach((type, index) => {
        const guest = new FakeGuest({ encoding });
        const value = randomValue(random, { kind: 'list', element: type });
        let taken: unknown;
        const take = bindings.get('test:made/up', `take-${letters(index)}`).bind(
          gatedForTest((list: never) => {
            taken = list;
          }),
          guest,
          guest.access,
        ) as (pointer: number, length: number) => number;
        const give = bindings.get('test:made/up', `give-${letters(index)}`).bind(
          gatedForTest(() => value),
          guest,
          guest.access,
        ) as (place: number) => number;
        give(1024);
        take(guest.view.getUint32(1024, true), guest.view.getUint32(1028, true));
        expect(taken, type.kind).toEqual(value);
      });
    });
  },
);

describe('more than 16 flat parameters', () => {
  const u8: ValueType = { kind: 'u8' };
  const u64: ValueType = { kind: 'u64' };
  const params = [...Array.from({ length: 16 }, () => u8), u64];

  it('are read from the place that the guest names, which is checked', async () => {
    const bindings = await loadBindings(
      worldOf({ many: { params, result: null }, few: { params: params.slice(1), result: null } }),
    );
    const guest = new FakeGuest();
    const binding = bindings.get('test:made/up', 'many');
    expect(binding.params).toEqual(['i32']);
    expect(bindings.get('test:made/up', 'few').params).toHaveLength(16);
    const calls: unknown[][] = [];
    const many = binding.bind(
      gatedForTest((...args: never[]) => {
        calls.push(args);
      }),
      guest,
      guest.access,
    ) as (pointer: number) => number;
    guest.poke(64, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17]);
    many(64);
    expect(calls).toEqual([[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17n]]);
    for (const pointer of [68, -24, 65_536 - 16]) {
      expect(() => many(pointer)).toThrow(Trapped);
    }
    expect(calls).toHaveLength(1);
    await bindings.dispose();
  });
});

describe('a function that is lent a handle and given another', () => {
  const resource: ResourceType = {
    kind: 'resource',
    name: 'thing',
    interfaceName: 'test:made/up@1.0.0',
  };
  const lent: ValueType = { kind: 'list', element: { kind: 'borrow', resource } };
  const given: ValueType = { kind: 'own', resource };

  it('ends the guest where both are the same', async () => {
    const bindings = await loadBindings(
      worldOf({ both: { params: [lent, given], result: null } }, new Map([['thing', resource]])),
    );
    const guest = new FakeGuest();
    const calls: unknown[][] = [];
    const both = bindings.get('test:made/up', 'both').bind(
      gatedForTest((...args: never[]) => {
        calls.push(args);
      }),
      guest,
      guest.access,
    ) as (pointer: number, length: number, given: number) => number;
    const [one, two] = [{}, {}];
    const first = guest.handles.add('test:made/up/thing', one);
    const second = guest.handles.add('test:made/up/thing', two);
    guest.view.setUint32(64, first, true);
    expect(both(64, 1, second)).toBe(0);
    expect(calls).toEqual([[[one], two]]);
    expect(() => both(64, 1, first)).toThrow('while it is lent');
    expect(calls).toHaveLength(1);
    await bindings.dispose();
  });
});

describe('a function that is given one handle', () => {
  const resource: ResourceType = {
    kind: 'resource',
    name: 'thing',
    interfaceName: 'test:made/up@1.0.0',
  };
  const given: ValueType = { kind: 'own', resource };

  it('may wait: the handle is the guest’s until it has answered, and nobody’s then', async () => {
    const bindings = await loadBindings(
      worldOf(
        { give: { params: [{ kind: 'u8' }, given], result: null } },
        new Map([['thing', resource]]),
      ),
    );
    const guest = new FakeGuest();
    const thing = {};
    const calls: unknown[][] = [];
    const give = bindings.get('test:made/up', 'give').bind(
      gatedForTest((...args: never[]) => {
        calls.push(args);
        return calls.length < 3 ? WAIT : undefined;
      }, true),
      guest,
      guest.access,
    ) as (number: number, given: number) => number;
    const handle = guest.handles.add('test:made/up/thing', thing);
    expect([give(7, handle), give(7, handle), give(7, handle)]).toEqual([1, 1, 0]);
    expect(calls).toEqual([
      [7, thing],
      [7, thing],
      [7, thing],
    ]);
    expect(() => give(7, handle)).toThrow('is not one that the agent holds');
    expect(calls).toHaveLength(3);
    await bindings.dispose();
  });
});

describe('the generator', () => {
  it('makes the same files of the same world', () => {
    const world = decodeWorld(Buffer.from(OFFERED_WORLD_BASE64, 'base64'));
    expect(generateBindings(world)).toEqual(generateBindings(world));
  });

  it('refuses a world that imports a function, by its name', () => {
    const imports = new Map([['lonely', { kind: 'func', params: [], result: null } as const]]);
    expect(() => generateBindings({ imports })).toThrow(RingfenceError);
    expect(() => generateBindings({ imports })).toThrow("'lonely'");
  });

  it('writes names that mean something in TypeScript so that they are only names', async () => {
    const bindings = await loadBindings(
      worldOf({
        delete: { params: [{ kind: 'u32' }], result: { kind: 'u32' } },
        call: { params: [], result: { kind: 'u32' } },
        run: { params: [], result: { kind: 'string' } },
      }),
    );
    const guest = new FakeGuest();
    const binding = bindings.get('test:made/up', 'delete');
    const fn = binding.bind(
      gatedForTest((value: never) => value),
      guest,
      guest.access,
    );
    expect((fn as (value: number) => number)(-1)).toBe(2 ** 32 - 1);
    await bindings.dispose();
  });
});
