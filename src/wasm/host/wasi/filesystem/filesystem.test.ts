/**
 * Goal: the functions of wasi:filesystem do through the gate what the file host does, and nothing
 * without a grant in force, its modes, and the descriptor's own mount. Method: a fake agent over a real
 * engine in memory, once answering at once and once as a broker that answers later.
 */

import { beforeEach, describe, expect, test } from 'vitest';
import {
  call,
  callOnce,
  callUntilAnswered,
  FakeAgent,
  type FakeAgentOptions,
} from '../../../../../test/support/fake-agent.ts';
import type { HeldGrants } from '../../../../capability/held.ts';
import { type Result, WAIT } from '../../abi/binding.ts';
import { openFiles } from '../../files/engine.ts';
import type { FileHost } from '../../files/host.ts';
import type { FileAnswer, FileOperationName, FileRequest } from '../../files/request.ts';
import type { Interface } from '../../implement.ts';
import type { Operation, Outcome } from '../../operation.ts';
import { HANDLE_BYTES } from '../held.ts';
import { WASI, WASI_BROKERED } from '../index.ts';
import { ioStreams } from '../io/streams.ts';
import type { Descriptor, EntryStream } from './descriptor.ts';

const READ = 1;
const WRITE = 2;
const CREATE = 1;

/** A file host that answers nothing at once. */
class FakeBroker implements FileHost {
  readonly host: FileHost;
  /** Operations of requests that nobody has abandoned. */
  readonly asked: FileOperationName[] = [];
  abandoned = 0;

  constructor(host: FileHost) {
    this.host = host;
  }

  get preopens() {
    return this.host.preopens;
  }

  perform<Name extends FileOperationName>(request: FileRequest<Name>): Operation<FileAnswer<Name>> {
    this.asked.push(request.op as FileOperationName);
    const answer = this.host.perform(request);
    let outcome: Outcome<FileAnswer<Name>> | null = null;
    const wakes = new Set<() => void>();
    setImmediate(() => {
      outcome = 'outcome' in answer ? answer.outcome : { tag: 'ok', val: answer };
      outcome ??= { tag: 'ok', val: { tag: 'ok', val: undefined } as FileAnswer<Name> };
      for (const wake of wakes) {
        wake();
      }
    });
    return {
      get outcome() {
        return outcome;
      },
      onSettled: (wake) => {
        wakes.add(wake);
        return () => wakes.delete(wake);
      },
      abandon: () => {
        this.abandoned += 1;
      },
    };
  }

  close(): void {
    this.host.close();
  }
}

const MODES = ['read', 'write', 'create'] as const;
type Modes = (typeof MODES)[number][];

function options(modes: Modes, brokered: boolean, other?: Modes): FakeAgentOptions {
  const mount = (guest: string, of: Modes) => ({ memory: true as const, guest, modes: of });
  const files = [mount('/', modes), ...(other === undefined ? [] : [mount('/other', other)])];
  return {
    grants: { files },
    files: (grants: HeldGrants) => {
      const mounts = grants.of.files.map(({ scope }) => ({ scope, root: null }));
      const host = openFiles(mounts, { take: () => true, give: () => {} });
      return brokered ? new FakeBroker(host) : host;
    },
  };
}

describe.each([
  ['at once', WASI, false],
  ['by a broker', WASI_BROKERED, true],
] as const)('files that are answered %s', (_, table: ReadonlyMap<string, Interface>, brokered) => {
  let agent: FakeAgent;
  let root: Descriptor;

  const fn = (name: string) => table.get('wasi:filesystem/types')?.get(name);
  /** Calls a method of a descriptor until it is answered. */
  async function on<Value = unknown>(
    self: Descriptor | EntryStream,
    name: string,
    ...args: unknown[]
  ): Promise<Result<Value, string>> {
    const resource = 'type' in self ? 'descriptor' : 'directory-entry-stream';
    return callUntilAnswered(agent, fn(`[method]${resource}.${name}`), self, ...args);
  }
  async function get<Value = unknown>(...args: Parameters<typeof on>): Promise<Value> {
    const answer = await on<Value>(...args);
    if (answer.tag === 'err') {
      throw new Error(`${args[1]} answered ${answer.val}`);
    }
    return answer.val;
  }
  const open = (path: string, how = 0, flags = READ) =>
    get<Descriptor>(root, 'open-at', 1, path, how, flags);
  const stream = <Answer>(name: string, ...args: unknown[]) =>
    callUntilAnswered<Answer>(agent, ioStreams.get(`[method]${name}`), ...args);

  function start(modes: Modes = [...MODES], other?: Modes): void {
    agent = new FakeAgent(options(modes, brokered, other));
    const preopens = table.get('wasi:filesystem/preopens')?.get('get-directories');
    root = call<[Descriptor, string][]>(agent, preopens)[0]![0];
  }
  beforeEach(() => start());

  const revoke = (index = 0) => {
    const grant = agent.grants.of.files[index]!;
    agent.block.revokeGrant(grant.index);
  };
  const bytes = (text: string) => new TextEncoder().encode(text);
  const text = (answer: readonly [Uint8Array, boolean]) => Buffer.from(answer[0]).toString();

  test('write, read, list, look', async () => {
    const file = await open('file', CREATE, READ | WRITE);
    expect(await get(file, 'write', bytes('hello'), 0n)).toBe(5n);
    expect(text(await get(file, 'read', 100n, 1n))).toBe('ello');
    expect(await get(file, 'stat')).toMatchObject({
      type: 'regular-file',
      size: 5n,
      linkCount: 1n,
    });
    expect(await get(file, 'get-flags')).toBe(READ | WRITE);
    expect(await get(file, 'get-type')).toBe('regular-file');
    expect(await on(file, 'sync')).toEqual({ tag: 'ok', val: undefined });
    await get(root, 'create-directory-at', 'dir');
    await get(root, 'symlink-at', 'file', 'link');
    const entries = await get<EntryStream>(root, 'read-directory');
    const names: string[] = [];
    for (;;) {
      const entry = await get<{ name: string } | undefined>(entries, 'read-directory-entry');
      if (entry === undefined) {
        break;
      }
      names.push(entry.name);
    }
    expect(names).toEqual(['file', 'dir', 'link']);
    expect(await get(entries, 'read-directory-entry')).toBeUndefined();
    expect(await get(root, 'readlink-at', 'link')).toBe('file');
    const again = await open('link');
    expect(call(agent, fn('[method]descriptor.is-same-object'), file, again)).toBe(true);
    expect(call(agent, fn('[method]descriptor.is-same-object'), file, root)).toBe(false);
    const hash = await get(file, 'metadata-hash');
    expect(await get(root, 'metadata-hash-at', 1, 'link')).toEqual(hash);
    expect(await get(root, 'metadata-hash')).not.toEqual(hash);
    expect(agent.denials).toEqual([]);
  });

  test('times are as coarse as the clocks', async () => {
    const file = await open('file', CREATE, WRITE);
    const time = (nanoseconds: number) => ({
      tag: 'timestamp',
      val: { seconds: 5n, nanoseconds },
    });
    await get(file, 'set-times', time(123_456_789), { tag: 'no-change' });
    expect(await get(file, 'stat')).toMatchObject({
      dataAccessTimestamp: { seconds: 5n, nanoseconds: 123_000_000 },
    });
    await get(root, 'set-times-at', 1, 'file', { tag: 'now' }, time(1));
    expect(await get(root, 'stat-at', 1, 'file')).toMatchObject({
      dataModificationTimestamp: { seconds: 5n, nanoseconds: 0 },
    });
  });

  test('14: lengths and offsets of 64 bits', async () => {
    const file = await open('file', CREATE, READ | WRITE);
    await get(file, 'write', bytes('hello'), 0n);
    const last = 2n ** 64n - 1n;
    expect(text(await get(file, 'read', last, 0n))).toBe('hello');
    expect(await on(file, 'read', 1n, last)).toEqual({ tag: 'err', val: 'invalid' });
    expect(await on(file, 'write', bytes('x'), last)).toEqual({ tag: 'err', val: 'invalid' });
    expect(await on(file, 'set-size', last)).toEqual({ tag: 'err', val: 'invalid' });
    expect(await on(file, 'set-size', 2n ** 60n)).toEqual({ tag: 'err', val: 'file-too-large' });
  });

  describe('streams', () => {
    test('read to the end, piece by piece', async () => {
      const file = await open('file', CREATE, READ | WRITE);
      await get(file, 'write', bytes('x'.repeat(100_000)), 0n);
      const input = await get(file, 'read-via-stream', 10n);
      let length = 0;
      for (;;) {
        const answer = await stream<Result<Uint8Array, unknown>>(
          'input-stream.blocking-read',
          input,
          2n ** 40n,
        );
        if (answer.tag === 'err') {
          expect(answer.val).toEqual({ tag: 'closed' });
          break;
        }
        expect(answer.val.length).toBeGreaterThan(0);
        expect(answer.val.length).toBeLessThanOrEqual(65_536);
        length += answer.val.length;
      }
      expect(length).toBe(99_990);
    });

    test('write at an offset, and append', async () => {
      const file = await open('file', CREATE, READ | WRITE);
      const at = await get(file, 'write-via-stream', 2n);
      const end = await get(file, 'append-via-stream');
      const write = (output: unknown, what: string) =>
        stream('output-stream.blocking-write-and-flush', output, bytes(what));
      expect(await write(at, 'ab')).toEqual({ tag: 'ok', val: undefined });
      expect(await write(at, 'cd')).toEqual({ tag: 'ok', val: undefined });
      expect(await write(end, 'END')).toEqual({ tag: 'ok', val: undefined });
      expect(text(await get(file, 'read', 100n, 0n))).toBe('\0\0abcdEND');
    });

    test('need the flag of their descriptor', async () => {
      const reading = await open('file', CREATE, READ);
      const writing = await open('file', CREATE, WRITE);
      const bad = { tag: 'err', val: 'bad-descriptor' };
      expect(await on(reading, 'write-via-stream', 0n)).toEqual(bad);
      expect(await on(reading, 'append-via-stream')).toEqual(bad);
      expect(await on(writing, 'read-via-stream', 0n)).toEqual(bad);
      expect(await on(root, 'read-via-stream', 0n)).toEqual({ tag: 'err', val: 'is-directory' });
      expect((await on(reading, 'read-via-stream', 0n)).tag).toBe('ok');
    });

    test('a failure is told once with its code, and then the stream is closed', async () => {
      const file = await open('file', CREATE, WRITE);
      const output = await get(file, 'write-via-stream', 2n ** 62n);
      const write = () =>
        stream<Result<unknown, { tag: string; val: object }>>(
          'output-stream.blocking-write-and-flush',
          output,
          bytes('x'),
        );
      const failed = await write();
      expect(failed).toMatchObject({ tag: 'err', val: { tag: 'last-operation-failed' } });
      const error = failed.tag === 'err' ? failed.val.val : {};
      expect(call(agent, fn('filesystem-error-code'), error)).toBe('file-too-large');
      expect(await write()).toEqual({ tag: 'err', val: { tag: 'closed' } });
      expect(call(agent, ioStreams.get('[method]output-stream.check-write'), output)).toEqual({
        tag: 'err',
        val: { tag: 'closed' },
      });
    });

    test('outlive their descriptor, and close the file with the last of them', async () => {
      const file = await open('file', CREATE, READ | WRITE);
      await get(file, 'write', bytes('hello'), 0n);
      const input = await get(file, 'read-via-stream', 0n);
      const other = await get(file, 'read-via-stream', 0n);
      call(agent, fn('[resource-drop]descriptor'), file);
      const drop = ioStreams.get('[resource-drop]input-stream');
      call(agent, drop, other);
      call(agent, drop, other);
      expect(await stream('input-stream.blocking-read', input, 9n)).toEqual({
        tag: 'ok',
        val: bytes('hello'),
      });
      call(agent, drop, input);
      expect(agent.files.perform({ op: 'stat', handle: file.handle })).toSatisfy(
        (answer: unknown) => brokered || (answer as { val: unknown }).val === 'bad-descriptor',
      );
    });
  });

  describe('handles', () => {
    test('each is accounted for, and given back once', async () => {
      const before = agent.held;
      const file = await open('file', CREATE);
      expect(agent.held).toBe(before + HANDLE_BYTES);
      const entries = await get<EntryStream>(root, 'read-directory');
      expect(agent.held).toBeGreaterThan(before + 2 * HANDLE_BYTES);
      for (let turn = 0; turn < 2; turn += 1) {
        call(agent, fn('[resource-drop]descriptor'), file);
        call(agent, fn('[resource-drop]directory-entry-stream'), entries);
      }
      expect(agent.held).toBe(before);
    });

    test('a root that is dropped can be had again', async () => {
      call(agent, fn('[resource-drop]descriptor'), root);
      const preopens = table.get('wasi:filesystem/preopens')?.get('get-directories');
      root = call<[Descriptor, string][]>(agent, preopens)[0]![0];
      expect((await on(root, 'stat')).tag).toBe('ok');
    });
  });

  /** Every function of a descriptor, with arguments that would do something. */
  const everything = (): Record<string, unknown[]> => ({
    'read-via-stream': [0n],
    'write-via-stream': [0n],
    'append-via-stream': [],
    advise: [0n, 0n, 'normal'],
    'sync-data': [],
    'get-flags': [],
    'get-type': [],
    'set-size': [0n],
    'set-times': [{ tag: 'now' }, { tag: 'now' }],
    read: [1n, 0n],
    write: [bytes('x'), 0n],
    'read-directory': [],
    sync: [],
    'create-directory-at': ['made'],
    stat: [],
    'stat-at': [1, '.'],
    'set-times-at': [1, '.', { tag: 'now' }, { tag: 'now' }],
    'link-at': [1, 'a', root, 'b'],
    'open-at': [1, 'made too', CREATE, WRITE],
    'readlink-at': ['a'],
    'remove-directory-at': ['made'],
    'rename-at': ['a', root, 'b'],
    'symlink-at': ['a', 'b'],
    'unlink-file-at': ['a'],
    'metadata-hash': [],
    'metadata-hash-at': [1, '.'],
  });
  const NAMES = [
    ...['read-via-stream', 'write-via-stream', 'append-via-stream', 'advise', 'sync-data'],
    ...['get-flags', 'get-type', 'set-size', 'set-times', 'read', 'write', 'read-directory'],
    ...['sync', 'create-directory-at', 'stat', 'stat-at', 'set-times-at', 'link-at', 'open-at'],
    ...['readlink-at', 'remove-directory-at', 'rename-at', 'symlink-at', 'unlink-file-at'],
    ...['metadata-hash', 'metadata-hash-at'],
  ];

  describe.each(NAMES)('32: %s', (name) => {
    test('revoked: denied, counted, and nothing is asked of the file host', async () => {
      revoke();
      const asked = agent.files instanceof FakeBroker ? agent.files.asked.length : 0;
      const args = everything()[name] as unknown[];
      expect(await on(root, name, ...args)).toEqual({ tag: 'err', val: 'access' });
      expect(agent.denials).toEqual([
        { capability: 'files', operation: `filesystem.descriptor.${name}` },
      ]);
      expect(agent.files instanceof FakeBroker ? agent.files.asked.length : 0).toBe(asked);
    });

    test('in force: no denial', async () => {
      const args = everything()[name] as unknown[];
      await on(root, name, ...args);
      expect(agent.denials).toEqual([]);
    });

    test('the grant of another mount does not do for it', async () => {
      start([...MODES], [...MODES]);
      revoke(0);
      const args = everything()[name] as unknown[];
      expect(await on(root, name, ...args)).toEqual({ tag: 'err', val: 'access' });
    });
  });

  const CHANGING: [string, Modes[]][] = [
    // What is enough for it, beside reading.
    ['write-via-stream', [['write'], ['create']]],
    ['append-via-stream', [['write'], ['create']]],
    ['set-size', [['write'], ['create']]],
    ['write', [['write'], ['create']]],
    ['set-times-at', [['write']]],
    ['create-directory-at', [['create']]],
    ['link-at', [['create']]],
    ['remove-directory-at', [['create']]],
    ['rename-at', [['create']]],
    ['symlink-at', [['create']]],
    ['unlink-file-at', [['create']]],
    ['open-at', [['create']]],
  ];
  test.each(CHANGING)('32: %s without its mode is read-only, and counted', async (name, enough) => {
    const all: Modes[] = [[], ['write'], ['create'], ['write', 'create']];
    for (const modes of all) {
      start(['read', ...modes]);
      const args = everything()[name] as unknown[];
      const answer = await on(root, name, ...args);
      const allowed = enough.some((needed) => needed.every((mode) => modes.includes(mode)));
      expect([modes, agent.denials.length]).toEqual([modes, allowed ? 0 : 1]);
      expect([modes, answer.val === 'read-only']).toEqual([modes, !allowed]);
    }
  });

  test('what is opened without the mode is read-only; reading it is fine', async () => {
    start(['read']);
    expect(await on(root, 'open-at', 1, '.', 0, READ)).toMatchObject({ tag: 'ok' });
    for (const [how, flags] of [
      [CREATE, READ],
      [8, READ],
      [0, WRITE],
      [0, 32],
    ]) {
      expect(await on(root, 'open-at', 1, '.', how, flags)).toEqual({
        tag: 'err',
        val: 'read-only',
      });
    }
    expect(agent.denials).toHaveLength(4);
  });

  test('of two descriptors both grants must be in force, and be of one mount', async () => {
    start([...MODES], [...MODES]);
    const preopens = table.get('wasi:filesystem/preopens')?.get('get-directories');
    const other = call<[Descriptor, string][]>(agent, preopens)[1]![0];
    await open('a', CREATE);
    const cross = { tag: 'err', val: 'cross-device' };
    expect(await on(root, 'rename-at', 'a', other, 'b')).toEqual(cross);
    expect(await on(root, 'link-at', 0, 'a', other, 'b')).toEqual(cross);
    expect(agent.denials).toEqual([]);
    revoke(1);
    const denied = { tag: 'err', val: 'access' };
    expect(await on(root, 'rename-at', 'a', other, 'b')).toEqual(denied);
    expect(await on(root, 'link-at', 0, 'a', other, 'b')).toEqual(denied);
    expect(agent.denials).toHaveLength(2);
    expect(await on(root, 'rename-at', 'a', root, 'b')).toEqual({ tag: 'ok', val: undefined });
  });

  test('is-same-object of what is revoked says no', () => {
    const same = fn('[method]descriptor.is-same-object');
    expect(call(agent, same, root, root)).toBe(true);
    revoke();
    expect(call(agent, same, root, root)).toBe(false);
    expect(agent.denials).toHaveLength(1);
  });

  test('38: streams that were made before see the revocation', async () => {
    const file = await open('file', CREATE, READ | WRITE);
    await get(file, 'write', bytes('hello'), 0n);
    const input = await get(file, 'read-via-stream', 0n);
    const output = await get(file, 'append-via-stream');
    const entries = await get<EntryStream>(root, 'read-directory');
    revoke();
    const read = await stream<Result<unknown, { tag: string; val: object }>>(
      'input-stream.blocking-read',
      input,
      9n,
    );
    const write = await stream<Result<unknown, { tag: string; val: object }>>(
      'output-stream.blocking-write-and-flush',
      output,
      bytes('x'),
    );
    for (const failed of [read, write]) {
      expect(failed).toMatchObject({ tag: 'err', val: { tag: 'last-operation-failed' } });
      const error = failed.tag === 'err' ? failed.val.val : {};
      expect(call(agent, fn('filesystem-error-code'), error)).toBe('access');
    }
    expect(await on(entries, 'read-directory-entry')).toEqual({ tag: 'err', val: 'access' });
    expect(agent.denials.map(({ operation }) => operation)).toEqual([
      'filesystem.input-stream.read',
      'filesystem.output-stream.write',
      'filesystem.directory-entry-stream.read-directory-entry',
    ]);
    expect(agent.denials.every(({ capability }) => capability === 'files')).toBe(true);
  });

  test('mounts whose grant is gone are no longer there', () => {
    start([...MODES], ['read']);
    const preopens = table.get('wasi:filesystem/preopens')?.get('get-directories');
    const guests = () => call<[Descriptor, string][]>(agent, preopens).map(([, guest]) => guest);
    expect(guests()).toEqual(['/', '/other']);
    revoke(0);
    expect(guests()).toEqual(['/other']);
  });

  test('nothing can be done with resources when they are dropped after the revocation', async () => {
    const file = await open('file', CREATE);
    revoke();
    const before = agent.held;
    call(agent, fn('[resource-drop]descriptor'), file);
    expect(agent.held).toBe(before - HANDLE_BYTES);
    expect(agent.denials).toEqual([]);
  });

  test.runIf(brokered)('a call that waits is denied when its grant is revoked meanwhile', () => {
    const write = fn('[method]descriptor.create-directory-at');
    expect(callOnce(agent, write, root, 'dir')).toBe(WAIT);
    revoke();
    expect(callOnce(agent, write, root, 'dir')).toEqual({ tag: 'err', val: 'access' });
    expect((agent.files as FakeBroker).abandoned).toBe(1);
    expect(agent.pending).toBeUndefined();
  });
});

test('what the file host works long for shortens the slice of its agent, and short work does not', async () => {
  const told: number[] = [];
  class SeenAgent extends FakeAgent {
    override worked(milliseconds: number): void {
      told.push(milliseconds);
    }
  }
  let slow = false;
  const agent = new SeenAgent({
    grants: { files: [{ memory: true, guest: '/' }] },
    files: (grants) => {
      const [grant] = grants.of.files;
      const engine = openFiles([{ scope: grant!.scope, root: null }], {
        take: () => true,
        give: () => {},
      });
      return {
        preopens: engine.preopens,
        close: () => engine.close(),
        perform: (request) => {
          const until = performance.now() + (slow ? 5 : 0);
          while (performance.now() < until) {
            // As a disk would let it wait.
          }
          return engine.perform(request);
        },
      };
    },
  });
  const preopens = WASI.get('wasi:filesystem/preopens')?.get('get-directories');
  const [[root]] = call<[[Descriptor, string]]>(agent, preopens);
  const stat = WASI.get('wasi:filesystem/types')?.get('[method]descriptor.stat');
  slow = true;
  call(agent, stat, root);
  expect(told).toHaveLength(1);
  expect(told[0]).toBeGreaterThanOrEqual(5);
});

test('without a mount there is no directory', () => {
  const agent = new FakeAgent();
  const preopens = WASI.get('wasi:filesystem/preopens')?.get('get-directories');
  expect(call(agent, preopens)).toEqual([]);
});
