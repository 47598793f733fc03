/**
 * Goal: whatever a process writes is a message of the right form or an error of one kind, and what a
 * worker really posts is always the former.
 */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { FileRequest } from '../../wasm/host/files/request.ts';
import { outgoing, outgoingFile } from '../../wasm/worker/child/encode.ts';
import type { Frame } from '../../wasm/worker/child/frames.ts';
import type { FromWorker } from '../../wasm/worker/protocol.ts';
import {
  ChildProtocolError,
  readExchange,
  readFileRequest,
  readHead,
  readPayload,
  readSpawn,
  readText,
} from './from-child.ts';

const frameOfHead = (head: unknown, body: Uint8Array = new Uint8Array(0)): Frame => ({
  head: Buffer.from(JSON.stringify(head)),
  body: Buffer.from(body),
});

const POSTED: readonly FromWorker[] = [
  { kind: 'warning', text: 'a host function of ringfence failed: x' },
  { kind: 'running', pid: 1 },
  {
    kind: 'exited',
    pid: 1,
    end: { code: -1, reason: 'fuel', message: 'it used up' },
    undelivered: [],
    findings: null,
  },
  { kind: 'denied', pid: 1, capability: 'can_ipc', operation: 'ipc.send', count: 2 },
  {
    kind: 'denied',
    pid: 1,
    capability: 'files',
    operation: 'filesystem.[method]descriptor.open-at',
    count: 1,
  },
  { kind: 'log', pid: 1, level: 'warn', message: 'line\u0000\u001b' },
  {
    kind: 'request-grant',
    pid: 1,
    id: 1,
    grant: { kind: 'tools', scope: ['add'] },
    reason: 'why',
  },
  { kind: 'abandon', pid: 1, id: 1 },
  { kind: 'unanswered', pid: 1, asker: 3, correlation: 4 },
  { kind: 'delivered', id: 4, outcome: { tag: 'ok', val: 1 } },
  { kind: 'delivered', id: 4, outcome: { tag: 'err', error: 'mailbox-full', message: 'full' } },
  { kind: 'pull-input', pid: 1 },
  {
    kind: 'host-calls',
    pid: 1,
    calls: [
      {
        call: 1,
        function: 'wasi:cli/exit#exit',
        fuel: 7,
        arguments: '"\ud83d…',
        answer: null,
        outcome: 'ended',
      },
    ],
  },
  { kind: 'output', pid: 1, stream: 'stderr', bytes: new Uint8Array([1, 2]) },
  { kind: 'exchange', pid: 1, say: { step: 'pull', id: 1 } },
  {
    kind: 'exchange',
    pid: 1,
    say: { step: 'head', id: 1, status: 200, fields: [['x-a', '\u00ff b\t']] },
  },
  { kind: 'exchange', pid: 1, say: { step: 'bytes', id: 1, bytes: new Uint8Array([1, 2]) } },
  { kind: 'exchange', pid: 1, say: { step: 'end', id: 1, trailers: [['x-end', '']] } },
  { kind: 'exchange', pid: 1, say: { step: 'refused', id: 1, error: 'DNS-error' } },
  { kind: 'exchange', pid: 1, say: { step: 'broken', id: 1 } },
  { kind: 'exchange', pid: 1, say: { step: 'done', id: 1 } },
  {
    kind: 'send',
    pid: 1,
    id: 2,
    to: { tag: 'process', pid: -1 },
    body: { tag: 'message' },
    waitMs: 5,
    payload: { tag: 'binary', val: new Uint8Array([1]) },
  },
  { kind: 'tool', pid: 1, id: 3, name: 'add', arguments: '{"ä":1}' },
  { kind: 'ask', pid: 1, id: 5, question: { ask: 'stop', pid: 3, mode: 'graceful' } },
  {
    kind: 'ask',
    pid: 1,
    id: 6,
    question: { ask: 'publish', topic: 'news', payload: { tag: 'text', val: 'ä' } },
  },
];

const BODIES: ReadonlySet<string> = new Set([
  'exchange',
  'output',
  'send',
  'ask',
  'tool',
  'spawn',
  'file',
]);

describe('what a worker posts is understood', () => {
  test.each(POSTED.map((message) => [message.kind, message] as const))('%s', (_, message) => {
    const { head, body } = outgoing(message) ?? expect.fail('it is not sent');
    expect(readHead(frameOfHead(head, body))).toEqual(head);
  });

  test('texts, bytes and 64-bit numbers come back as they were', () => {
    const text = '\ufeffä\u0000𝄞';
    const sent = outgoing({
      kind: 'send',
      pid: 1,
      id: 2,
      to: { tag: 'service', name: 'clock', method: 'now' },
      body: { tag: 'request', correlation: 4 },
      waitMs: null,
      payload: { tag: 'json', val: text },
    });
    expect(readPayload('json', Buffer.from(sent?.body ?? []))).toEqual({ tag: 'json', val: text });
    expect(readText(Buffer.from(text))).toBe(text);
    const request = {
      agentId: 'child',
      module: { tag: 'digest', val: 'abc' },
      arguments: ['a'],
      environment: [['K', 'V']],
      grants: [{ kind: 'tools', scope: ['add'] }],
      limits: {
        fuel: 2n ** 64n - 1n,
        memoryBytes: undefined,
        cpuTimeMs: undefined,
        wallTimeMs: undefined,
        messages: 0n,
        toolCalls: undefined,
        diskBytes: undefined,
      },
      restart: 'temporary',
      linked: false,
    } as const;
    const spawn = outgoing({ kind: 'spawn', pid: 1, id: 1, request } as never);
    expect(readSpawn(Buffer.from(spawn?.body ?? []))).toEqual(request);
  });

  test.each<FileRequest>([
    { op: 'open-at', directory: 1, path: 'a', follow: true, openFlags: 15, flags: 3 },
    { op: 'write', file: 2, bytes: new Uint8Array([1, 2]), offset: 2 ** 62 },
    { op: 'append', file: 2, bytes: new Uint8Array(0) },
    { op: 'set-times', handle: 2, accessed: 'now', modified: { seconds: 1e18, nanoseconds: 1 } },
    { op: 'rename-at', directory: 1, path: 'a', newDirectory: 1, newPath: '\ud800' },
    { op: 'symlink-at', directory: 1, target: '../x', path: 'a' },
    { op: 'next-entries', stream: 3 },
  ])('a request on files: $op', (request) => {
    const { head, body } = outgoingFile(7, request);
    const read = readHead(frameOfHead(head, body));
    const field = read.kind === 'file' ? read.request : expect.fail('no request');
    const again = readFileRequest(field, Buffer.from(body ?? []));
    expect({ ...again, bytes: 'bytes' in again ? [...again.bytes] : null }).toEqual({
      ...request,
      bytes: 'bytes' in request ? [...request.bytes] : null,
    });
  });
});

describe('a response that no gate lets pass is no message', () => {
  const say = (fields: readonly (readonly [string, string])[], status = 200): unknown =>
    readHead(frameOfHead({ kind: 'exchange', say: { step: 'head', id: 1, status, fields } }));

  test.each([
    ['a value that ends its line', [['x-a', 'b\r\nx-evil: 1']]],
    ['a value that is more than bytes', [['x-a', '\u0100']]],
    ['a name that ends its line', [['x-a\r\nx-evil', 'b']]],
    ['no name', [['', 'b']]],
    ['a field of the connection', [['Transfer-Encoding', 'chunked']]],
    ['too many fields', Array.from({ length: 1_025 }, () => ['x-a', 'b'])],
    ['fields that are too large', [['x-a', 'b'.repeat(128 * 1024)]]],
  ] as [string, [string, string][]][])('%s', (_, fields) => {
    expect(() => say(fields)).toThrow(ChildProtocolError);
    expect(say([['x-a', 'b']])).toMatchObject({ kind: 'exchange' });
  });

  test.each([100, 199, 600, -1])('the status %i', (status) => {
    expect(() => say([], status)).toThrow(ChildProtocolError);
  });

  test('a piece of its body of no length, or beyond the window', () => {
    const piece = (length: number): unknown =>
      readExchange({ step: 'bytes', id: 1 }, Buffer.alloc(length));
    expect(() => piece(0)).toThrow(ChildProtocolError);
    expect(() => piece(64 * 1024 + 1)).toThrow(ChildProtocolError);
    expect(piece(64 * 1024)).toMatchObject({ step: 'bytes' });
    expect(() => readExchange({ step: 'done', id: 1 }, Buffer.alloc(1))).toThrow(
      ChildProtocolError,
    );
  });
});

describe('anything else is one kind of error', () => {
  const soundOrRefused = (read: () => unknown): void => {
    try {
      read();
    } catch (error) {
      expect(error).toBeInstanceOf(ChildProtocolError);
      expect((error as Error).message).toMatch(/^[^\n]{1,200}$/);
    }
  };

  test('arbitrary bytes, and arbitrary JSON', () => {
    fc.assert(
      fc.property(
        fc.uint8Array(),
        fc.json(),
        fc.uint8Array({ maxLength: 16 }),
        (bytes, json, body) => {
          soundOrRefused(() => readHead({ head: Buffer.from(bytes), body: Buffer.from(body) }));
          soundOrRefused(() => readHead({ head: Buffer.from(json), body: Buffer.from(body) }));
          soundOrRefused(() => readSpawn(Buffer.from(json)));
          soundOrRefused(() => readText(Buffer.from(bytes)));
        },
      ),
    );
  });

  test('each field of each message, changed', () => {
    const heads = POSTED.map((message) => outgoing(message)?.head as Record<string, unknown>);
    const change = fc.constantFrom(...heads).chain((head) =>
      fc.record({
        head: fc.constant(head),
        field: fc.constantFrom(...Object.keys(head), '__proto__', 'constructor', 'pid'),
        value: fc.jsonValue(),
      }),
    );
    fc.assert(
      fc.property(change, ({ head, field, value }) => {
        const text = JSON.stringify({ ...head, [`${field}`]: value });
        const body = BODIES.has(String(head.kind)) ? Buffer.from('x') : Buffer.alloc(0);
        soundOrRefused(() => readHead({ head: Buffer.from(text), body }));
      }),
    );
    expect(({} as Record<string, unknown>).a).toBeUndefined();
  });

  test.each([
    [
      'an operation that colours a terminal',
      { kind: 'denied', capability: 'a', operation: '\u001b[2J', count: 1 },
    ],
    ['a level of its own', { kind: 'log', level: 'panic', message: '' }],
    ['a line that is longer than any', { kind: 'log', level: 'info', message: 'x'.repeat(8193) }],
    [
      'a negative count',
      { kind: 'exited', end: { code: 0, reason: 'normal', message: null }, undelivered: -1 },
    ],
    [
      'a reason that only the kernel sees',
      { kind: 'exited', end: { code: 0, reason: 'worker_lost', message: null }, undelivered: 0 },
    ],
    ['a number that is none', { kind: 'told', id: 1.5 }],
    ['a pid of its own', { kind: 'running', pid: 2 }],
  ])('%s', (_, head) => {
    expect(() => readHead(frameOfHead(head))).toThrow(ChildProtocolError);
  });
});
