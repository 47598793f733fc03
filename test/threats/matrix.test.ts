/**
 * Goal: every host function that needs a grant is denied, typed, counted once and without effect where
 * the grant is absent, out of scope, revoked or expired, or its limit is reached; and is not where it is
 * present. Method: all host functions there are, out of the table that guests are bound to, each with
 * arguments that would do something; a function that has no row fails the test.
 */

import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { CAPABILITY_NAME, GRANT_KINDS, type GrantKind } from '../../src/capability/grant.ts';
import type { GrantsInput } from '../../src/index.ts';
import type { Answer, Question } from '../../src/ipc/question.ts';
import { WAIT } from '../../src/wasm/host/abi/binding.ts';
import type { HostAgent, Operation } from '../../src/wasm/host/agent.ts';
import { openFiles } from '../../src/wasm/host/files/engine.ts';
import { openRoot } from '../../src/wasm/host/files/root.ts';
import { HOST } from '../../src/wasm/host/index.ts';
import type { Descriptor } from '../../src/wasm/host/wasi/filesystem/descriptor.ts';
import { Cas } from '../../src/wasm/host/wasi/keyvalue/atomics.ts';
import { Bucket } from '../../src/wasm/host/wasi/keyvalue/tools.ts';
import { SharedSocket } from '../../src/wasm/host/wasi/sockets/ask.ts';
import { TcpSocketResource } from '../../src/wasm/host/wasi/sockets/tcp-socket.ts';
import { UdpSocketResource } from '../../src/wasm/host/wasi/sockets/udp-socket.ts';
import {
  IncomingDatagramStream,
  OutgoingDatagramStream,
} from '../../src/wasm/host/wasi/sockets/udp-streams.ts';
import { callOnce, FakeAgent, FakeTrap } from '../support/fake-agent.ts';

/** What calls may have done: only those that pass do anything. */
const effects: string[] = [];

const settled = <Value>(val: Value): Operation<Value> => ({
  outcome: { tag: 'ok', val },
  onSettled: () => () => {},
  abandon: () => {},
});

/** What tools answer that host functions read the answers of. */
const ANSWERS: Readonly<Record<string, object>> = {
  'kv.get': { value: 'dg==', version: 1 },
  'kv.set': { version: 2 },
  'kv.increment': { value: '7' },
  'kv.swap': { swapped: true, version: 2 },
  'kv.list': { keys: ['key'] },
};

/** An agent whose acts are seen. */
class SeenAgent extends FakeAgent {
  isDiskFull = false;

  override send(): Operation<number> {
    effects.push('send');
    return settled(3);
  }
  override ask(question: Question): Operation<Answer> {
    effects.push(question.ask);
    return settled(question.ask === 'tools' ? [] : null);
  }
  override callTool(name: string): Operation<string> {
    effects.push('call-tool');
    return settled(JSON.stringify(ANSWERS[name] ?? {}));
  }
  override spawn(): Operation<number> {
    effects.push('spawn');
    return settled(9);
  }
}

interface World {
  readonly agent: SeenAgent;
  /** The root of the mount, and a file that is open in it. */
  readonly root: Descriptor;
  readonly file: Descriptor;
  readonly entries: unknown;
}

type Arguments = (world: World) => unknown[];

const file: Arguments = ({ file }) => [file];
const path: Arguments = ({ root }) => [root, 'made'];
const now = { tag: 'now' };
const payload = { tag: 'text', val: 'hello' };
const child = { agentId: 'child' };
const spawnRequest: Arguments = () => [child];

const ADDRESS = { tag: 'ipv4', val: { port: 80, address: [127, 0, 0, 1] } };
const DATAGRAMS = { family: 'ipv4', remote: null, generation: 1 } as const;
const bucket = ({ agent }: World) => new Bucket(agent);
const cas = ({ agent }: World) => new Cas(agent, 'key', 1);
const value = new Uint8Array([118]);
const tcpSocket = ({ agent }: World) => new TcpSocketResource(agent, 'ipv4');
const udpSocket = ({ agent }: World) => new UdpSocketResource(agent, 'ipv4');

/** Arguments for each function, by interface and name; functions of one kind stand together. */
const ARGUMENTS: Readonly<Record<string, Readonly<Record<string, Arguments>>>> = {
  'ringfence:agent/process': { spawn: spawnRequest, stop: () => [3n, 'force'] },
  'ringfence:agent/ipc': {
    send: () => [{ tag: 'process', val: 3n }, payload, undefined],
    request: () => [{ tag: 'process', val: 3n }, payload],
    reply: ({ agent }) => [
      BigInt(agent.conversations.asked({ pid: 3, correlation: 1 }).id),
      payload,
    ],
    receive: () => [{ tag: 'any' }, 0n],
    publish: () => ['news', payload],
    subscribe: () => ['news'],
    unsubscribe: () => ['news'],
  },
  'ringfence:agent/timers': {
    after: () => [5n, payload],
    every: () => [5n, payload],
    cancel: () => [1n],
  },
  'ringfence:agent/tools': { list: () => [], call: () => ['add', '{}'] },
  'wasi:keyvalue/store': {
    open: () => ['default'],
    '[method]bucket.get': (world) => [bucket(world), 'key'],
    '[method]bucket.set': (world) => [bucket(world), 'key', value],
    '[method]bucket.delete': (world) => [bucket(world), 'key'],
    '[method]bucket.exists': (world) => [bucket(world), 'key'],
    '[method]bucket.list-keys': (world) => [bucket(world), undefined],
  },
  'wasi:keyvalue/atomics': {
    '[static]cas.new': (world) => [bucket(world), 'key'],
    '[method]cas.current': (world) => [cas(world)],
    increment: (world) => [bucket(world), 'key', 1n],
    swap: (world) => [cas(world), value],
  },
  'wasi:keyvalue/batch': {
    'get-many': (world) => [bucket(world), ['key']],
    'set-many': (world) => [bucket(world), [['key', value]]],
    'delete-many': (world) => [bucket(world), ['key']],
  },
  'wasi:clocks/monotonic-clock': {
    now: () => [],
    resolution: () => [],
    'subscribe-instant': () => [0n],
    'subscribe-duration': () => [0n],
  },
  'wasi:clocks/wall-clock': { now: () => [], resolution: () => [] },
  'wasi:random/random': { 'get-random-bytes': () => [8n], 'get-random-u64': () => [] },
  'wasi:random/insecure': {
    'get-insecure-random-bytes': () => [8n],
    'get-insecure-random-u64': () => [],
  },
  'wasi:random/insecure-seed': { 'insecure-seed': () => [] },
  'wasi:sockets/tcp-create-socket': { 'create-tcp-socket': () => ['ipv4'] },
  'wasi:sockets/udp-create-socket': { 'create-udp-socket': () => ['ipv4'] },
  'wasi:sockets/ip-name-lookup': { 'resolve-addresses': () => [{}, 'example.org'] },
  'wasi:sockets/tcp': {
    '[method]tcp-socket.start-bind': (world) => [tcpSocket(world), {}, ADDRESS],
    '[method]tcp-socket.start-connect': (world) => [tcpSocket(world), {}, ADDRESS],
    '[method]tcp-socket.start-listen': (world) => [tcpSocket(world)],
    '[method]tcp-socket.accept': (world) => [tcpSocket(world)],
    '[method]tcp-socket.shutdown': (world) => [tcpSocket(world), 'both'],
    '[method]tcp-socket.set-keep-alive-enabled': (world) => [tcpSocket(world), true],
    '[method]tcp-socket.set-keep-alive-idle-time': (world) => [tcpSocket(world), 1n],
    '[method]tcp-socket.set-keep-alive-interval': (world) => [tcpSocket(world), 1n],
    '[method]tcp-socket.set-keep-alive-count': (world) => [tcpSocket(world), 1],
  },
  'wasi:sockets/udp': {
    '[method]udp-socket.start-bind': (world) => [udpSocket(world), {}, ADDRESS],
    '[method]udp-socket.stream': (world) => [udpSocket(world), ADDRESS],
    '[method]udp-socket.set-unicast-hop-limit': (world) => [udpSocket(world), 9],
    '[method]incoming-datagram-stream.receive': ({ agent }) => [
      new IncomingDatagramStream(agent, DATAGRAMS, new SharedSocket(1)),
      1n,
    ],
    '[method]outgoing-datagram-stream.send': ({ agent }) => [
      new OutgoingDatagramStream(agent, DATAGRAMS, new SharedSocket(1)),
      [],
    ],
  },
  'wasi:http/outgoing-handler': { handle: () => [{ release: () => {} }, undefined] },
  'wasi:filesystem/types': {
    '[method]descriptor.read-via-stream': ({ file }) => [file, 0n],
    '[method]descriptor.write-via-stream': ({ file }) => [file, 0n],
    '[method]descriptor.append-via-stream': file,
    '[method]descriptor.advise': ({ file }) => [file, 0n, 1n, 'normal'],
    '[method]descriptor.sync-data': file,
    '[method]descriptor.sync': file,
    '[method]descriptor.get-flags': file,
    '[method]descriptor.get-type': file,
    '[method]descriptor.set-size': ({ file }) => [file, 2n],
    '[method]descriptor.set-times': ({ file }) => [file, now, now],
    '[method]descriptor.read': ({ file }) => [file, 8n, 0n],
    '[method]descriptor.write': ({ file }) => [file, new Uint8Array([65]), 0n],
    '[method]descriptor.read-directory': ({ root }) => [root],
    '[method]descriptor.create-directory-at': path,
    '[method]descriptor.stat': file,
    '[method]descriptor.stat-at': ({ root }) => [root, 0, 'there'],
    '[method]descriptor.set-times-at': ({ root }) => [root, 0, 'there', now, now],
    '[method]descriptor.link-at': ({ root }) => [root, 0, 'there', root, 'made'],
    '[method]descriptor.open-at': ({ root }) => [root, 0, 'made', 1, 3],
    '[method]descriptor.readlink-at': ({ root }) => [root, 'there'],
    '[method]descriptor.remove-directory-at': ({ root }) => [root, 'folder'],
    '[method]descriptor.rename-at': ({ root }) => [root, 'there', root, 'made'],
    '[method]descriptor.symlink-at': ({ root }) => [root, 'there', 'made'],
    '[method]descriptor.unlink-file-at': ({ root }) => [root, 'there'],
    '[method]descriptor.is-same-object': ({ file, root }) => [file, root],
    '[method]descriptor.metadata-hash': file,
    '[method]descriptor.metadata-hash-at': ({ root }) => [root, 0, 'there'],
    '[method]directory-entry-stream.read-directory-entry': ({ entries }) => [entries],
  },
};

/** All that the agent may have, and the same kinds in a scope that reaches none of the arguments. */
const everything = (host: string): GrantsInput => ({
  ipc: 'all',
  network: 'all',
  tools: 'all',
  services: 'all',
  spawn: 4,
  files: [{ host, guest: '/', modes: ['read', 'write', 'create'] }],
});
const NARROW: GrantsInput = {
  ipc: { pids: [4], topics: ['other'] },
  tools: ['other'],
};

/** Functions whose scope is looked at by the gate; where a mount reads only, those that change it. */
const OUT_OF_SCOPE: ReadonlySet<string> = new Set([
  'ipc.send',
  'ipc.request',
  'ipc.publish',
  'ipc.subscribe',
  'ipc.unsubscribe',
  'tools.call',
  'store.open',
  'store.[method]bucket.get',
  'store.[method]bucket.set',
  'store.[method]bucket.delete',
  'store.[method]bucket.exists',
  'store.[method]bucket.list-keys',
  'atomics.[static]cas.new',
  'atomics.[method]cas.current',
  'atomics.increment',
  'atomics.swap',
  'batch.get-many',
  'batch.set-many',
  'batch.delete-many',
]);
const READ_ONLY: ReadonlySet<string> = new Set([
  '[method]descriptor.write-via-stream',
  '[method]descriptor.append-via-stream',
  '[method]descriptor.set-size',
  '[method]descriptor.set-times',
  '[method]descriptor.write',
  '[method]descriptor.create-directory-at',
  '[method]descriptor.set-times-at',
  '[method]descriptor.link-at',
  '[method]descriptor.open-at',
  '[method]descriptor.remove-directory-at',
  '[method]descriptor.rename-at',
  '[method]descriptor.symlink-at',
  '[method]descriptor.unlink-file-at',
]);

/** The drafts' errors have no case for a limit. */
const CALLED_TOO_OFTEN = { tag: 'other', val: expect.stringMatching(/limit/) };

/** Functions that use something up, and arguments with which they would; how the limit is told. */
const LIMITED: ReadonlyMap<string, { answer: unknown; args?: Arguments }> = new Map(
  Object.entries<{ answer: unknown; args?: Arguments }>({
    'ringfence:agent/ipc#send': { answer: { tag: 'limit-exceeded' } },
    'ringfence:agent/ipc#request': { answer: { tag: 'limit-exceeded' } },
    'ringfence:agent/ipc#reply': { answer: { tag: 'limit-exceeded' } },
    'ringfence:agent/ipc#publish': { answer: { tag: 'limit-exceeded' } },
    'ringfence:agent/tools#call': { answer: { tag: 'limit-exceeded' } },
    'wasi:keyvalue/store#[method]bucket.get': { answer: CALLED_TOO_OFTEN },
    'wasi:keyvalue/store#[method]bucket.set': { answer: CALLED_TOO_OFTEN },
    'wasi:keyvalue/store#[method]bucket.delete': { answer: CALLED_TOO_OFTEN },
    'wasi:keyvalue/store#[method]bucket.exists': { answer: CALLED_TOO_OFTEN },
    'wasi:keyvalue/store#[method]bucket.list-keys': { answer: CALLED_TOO_OFTEN },
    'wasi:keyvalue/atomics#[static]cas.new': { answer: CALLED_TOO_OFTEN },
    'wasi:keyvalue/atomics#[method]cas.current': { answer: CALLED_TOO_OFTEN },
    'wasi:keyvalue/atomics#increment': { answer: CALLED_TOO_OFTEN },
    'wasi:keyvalue/atomics#swap': { answer: { tag: 'store-error', val: CALLED_TOO_OFTEN } },
    'wasi:keyvalue/batch#get-many': { answer: CALLED_TOO_OFTEN },
    'wasi:keyvalue/batch#set-many': { answer: CALLED_TOO_OFTEN },
    'wasi:keyvalue/batch#delete-many': { answer: CALLED_TOO_OFTEN },
    // Within what is there nothing is added.
    'wasi:filesystem/types#[method]descriptor.write': {
      answer: 'quota',
      args: ({ file }) => [file, new Uint8Array(4), 5000n],
    },
    'wasi:filesystem/types#[method]descriptor.set-size': {
      answer: 'quota',
      args: ({ file }) => [file, 5000n],
    },
    'wasi:filesystem/types#[method]descriptor.create-directory-at': { answer: 'quota' },
    'wasi:filesystem/types#[method]descriptor.link-at': { answer: 'quota' },
    'wasi:filesystem/types#[method]descriptor.open-at': { answer: 'quota' },
    'wasi:filesystem/types#[method]descriptor.symlink-at': { answer: 'quota' },
  }),
);

/** Whether an answer says that a limit was passed. */
const isOfLimit = (answer: unknown): boolean => {
  const { tag, val } = (answer ?? {}) as { tag?: unknown; val?: unknown };
  return tag === 'err' && (val === 'quota' || (val as { tag?: unknown }).tag === 'limit-exceeded');
};

const rows = [...HOST].flatMap(([interfaceName, functions]) =>
  [...functions]
    .filter(([, { capability }]) => capability !== null)
    .map(([name, { capability }]) => ({
      interfaceName,
      name,
      kind: capability as GrantKind,
      title: `${interfaceName}#${name}`,
    })),
);
type Row = (typeof rows)[number];

let directory: string;
let root: ReturnType<typeof openRoot>;
const made: SeenAgent[] = [];
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'ringfence-matrix-'));
  writeFileSync(join(directory, 'there'), 'content');
  root = openRoot(directory);
  effects.length = 0;
});
afterEach(() => {
  for (const agent of made.splice(0)) {
    agent.files.close();
  }
  root.close();
  rmSync(directory, { recursive: true });
});

/** An agent with these grants; its descriptors were opened while it had all. */
function world(grants: GrantsInput, limits = {}): World {
  const agent = new SeenAgent({
    grants,
    limits,
    files: (held) =>
      openFiles(
        held.of.files.map(({ scope }) => ({ scope, root: root.fd })),
        { take: () => !agent.isDiskFull, give: () => {} },
      ),
  });
  made.push(agent);
  const types = HOST.get('wasi:filesystem/types');
  const [mount] = callOnce<[Descriptor, string][]>(
    agent,
    HOST.get('wasi:filesystem/preopens')?.get('get-directories'),
  ) as [Descriptor, string][];
  if (mount === undefined) {
    return { agent } as World;
  }
  const method = (name: string, ...args: unknown[]): unknown => {
    const answer = callOnce(agent, types?.get(`[method]descriptor.${name}`), ...args);
    return (answer as { val: unknown }).val;
  };
  const [descriptor] = mount;
  const writable = agent.grants.of.files[0]?.scope.modes.write === true;
  return {
    agent,
    root: descriptor,
    file: method('open-at', descriptor, 0, 'there', 0, writable ? 3 : 1) as Descriptor,
    entries: method('read-directory', descriptor),
  };
}

function act({ interfaceName, name }: Row, from: World, given?: Arguments): unknown {
  const args = (given ?? ARGUMENTS[interfaceName]?.[name])?.(from) ?? [];
  try {
    return callOnce(from.agent, HOST.get(interfaceName)?.get(name), ...args);
  } catch (error) {
    if (error instanceof FakeTrap) {
      return error;
    }
    throw error;
  }
}

const contents = (): unknown =>
  readdirSync(directory)
    .sort()
    .map((name) => [name, readFileSync(join(directory, name), 'utf8')]);

/** Denied: by the typed error or the trap, counted once, and nothing has happened. */
function expectDenied(row: Row, from: World): void {
  const before = contents();
  const answer = act(row, from);
  expect(answer).not.toBe(WAIT);
  if (answer instanceof FakeTrap) {
    expect(answer.message).toMatch(/^denied: /);
  } else if (answer !== false) {
    expect(answer).toMatchObject({ tag: 'err' });
  }
  expect(from.agent.denials).toHaveLength(1);
  expect(from.agent.denials[0]?.capability).toBe(CAPABILITY_NAME[row.kind]);
  expect(effects).toEqual([]);
  expect(contents()).toEqual(before);
  expect(from.agent.block.messagesSent + from.agent.block.toolCalls).toBe(0);
  expect(from.agent.pending).toBeUndefined();
}

/** Takes all grants away from an agent whose descriptors stay. */
function withdraw(agent: HostAgent & SeenAgent): void {
  for (const kind of GRANT_KINDS) {
    Object.assign(agent.grants.of, { [kind]: [] });
  }
}

describe('32: every host function that needs a grant', () => {
  test('has a row, and no row is for nothing', () => {
    const named = Object.entries(ARGUMENTS).flatMap(([interfaceName, functions]) =>
      Object.keys(functions).map((name) => `${interfaceName}#${name}`),
    );
    expect(named.sort()).toEqual(rows.map(({ title }) => title).sort());
    expect(rows.length).toBeGreaterThan(50);
  });

  test.each(rows)('$title: the grant is present', (row) => {
    const from = world(everything(directory));
    act(row, from);
    expect(from.agent.denials).toEqual([]);
  });

  test.each(rows)('$title: the grant is absent', (row) => {
    const from = world(everything(directory));
    withdraw(from.agent);
    expectDenied(row, from);
  });

  test.each(rows)('$title: the grant was revoked', (row) => {
    const from = world(everything(directory));
    for (const { index } of from.agent.grants.of[row.kind]) {
      from.agent.block.revokeGrant(index);
    }
    expectDenied(row, from);
  });

  test.each(rows)('$title: the grant has expired', (row) => {
    const from = world(everything(directory));
    const held = from.agent.grants.of[row.kind];
    const expired = held.map((one) => ({ ...one, expiresAtMs: 1 }));
    Object.assign(from.agent.grants.of, { [row.kind]: expired });
    if (row.kind === 'files') {
      // Descriptors hold the grant that they were opened under.
      for (const descriptor of [from.root, from.file]) {
        Object.assign(descriptor.grant, { expiresAtMs: 1 });
      }
    }
    expectDenied(row, from);
  });

  const scoped = rows.filter(
    ({ interfaceName, name }) =>
      OUT_OF_SCOPE.has(`${interfaceName.split('/')[1]}.${name}`) || READ_ONLY.has(name),
  );
  test.each(scoped)('$title: the arguments are out of scope', (row) => {
    const files = [{ host: directory, guest: '/', modes: ['read'] as 'read'[] }];
    const from = world(row.kind === 'files' ? { files } : NARROW);
    expectDenied(row, from);
  });

  test('those that look at a scope are all that there are', () => {
    expect(scoped).toHaveLength(OUT_OF_SCOPE.size + READ_ONLY.size);
  });

  test.each(rows)('$title: every limit is reached', (row) => {
    const limited = LIMITED.get(row.title);
    const limits = { messages: 1, toolCalls: 1 };
    const within = world(everything(directory), limits);
    const allowed = act(row, within, limited?.args);
    expect(isOfLimit(allowed)).toBe(false);
    if (limited !== undefined) {
      expect(allowed).toMatchObject({ tag: 'ok' });
    }
    if (existsSync(join(directory, 'made'))) {
      rmSync(join(directory, 'made'), { recursive: true });
    }
    writeFileSync(join(directory, 'there'), 'content');
    effects.length = 0;

    const from = world(everything(directory), limits);
    from.agent.block.addMessage();
    from.agent.block.addToolCall();
    from.agent.isDiskFull = true;
    const before = contents();
    const answer = act(row, from, limited?.args);
    expect(from.agent.denials).toEqual([]);
    if (limited === undefined) {
      expect(isOfLimit(answer)).toBe(false);
      return;
    }
    expect(answer).toMatchObject({ tag: 'err', val: limited.answer });
    expect(effects).toEqual([]);
    expect(contents()).toEqual(before);
    expect([from.agent.block.messagesSent, from.agent.block.toolCalls]).toEqual([1, 1]);
  });

  test('those that have a limit are functions that there are', () => {
    expect(rows.filter(({ title }) => LIMITED.has(title))).toHaveLength(LIMITED.size);
  });

  test.each(['send', 'request'])('ipc.%s to a service needs the grant of that service', (name) => {
    const send = HOST.get('ringfence:agent/ipc')?.get(name);
    for (const to of [
      { tag: 'service', val: 'clock' },
      { tag: 'service-method', val: { service: 'clock', method: 'now' } },
    ]) {
      const without = new SeenAgent({ grants: { ipc: 'all', services: ['other'] } });
      expect(callOnce(without, send, to, payload, undefined)).toMatchObject({
        val: { tag: 'denied' },
      });
      expect(without.denials).toHaveLength(1);
      const granted = new SeenAgent({ grants: { ipc: 'all', services: ['clock'] } });
      expect(callOnce(granted, send, to, payload, undefined)).toMatchObject({
        tag: 'ok',
      });
    }
  });
});
