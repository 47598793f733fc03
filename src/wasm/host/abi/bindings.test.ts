/**
 * Goal: a bound function gives the host only what its type says, and ends a guest that passes
 * anything else, before the host function is run. Method: generated bindings of what is offered are
 * bound to a guest without code; each refusal has a call beside it that is taken.
 */

import { describe, expect, it } from 'vitest';
import { BINDINGS, type Interfaces } from '../generated/index.ts';
import { err, type GatedFunction, ok, WAIT } from './binding.ts';
import { Failed, FakeGuest, gatedForTest, Trapped } from './fixtures/fake-guest.ts';
import { LIST_ELEMENTS_MAX } from './memory.ts';

const RESOURCES = [...BINDINGS].flatMap(([interfaceName, functions]) =>
  [...functions.keys()]
    .filter((name) => name.startsWith('[resource-drop]'))
    .map((name) => `${interfaceName}/${name.slice('[resource-drop]'.length)}`),
);
const PAGE = 65_536;
const PLACE = 1024;

type Flat = (...flat: (number | bigint)[]) => number | bigint | undefined;

function bind<
  Interface extends keyof Interfaces & string,
  Name extends keyof Interfaces[Interface] & string,
>(
  guest: FakeGuest,
  interfaceName: Interface,
  name: Name,
  run: ((...args: never[]) => unknown) | null,
): Flat {
  const binding = BINDINGS.get(interfaceName)?.get(name);
  if (binding === undefined) {
    throw new Error(`There is no binding of ${interfaceName}#${name}.`);
  }
  const fn =
    run === null || Object.hasOwn(run, 'blocking')
      ? (run as GatedFunction | null)
      : gatedForTest(run);
  return binding.bind(fn, guest, guest.access) as Flat;
}

/** Records calls; answers the same each time. */
function recorder<Answer>(answer: Answer): {
  calls: unknown[][];
  run: (...args: never[]) => Answer;
} {
  const calls: unknown[][] = [];
  return {
    calls,
    run: (...args) => {
      calls.push(args);
      return answer;
    },
  };
}

describe('a string parameter', () => {
  function log(guest: FakeGuest) {
    const { calls, run } = recorder(undefined);
    return { calls, call: bind(guest, 'ringfence:agent/log', 'log', run) };
  }

  it('reaches the host function as text', () => {
    const guest = new FakeGuest();
    const { calls, call } = log(guest);
    guest.poke(64, [0x68, 0x69]);
    expect(call(2, 64, 2)).toBe(0);
    expect(calls).toEqual([['info', 'hi']]);
    expect(guest.charged).toBe(2);
  });

  it.each([
    ['outside of memory', [2, PAGE - 1, 2]],
    ['with a length beyond memory', [2, 64, PAGE]],
    ['with a negative length', [2, 64, -1]],
    ['that wraps around', [2, -1, 2]],
    ['that is not UTF-8', [2, 128, 1]],
    ['beside a discriminant that no case has', [5, 64, 2]],
    ['beside a negative discriminant', [-1, 64, 2]],
  ])('%s ends the guest', (_, flat) => {
    const guest = new FakeGuest();
    guest.poke(128, [0xff]);
    const { calls, call } = log(guest);
    expect(() => call(...flat)).toThrow(Trapped);
    expect(calls).toEqual([]);
  });
});

describe('a list of handles', () => {
  const POLLABLE = 'wasi:io/poll/pollable';

  it('reaches the host function as its objects', () => {
    const guest = new FakeGuest();
    const [one, two] = [{}, {}];
    guest.view.setUint32(64, guest.handles.add(POLLABLE, two as never), true);
    guest.view.setUint32(68, guest.handles.add(POLLABLE, one as never), true);
    const { calls, run } = recorder(new Uint32Array([1]));
    const poll = bind(guest, 'wasi:io/poll', 'poll', run);
    expect(poll(64, 2, PLACE)).toBe(0);
    expect(calls).toEqual([[[two, one]]]);
    const at = guest.view.getUint32(PLACE, true);
    expect(guest.view.getUint32(PLACE + 4, true)).toBe(1);
    expect(guest.view.getUint32(at, true)).toBe(1);
  });

  it.each([
    ['outside of memory', [PAGE - 4, 2, PLACE]],
    ['not aligned', [66, 1, PLACE]],
    ['with a length that overflows', [0, 0x4000_0001, PLACE]],
    ['longer than a list may be', [0, LIST_ELEMENTS_MAX + 1, PLACE]],
    ['of handles that were made up', [128, 1, PLACE]],
  ])('%s ends the guest', (_, flat) => {
    const guest = new FakeGuest({ pages: 100 });
    guest.view.setUint32(128, 77, true);
    const end = flat[0] === PAGE - 4 ? [100 * PAGE - 4, 2, PLACE] : flat;
    const { calls, run } = recorder(new Uint32Array(0));
    const poll = bind(guest, 'wasi:io/poll', 'poll', run);
    expect(() => poll(...end)).toThrow(Trapped);
    expect(calls).toEqual([]);
  });
});

describe('the place of a result', () => {
  const read = (guest: FakeGuest) => {
    const { calls, run } = recorder(ok(new Uint8Array([7])));
    const stream = guest.handles.add('wasi:io/streams/input-stream', {} as never);
    const call = bind(guest, 'wasi:io/streams', '[method]input-stream.read', run);
    return { calls, call: (place: number) => call(stream, 1n, place) };
  };

  it('may be the last one in memory', () => {
    const guest = new FakeGuest();
    const { call } = read(guest);
    expect(call(PAGE - 12)).toBe(0);
    expect(guest.view.getUint8(PAGE - 12)).toBe(0);
    expect(guest.view.getUint32(PAGE - 4, true)).toBe(1);
  });

  it.each([
    ['outside of memory', PAGE - 8],
    ['negative', -12],
    ['not aligned', PLACE + 2],
  ])('is checked before the host function is run: %s', (_, place) => {
    const { calls, call } = read(new FakeGuest());
    expect(() => call(place)).toThrow(Trapped);
    expect(calls).toEqual([]);
  });
});

describe('a handle parameter', () => {
  const INPUT = 'wasi:io/streams/input-stream';
  const OUTPUT = 'wasi:io/streams/output-stream';

  it('of the right resource reaches the host function as its object', () => {
    const guest = new FakeGuest();
    const rep = {};
    const { calls, run } = recorder({});
    const subscribe = bind(guest, 'wasi:io/streams', '[method]input-stream.subscribe', run);
    const pollable = subscribe(guest.handles.add(INPUT, rep as never));
    expect(calls).toEqual([[rep]]);
    expect(guest.handles.borrow('wasi:io/poll/pollable', pollable as number)).toBeTypeOf('object');
  });

  it('of another resource ends the guest', () => {
    const guest = new FakeGuest();
    const { calls, run } = recorder({});
    const subscribe = bind(guest, 'wasi:io/streams', '[method]input-stream.subscribe', run);
    const other = guest.handles.add(OUTPUT, {} as never);
    expect(() => subscribe(other)).toThrow(`is a ${OUTPUT}, not a ${INPUT}`);
    expect(() => subscribe(0)).toThrow(Trapped);
    expect(calls).toEqual([]);
  });

  it('that was dropped ends the guest, and its host object was released once', () => {
    const guest = new FakeGuest();
    const rep = {};
    const { calls, run } = recorder(undefined);
    const drop = bind(guest, 'wasi:io/streams', '[resource-drop]input-stream', run);
    const handle = guest.handles.add(INPUT, rep as never);
    expect(drop(handle)).toBe(0);
    expect(() => drop(handle)).toThrow(Trapped);
    expect(calls).toEqual([[rep]]);
  });

  it('can be dropped where there is nothing to release', () => {
    const guest = new FakeGuest();
    const drop = bind(guest, 'wasi:io/poll', '[resource-drop]pollable', null);
    drop(guest.handles.add('wasi:io/poll/pollable', {} as never));
    expect(guest.handles.count).toBe(0);
  });

  it('that is given away is gone', () => {
    const guest = new FakeGuest();
    const { run } = recorder({});
    const finish = bind(guest, 'wasi:http/types', '[static]incoming-body.finish', run);
    const body = guest.handles.add('wasi:http/types/incoming-body', {} as never);
    finish(body);
    expect(() => finish(body)).toThrow(Trapped);
  });

  it('is too many for a full table: the guest ends', () => {
    const guest = new FakeGuest({ handleCountMax: 2 });
    const { run } = recorder({});
    const stdin = bind(guest, 'wasi:cli/stdin', 'get-stdin', run);
    stdin();
    stdin();
    expect(() => stdin()).toThrow('the agent holds 2 handles');
  });
});

describe('a guest that may not leave', () => {
  it('is ended before anything is lifted', () => {
    const guest = new FakeGuest();
    const { calls, run } = recorder(undefined);
    const call = bind(guest, 'ringfence:agent/log', 'log', run);
    guest.mayLeave = false;
    expect(() => call(9, -1, -1)).toThrow('may not leave');
    expect(calls).toEqual([]);
    guest.mayLeave = true;
    expect(call(0, 0, 0)).toBe(0);
  });
});

describe('a blocking function', () => {
  it('is called again with the same arguments until it answers, and charged for once', () => {
    const guest = new FakeGuest();
    guest.poke(64, [1, 2, 3]);
    const answers = [WAIT, WAIT, ok()];
    const calls: unknown[][] = [];
    const write = bind(
      guest,
      'wasi:io/streams',
      '[method]output-stream.blocking-write-and-flush',
      gatedForTest((...args: never[]) => {
        calls.push(args);
        return answers.shift();
      }, true),
    );
    const rep = {};
    const stream = guest.handles.add('wasi:io/streams/output-stream', rep as never);
    guest.view.setUint8(PLACE, 9);
    expect([0, 1, 2].map(() => write(stream, 64, 3, PLACE))).toEqual([1, 1, 0]);
    expect(calls).toEqual(Array.from({ length: 3 }, () => [rep, new Uint8Array([1, 2, 3])]));
    expect(guest.view.getUint8(PLACE)).toBe(0);
    expect(guest.charged).toBe(3);
  });

  it('without a result answers its status alone', () => {
    const guest = new FakeGuest();
    const answers = [WAIT, undefined];
    const block = bind(
      guest,
      'wasi:io/poll',
      '[method]pollable.block',
      gatedForTest(() => answers.shift(), true),
    );
    const pollable = guest.handles.add('wasi:io/poll/pollable', {} as never);
    expect([block(pollable), block(pollable)]).toEqual([1, 0]);
  });

  it('can not be bound where a flat result leaves no room for the status', () => {
    const blocking = gatedForTest(() => 1n, true);
    expect(() => bind(new FakeGuest(), 'wasi:random/random', 'get-random-u64', blocking)).toThrow(
      'can not be blocking',
    );
  });

  it('can not be bound where handles are given away at its first try', () => {
    const blocking = gatedForTest(() => WAIT, true);
    expect(() => bind(new FakeGuest(), 'wasi:http/outgoing-handler', 'handle', blocking)).toThrow(
      'can not be blocking',
    );
  });

  it('must be declared as one', () => {
    const guest = new FakeGuest();
    const block = bind(guest, 'wasi:io/poll', '[method]pollable.block', () => WAIT);
    const pollable = guest.handles.add('wasi:io/poll/pollable', {} as never);
    expect(() => block(pollable)).toThrow(Failed);
  });
});

describe('a host function', () => {
  it('that has not passed the gate can not be bound', () => {
    const binding = BINDINGS.get('ringfence:agent/log')!.get('log')!;
    const guest = new FakeGuest();
    for (const fn of [null, () => undefined, Object.assign(() => undefined, { blocking: false })]) {
      expect(() => binding.bind(fn as never, guest, guest.access)).toThrow('passed the gate');
    }
  });

  it('that throws ends the guest, whatever it throws', () => {
    const guest = new FakeGuest();
    const call = bind(guest, 'ringfence:agent/log', 'log', () => {
      throw new Error('/srv/secret');
    });
    expect(() => call(0, 0, 0)).toThrow(Failed);
  });

  it('that answers a value of another type ends the guest as a failure of the host', () => {
    const guest = new FakeGuest();
    const stream = guest.handles.add('wasi:io/streams/output-stream', {} as never);
    for (const answer of [{ tag: 'neither' }, err({ tag: 'open' }), undefined, ok(7)]) {
      const check = bind(
        guest,
        'wasi:io/streams',
        '[method]output-stream.check-write',
        () => answer,
      );
      expect(() => check(stream, PLACE)).toThrow(Failed);
    }
  });

  it('may answer a number that its type has no room for: it is cut, not passed on', () => {
    const guest = new FakeGuest();
    const socket = guest.handles.add('wasi:http/types/incoming-response', {} as never);
    const status = bind(
      guest,
      'wasi:http/types',
      '[method]incoming-response.status',
      () => 0x1_00c8,
    );
    expect(status(socket)).toBe(200);
  });
});

describe('names that mean something in JavaScript', () => {
  it('cross as plain text', () => {
    const guest = new FakeGuest();
    const name = '__proto__';
    guest.poke(64, new TextEncoder().encode(name));
    const { calls, run } = recorder(ok());
    const subscribe = bind(guest, 'ringfence:agent/ipc', 'subscribe', run);
    subscribe(64, name.length, PLACE);
    expect(calls).toEqual([[name]]);
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });
});

describe('any core values at all', () => {
  const HOSTILE = [
    ...[0, 1, 2, 3, 4, 7, 8, 16, 64, 255, 256, 1024, 4096, PAGE - 8, PAGE - 1, PAGE, PAGE + 1],
    ...[-1, -2, -4, -8, -65_536, 2 ** 31 - 1, -(2 ** 31), 0x1000_0000, 0x2000_0001, 0x5555_5556],
    // Handles that exist, or might.
    ...[5, 6, 9, 10, 12, (1 << 20) | 1, (1023 << 20) | 1],
  ];

  it('reach the host function as values of its types, or end the guest by a trap', () => {
    let state = 1;
    const below = (limit: number) => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return Math.floor((state / 2 ** 32) * limit);
    };
    const outcomes = { taken: 0, trapped: 0 };
    for (const [interfaceName, functions] of BINDINGS) {
      for (const [name, binding] of functions) {
        for (let count = 0; count < 12; count += 1) {
          const guest = new FakeGuest();
          for (let at = 0; at < 2048; at += 4) {
            guest.view.setInt32(at, HOSTILE[below(HOSTILE.length)]!, true);
          }
          for (const resource of RESOURCES) {
            guest.handles.add(resource, {});
          }
          const fn = gatedForTest(() => {
            throw new Error('taken');
          });
          const flat = binding.params.map((core) => {
            const value = HOSTILE[below(HOSTILE.length)]!;
            return core === 'i64' ? BigInt(value) : value;
          });
          const bound = binding.bind(fn, guest, guest.access) as Flat;
          const label = `${interfaceName}#${name}(${flat.join(', ')})`;
          try {
            bound(...flat);
            expect.unreachable(`${label} returned`);
          } catch (error) {
            expect(
              error instanceof Trapped || (error as Error).message === 'taken',
              `${label}: ${error}`,
            ).toBe(true);
            outcomes[error instanceof Trapped ? 'trapped' : 'taken'] += 1;
          }
        }
      }
    }
    expect(outcomes.taken).toBeGreaterThan(100);
    expect(outcomes.trapped).toBeGreaterThan(100);
  });
});
