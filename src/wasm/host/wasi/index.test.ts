import { describe, expect, test } from 'vitest';
import { call, FakeAgent } from '../../../../test/support/fake-agent.ts';
import { MemoryViews } from '../../component/memory-views.ts';
import type { GuestCall } from '../abi/binding.ts';
import { HandleTable } from '../abi/handles.ts';
import { BINDINGS } from '../generated/index.ts';
import { WASI } from './index.ts';

const wasiBindings = [...BINDINGS].filter(([name]) => name.startsWith('wasi:'));

describe('the table of WASI', () => {
  test('has exactly the interfaces that there are bindings for', () => {
    expect([...WASI.keys()].sort()).toEqual(wasiBindings.map(([name]) => name).sort());
  });

  test.each(wasiBindings)('%s has exactly the functions of its bindings', (name, bindings) => {
    expect([...(WASI.get(name)?.keys() ?? [])].sort()).toEqual([...bindings.keys()].sort());
  });

  test.each(wasiBindings)('every function of %s can be bound', (name, bindings) => {
    const guestCall = {
      agent: new FakeAgent(),
      handles: new HandleTable(),
    } as unknown as GuestCall;
    const access = {
      memory: () => {
        throw new Error('not used before a call');
      },
      realloc: () => () => 0,
      encoding: 'utf8' as const,
      views: new MemoryViews(),
    };
    for (const [functionName, binding] of bindings) {
      const hostFunction = WASI.get(name)?.get(functionName) ?? null;
      expect(hostFunction).not.toBeNull();
      expect(binding.bind(hostFunction, guestCall, access)).toBeTypeOf('function');
    }
  });
});

describe('every function that the gate denies', () => {
  const withdrawn = { clocks: false, random: false };
  const gatedFunctions: [string, string, unknown[], unknown][] = [
    ['wasi:sockets/tcp-create-socket', 'create-tcp-socket', ['ipv4'], 'access-denied'],
    ['wasi:sockets/udp-create-socket', 'create-udp-socket', ['ipv4'], 'access-denied'],
    ['wasi:sockets/ip-name-lookup', 'resolve-addresses', [{}, 'example.org'], 'access-denied'],
  ];

  test.each(gatedFunctions)(
    '%s %s answers its typed error, counted once',
    (name, functionName, args, error) => {
      const agent = new FakeAgent({ grants: withdrawn });
      const hostFunction = WASI.get(name)?.get(functionName);
      expect(call(agent, hostFunction, ...args)).toEqual({ tag: 'err', val: error });
      expect(agent.denials).toEqual([
        { capability: 'can_network', operation: `sockets.${functionName}` },
      ]);
      expect(agent.held).toBe(0);
    },
  );

  test.each(gatedFunctions)('%s %s is no denial with the grant', (name, functionName, args) => {
    const agent = new FakeAgent({ grants: { network: 'all' } });
    const hostFunction = WASI.get(name)?.get(functionName);
    call(agent, hostFunction, ...args);
    expect(agent.denials).toEqual([]);
  });

  const trapping: [string, string, 'clocks' | 'random', string, unknown[]][] = [
    ['wasi:clocks/monotonic-clock', 'now', 'clocks', 'clocks.monotonic-clock.now', []],
    [
      'wasi:clocks/monotonic-clock',
      'resolution',
      'clocks',
      'clocks.monotonic-clock.resolution',
      [],
    ],
    [
      'wasi:clocks/monotonic-clock',
      'subscribe-instant',
      'clocks',
      'clocks.subscribe-instant',
      [0n],
    ],
    [
      'wasi:clocks/monotonic-clock',
      'subscribe-duration',
      'clocks',
      'clocks.subscribe-duration',
      [0n],
    ],
    ['wasi:clocks/wall-clock', 'now', 'clocks', 'clocks.wall-clock.now', []],
    ['wasi:clocks/wall-clock', 'resolution', 'clocks', 'clocks.wall-clock.resolution', []],
    ['wasi:random/random', 'get-random-bytes', 'random', 'random.get-random-bytes', [8n]],
    ['wasi:random/random', 'get-random-u64', 'random', 'random.get-random-u64', []],
    [
      'wasi:random/insecure',
      'get-insecure-random-bytes',
      'random',
      'random.get-insecure-random-bytes',
      [8n],
    ],
    [
      'wasi:random/insecure',
      'get-insecure-random-u64',
      'random',
      'random.get-insecure-random-u64',
      [],
    ],
    ['wasi:random/insecure-seed', 'insecure-seed', 'random', 'random.insecure-seed', []],
  ];

  test.each(trapping)(
    '%s %s traps and names the grant that was withdrawn',
    (name, functionName, capability, operation, args) => {
      const agent = new FakeAgent({ grants: withdrawn });
      const hostFunction = WASI.get(name)?.get(functionName);
      expect(() => call(agent, hostFunction, ...args)).toThrow(`${operation} needs ${capability}`);
      expect(agent.denials).toEqual([{ capability, operation }]);
      expect(agent.held).toBe(0);

      const granted = new FakeAgent();
      expect(call(granted, hostFunction, ...args)).toBeDefined();
      expect(granted.denials).toEqual([]);
    },
  );
});

describe('through the bindings', () => {
  /** A guest of one page whose realloc always answers the same place. */
  function guest(agent: FakeAgent): {
    memory: DataView;
    handles: HandleTable;
    bound: (interfaceName: string, name: string) => (...flat: unknown[]) => unknown;
  } {
    const buffer = new ArrayBuffer(65_536);
    const handles = new HandleTable();
    const guestCall = {
      agent,
      handles,
      enter: () => {},
      charge: () => {},
      allocate: () => 1024,
      trap: agent.trap,
      fail: (error: unknown) => {
        throw error;
      },
    } as unknown as GuestCall;
    const access = {
      memory: () => ({ buffer }) as never,
      realloc: () => () => 1024,
      encoding: 'utf8' as const,
      views: new MemoryViews(),
    };
    return {
      memory: new DataView(buffer),
      handles,
      bound: (interfaceName, name) =>
        BINDINGS.get(interfaceName)
          ?.get(name)
          ?.bind(WASI.get(interfaceName)?.get(name) ?? null, guestCall, access) as never,
    };
  }

  test('a stream is read, and its drop gives back what it cost', () => {
    const agent = new FakeAgent();
    const { memory, handles, bound } = guest(agent);
    const handle = bound('wasi:cli/stdin', 'get-stdin')() as number;
    expect(agent.held).toBeGreaterThan(0);

    const blockingRead = bound('wasi:io/streams', '[method]input-stream.blocking-read');
    expect(blockingRead(handle, 100n, 64)).toBe(1);
    agent.stdin.push('hello');
    expect(blockingRead(handle, 100n, 64)).toBe(0);
    expect(memory.getUint8(64)).toBe(0);
    expect(memory.getUint32(72, true)).toBe(5);
    expect(Buffer.from(memory.buffer, memory.getUint32(68, true), 5).toString()).toBe('hello');

    const drop = bound('wasi:io/streams', '[resource-drop]input-stream');
    drop(handle);
    expect(agent.held).toBe(0);
    expect(handles.count).toBe(0);
    expect(() => drop(handle)).toThrow('is not one that the agent holds');
    expect(() => blockingRead(handle, 100n, 64)).toThrow('is not one that the agent holds');
  });

  test('a handle of another resource ends the agent', () => {
    const { memory, bound } = guest(new FakeAgent());
    const handle = bound('wasi:cli/stdin', 'get-stdin')();
    const checkWrite = bound('wasi:io/streams', '[method]output-stream.check-write');
    expect(() => checkWrite(handle, 64)).toThrow('is a wasi:io/streams/input-stream');
    checkWrite(bound('wasi:cli/stdout', 'get-stdout')(), 64);
    expect(memory.getBigUint64(72, true)).toBe(8192n);
  });

  test('poll takes its list of handles and waits', () => {
    const agent = new FakeAgent();
    const { memory, bound } = guest(agent);
    const later = bound('wasi:clocks/monotonic-clock', 'subscribe-duration')(1_000_000_000n);
    memory.setUint32(128, later as number, true);
    const poll = bound('wasi:io/poll', 'poll');
    expect(poll(128, 1, 64)).toBe(1);
    agent.clocks.advance(1_000_000_000n);
    expect(poll(128, 1, 64)).toBe(0);
    expect([memory.getUint32(68, true), memory.getUint32(1024, true)]).toEqual([1, 0]);
    expect(() => poll(128, 0, 64)).toThrow('empty list');
  });
});
