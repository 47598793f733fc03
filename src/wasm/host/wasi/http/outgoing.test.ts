import { beforeEach, describe, expect, test } from 'vitest';
import { call, callOnce, FakeAgent } from '../../../../../test/support/fake-agent.ts';
import { BODY_WINDOW_BYTES } from '../../../../http/exchange.ts';
import { WAIT } from '../../abi/binding.ts';
import { ioStreams } from '../io/streams.ts';
import type { Fields } from './fields.ts';
import type { OutgoingRequest, RequestOptions } from './outgoing.ts';
import type { OutgoingBody } from './outgoing-body.ts';
import { httpTypes } from './types.ts';

const OK = { tag: 'ok', val: undefined };
const ERR = { tag: 'err', val: undefined };
const CLOSED = { tag: 'err', val: { tag: 'closed' } };

let agent: FakeAgent;
let request: OutgoingRequest;
beforeEach(() => {
  agent = new FakeAgent();
  request = newRequest();
});

const types = <Answer>(name: string, ...args: unknown[]): Answer =>
  call(agent, httpTypes.get(name), ...args);
const use = (name: string, ...args: unknown[]): unknown =>
  types(`[method]outgoing-request.${name}`, request, ...args);

function newRequest(headers: [string, string][] = []): OutgoingRequest {
  const entries = headers.map(([name, value]) => [name, Buffer.from(value)]);
  const fields = types<{ val: Fields }>('[static]fields.from-list', entries).val;
  return types('[constructor]outgoing-request', fields);
}

function body(): OutgoingBody {
  return (use('body') as { val: OutgoingBody }).val;
}

function write(target: OutgoingBody, text: string): object {
  const stream = types<{ val: object }>('[method]outgoing-body.write', target).val;
  call(agent, ioStreams.get('[method]output-stream.check-write'), stream);
  const answer = call(
    agent,
    ioStreams.get('[method]output-stream.write'),
    stream,
    Uint8Array.from(Buffer.from(text)),
  );
  expect(answer).toEqual(OK);
  return stream;
}

function dropStream(stream: object): void {
  call(agent, ioStreams.get('[resource-drop]output-stream'), stream);
}

describe('an outgoing request', () => {
  test('starts as a GET of nothing', () => {
    expect(use('method')).toEqual({ tag: 'get' });
    expect(use('scheme')).toBeUndefined();
    expect(use('authority')).toBeUndefined();
    expect(use('path-with-query')).toBeUndefined();
  });

  test.each([
    ['method', { tag: 'post' }, { tag: 'other', val: 'A B' }],
    ['method', { tag: 'other', val: 'PROPFIND' }, { tag: 'other', val: '' }],
    ['scheme', { tag: 'HTTPS' }, { tag: 'other', val: '1x' }],
    ['scheme', { tag: 'other', val: 'ws' }, { tag: 'other', val: 'a b' }],
    ['authority', 'example.org:8080', 'good@evil'],
    ['path-with-query', '/a?b=c', '/a b'],
  ])('keeps a %s that is right and refuses one that is not', (name, right, wrong) => {
    expect(use(`set-${name}`, right)).toEqual(OK);
    expect(use(name)).toEqual(right);
    expect(use(`set-${name}`, wrong)).toEqual(ERR);
    expect(use(name)).toEqual(right);
  });

  test.each(['scheme', 'authority', 'path-with-query'])('can unset its %s', (name) => {
    use(
      `set-${name}`,
      name === 'scheme' ? { tag: 'HTTP' } : '/'.replace('/', name === 'authority' ? 'host' : '/'),
    );
    expect(use(`set-${name}`, undefined)).toEqual(OK);
    expect(use(name)).toBeUndefined();
  });

  test('has its body once, and the body its stream once', () => {
    const first = body();
    expect(use('body')).toEqual(ERR);
    const stream = types<{ tag: string; val: object }>('[method]outgoing-body.write', first);
    expect(stream.tag).toBe('ok');
    expect(types('[method]outgoing-body.write', first)).toEqual(ERR);
  });
});

describe('an outgoing body', () => {
  test('that nobody takes keeps what its window has room for, and no more', () => {
    const stream = write(body(), 'hello');
    const more = ioStreams.get('[method]output-stream.write');
    const permit = ioStreams.get('[method]output-stream.check-write');
    const left = BODY_WINDOW_BYTES - 5;
    expect(call(agent, permit, stream)).toEqual({ tag: 'ok', val: BigInt(left) });
    expect(call(agent, more, stream, new Uint8Array(left))).toEqual(OK);
    expect(call(agent, permit, stream)).toEqual({ tag: 'ok', val: 0n });
    const blocking = ioStreams.get('[method]output-stream.blocking-write-and-flush');
    expect(callOnce(agent, blocking, stream, new Uint8Array(1))).toBe(WAIT);
  });

  test('is finished after its stream was dropped, else the agent ends', () => {
    const first = body();
    const stream = write(first, 'hello');
    expect(() => types('[static]outgoing-body.finish', first, undefined)).toThrow(
      'before its output-stream was dropped',
    );
    expect(() => types('[resource-drop]outgoing-body', first)).toThrow(
      'before its output-stream was dropped',
    );
    dropStream(stream);
    expect(types('[static]outgoing-body.finish', first, undefined)).toEqual(OK);
  });

  test.each([
    ['5', OK],
    ['6', { tag: 'err', val: { tag: 'HTTP-request-body-size', val: 5n } }],
  ])('of 5 bytes where %s were declared', (declared, expected) => {
    request = newRequest([['Content-Length', declared]]);
    const declaredBody = body();
    dropStream(write(declaredBody, 'hello'));
    expect(types('[static]outgoing-body.finish', declaredBody, undefined)).toEqual(expected);
  });

  test('fails at the byte beyond what was declared, and says so', () => {
    request = newRequest([['Content-Length', '4']]);
    const declaredBody = body();
    const stream = types<{ val: object }>('[method]outgoing-body.write', declaredBody).val;
    call(agent, ioStreams.get('[method]output-stream.check-write'), stream);
    const write = ioStreams.get('[method]output-stream.write');
    const answer = call<{ val: { tag: string; val: object } }>(
      agent,
      write,
      stream,
      new Uint8Array(5),
    );
    const size = { tag: 'HTTP-request-body-size', val: 5n };
    expect(answer.val.tag).toBe('last-operation-failed');
    expect(types('http-error-code', answer.val.val)).toEqual(size);
    expect(call(agent, write, stream, new Uint8Array(0))).toEqual(CLOSED);
    dropStream(stream);
    expect(types('[static]outgoing-body.finish', declaredBody, undefined)).toEqual({
      tag: 'err',
      val: size,
    });
  });

  test('takes trailers and gives everything back', () => {
    const finished = body();
    const trailers = types('[constructor]fields');
    types('[method]fields.append', trailers, 'a', Buffer.from('b'));
    expect(types('[static]outgoing-body.finish', finished, trailers)).toEqual(OK);
    types('[resource-drop]outgoing-request', request);
    expect(agent.held).toBe(0);
  });

  test('is closed when its request is gone', () => {
    const stream = write(body(), 'hello');
    types('[resource-drop]outgoing-request', request);
    expect(call(agent, ioStreams.get('[method]output-stream.check-write'), stream)).toEqual(CLOSED);
  });
});

describe('request options', () => {
  test.each(['connect-timeout', 'first-byte-timeout', 'between-bytes-timeout'])(
    'keep their %s',
    (name) => {
      const options = types<RequestOptions>('[constructor]request-options');
      const getter = `[method]request-options.${name}`;
      const setter = `[method]request-options.set-${name}`;
      expect(types(getter, options)).toBeUndefined();
      expect(types(setter, options, 2n ** 64n - 1n)).toEqual(OK);
      expect(types(getter, options)).toBe(2n ** 64n - 1n);
      expect(types(setter, options, undefined)).toEqual(OK);
      expect(types(getter, options)).toBeUndefined();
    },
  );
});
