/**
 * Goal: a request that a grant reaches goes out as the guest built it, and what comes back reaches its
 * future, its body and its trailers, each once; what nobody wants any more is given up.
 */

import { beforeEach, describe, expect, test } from 'vitest';
import { call, callOnce, FakeAgent } from '../../../../../test/support/fake-agent.ts';
import type { FromNetwork, SendHead } from '../../../../network/exchange.ts';
import { WAIT } from '../../abi/binding.ts';
import type { NetworkHost } from '../../agent.ts';
import { ioPoll } from '../io/poll.ts';
import { ioStreams } from '../io/streams.ts';
import type { Fields } from './fields.ts';
import type { FutureIncomingResponse, IncomingResponse } from './incoming-response.ts';
import type { OutgoingRequest, RequestOptions } from './outgoing.ts';
import { outgoingHandler } from './outgoing-handler.ts';
import { httpTypes } from './types.ts';

const OK = { tag: 'ok', val: undefined };
const ERR = { tag: 'err', val: undefined };
const DENIED = { tag: 'err', val: { tag: 'HTTP-request-denied' } };
const bytesOf = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text));

/** A network that a test plays. */
class FakeNetwork implements NetworkHost {
  readonly heads: SendHead[] = [];
  /** What the guest's side has said, in order. */
  readonly said: string[] = [];
  hear: (say: FromNetwork) => void = () => {};

  send(head: SendHead, hear: (say: FromNetwork) => void): ReturnType<NetworkHost['send']> {
    this.heads.push(head);
    this.hear = hear;
    return {
      bytes: (bytes) => this.said.push(`bytes ${Buffer.from(bytes)}`),
      end: (trailers) => this.said.push(`end ${trailers.length}`),
      broken: () => this.said.push('broken'),
      pull: () => this.said.push('pull'),
      drop: () => this.said.push('drop'),
    };
  }
}

let agent: FakeAgent;
let network: FakeNetwork;
beforeEach(() => {
  network = new FakeNetwork();
  agent = new FakeAgent({ grants: { network: ['api.test:8080', 'https://safe.test/v1 GET'] } });
  agent.network = network;
});

const types = <Answer>(name: string, ...args: unknown[]): Answer =>
  call(agent, httpTypes.get(name), ...args);

interface Built {
  readonly method?: object;
  readonly scheme?: object;
  readonly authority?: string;
  readonly path?: string;
}

const API: Built = { scheme: { tag: 'HTTP' }, authority: 'api.test:8080', path: '/a?b=c' };

function build({ method, scheme, authority, path }: Built): OutgoingRequest {
  const fields = types<Fields>('[constructor]fields');
  types('[method]fields.append', fields, 'x-a', bytesOf('1'));
  const request = types<OutgoingRequest>('[constructor]outgoing-request', fields);
  const set = (name: string, value: unknown): void => {
    if (value !== undefined) {
      expect(types(`[method]outgoing-request.set-${name}`, request, value)).toEqual(OK);
    }
  };
  set('method', method);
  set('scheme', scheme);
  set('authority', authority);
  set('path-with-query', path);
  return request;
}

const handle = (
  request: OutgoingRequest,
  options?: RequestOptions,
): { tag: string; val: unknown } => call(agent, outgoingHandler.get('handle'), request, options);

function sent(built: Built = API, options?: RequestOptions): FutureIncomingResponse {
  const answer = handle(build(built), options);
  expect(answer.tag).toBe('ok');
  return answer.val as FutureIncomingResponse;
}

const get = (future: FutureIncomingResponse): unknown =>
  types('[method]future-incoming-response.get', future);

function responseOf(future: FutureIncomingResponse): IncomingResponse {
  network.hear({
    step: 'head',
    id: 1,
    status: 203,
    fields: [
      ['x-b', 'v'],
      ['connection', 'close'],
    ],
  });
  return (get(future) as { val: { val: IncomingResponse } }).val.val;
}

describe('what may be sent', () => {
  test.each([
    [API],
    [{ ...API, method: { tag: 'other', val: 'FROBNICATE' } }],
    [{ authority: 'safe.test', path: '/v1/x' }],
    [{ authority: 'SAFE.test:443', path: '/v1' }],
  ])('%o is sent', (built) => {
    sent(built);
    expect(network.heads).toHaveLength(1);
    expect(agent.denials).toEqual([]);
  });

  test.each([
    [{ ...API, authority: 'api.test' }],
    [{ ...API, authority: 'other.test:8080' }],
    [{ ...API, authority: 'api.test.:8081' }],
    [{ authority: 'safe.test', path: '/v2' }],
    [{ authority: 'safe.test', path: '/v1/../v2' }],
    [{ authority: 'safe.test', path: '/v1/%2e%2e/v2' }],
    [{ authority: 'safe.test', path: '/v1', method: { tag: 'post' } }],
    [{ authority: 'safe.test', path: '/v1', scheme: { tag: 'HTTP' } }],
  ])('%o is denied, counted, and given back', (built) => {
    const before = agent.held;
    expect(handle(build(built))).toEqual(DENIED);
    expect(agent.denials).toEqual([{ capability: 'can_network', operation: 'http.handle' }]);
    expect(network.heads).toEqual([]);
    expect(agent.held).toBe(before);
  });

  test('nothing is without a grant', () => {
    agent = new FakeAgent();
    agent.network = network;
    expect(handle(build(API))).toEqual(DENIED);
    expect(agent.held).toBe(0);
  });

  test.each([[{ scheme: { tag: 'HTTP' } }], [{ ...API, scheme: { tag: 'other', val: 'ftp' } }]])(
    '%o leads nowhere, which is no denial',
    (built) => {
      expect(handle(build(built))).toEqual({
        tag: 'err',
        val: { tag: 'HTTP-request-URI-invalid' },
      });
      expect(agent.denials).toEqual([]);
      expect(network.heads).toEqual([]);
    },
  );
});

describe('a request that is sent', () => {
  test('goes out as it was built, with its timeouts in milliseconds', () => {
    const options = types<RequestOptions>('[constructor]request-options');
    types('[method]request-options.set-connect-timeout', options, 1_500_001n);
    types('[method]request-options.set-first-byte-timeout', options, 0n);
    types('[method]request-options.set-between-bytes-timeout', options, 2n ** 64n - 1n);
    sent(API, options);
    expect(network.heads).toEqual([
      {
        method: 'GET',
        scheme: 'http',
        authority: 'api.test:8080',
        pathWithQuery: '/a?b=c',
        fields: [['x-a', '1']],
        hasBody: false,
        connectTimeoutMs: 2,
        firstByteTimeoutMs: 1,
        betweenBytesTimeoutMs: 0x7fff_ffff,
      },
    ]);
  });

  test('has its body sent within a window, also what was written before', async () => {
    const request = build({ ...API, method: { tag: 'post' } });
    const body = types<{ val: object }>('[method]outgoing-request.body', request).val;
    const stream = types<{ val: object }>('[method]outgoing-body.write', body).val;
    const write = (text: string): void => {
      call(agent, ioStreams.get('[method]output-stream.check-write'), stream);
      const write = ioStreams.get('[method]output-stream.write');
      expect(call(agent, write, stream, bytesOf(text))).toEqual(OK);
    };
    write('before');
    handle(request);
    expect(network.heads[0]?.hasBody).toBe(true);
    write(' after');
    call(agent, ioStreams.get('[resource-drop]output-stream'), stream);
    expect(types('[static]outgoing-body.finish', body, undefined)).toEqual(OK);
    expect(network.said).toEqual(['bytes before', 'bytes  after', 'end 0']);
  });

  test('is broken where its body is dropped, and its body is closed where it fails', () => {
    const request = build(API);
    const body = types<{ val: object }>('[method]outgoing-request.body', request).val;
    handle(request);
    types('[resource-drop]outgoing-body', body);
    expect(network.said).toEqual(['broken']);

    const other = build(API);
    const second = types<{ val: object }>('[method]outgoing-request.body', other).val;
    const stream = types<{ val: object }>('[method]outgoing-body.write', second).val;
    handle(other);
    network.hear({ step: 'failed', id: 2, failure: { tag: 'connection-refused' } });
    expect(call(agent, ioStreams.get('[method]output-stream.check-write'), stream)).toEqual({
      tag: 'err',
      val: { tag: 'closed' },
    });
  });
});

describe('the future', () => {
  test('is not ready, then has the response once', () => {
    const future = sent();
    const pollable = types<object>('[method]future-incoming-response.subscribe', future);
    expect(get(future)).toBeUndefined();
    const block = ioPoll.get('[method]pollable.block');
    expect(callOnce(agent, block, pollable)).toBe(WAIT);
    const response = responseOf(future);
    expect(callOnce(agent, block, pollable)).toBeUndefined();
    expect(get(future)).toEqual(ERR);
    expect(types('[method]incoming-response.status', response)).toBe(203);
    const headers = types<Fields>('[method]incoming-response.headers', response);
    // Those of the connection are not the guest's to see.
    expect(types('[method]fields.entries', headers)).toEqual([['x-b', bytesOf('v')]]);
    expect(types('[method]fields.append', headers, 'a', bytesOf('b'))).toMatchObject({
      val: { tag: 'immutable' },
    });
  });

  test('has why there is none, once', () => {
    const future = sent();
    network.hear({ step: 'failed', id: 1, failure: { tag: 'destination-IP-prohibited' } });
    expect(get(future)).toEqual({
      tag: 'ok',
      val: { tag: 'err', val: { tag: 'destination-IP-prohibited' } },
    });
    expect(get(future)).toEqual(ERR);
  });

  test('that is dropped gives the request up, and all is given back', () => {
    const future = sent();
    types('[resource-drop]future-incoming-response', future);
    expect(network.said).toEqual(['drop']);
    expect(agent.held).toBe(0);
  });

  test('that was asked leaves the response to whoever has it', () => {
    const future = sent();
    const response = responseOf(future);
    types('[resource-drop]future-incoming-response', future);
    expect(network.said).toEqual([]);
    types('[resource-drop]incoming-response', response);
    expect(network.said).toEqual(['drop']);
    expect(agent.held).toBe(0);
  });
});

describe('the body of a response', () => {
  const consume = (response: IncomingResponse): { body: object; stream: object } => {
    const body = types<{ val: object }>('[method]incoming-response.consume', response).val;
    expect(types('[method]incoming-response.consume', response)).toEqual(ERR);
    const stream = types<{ val: object }>('[method]incoming-body.stream', body).val;
    expect(types('[method]incoming-body.stream', body)).toEqual(ERR);
    return { body, stream };
  };
  const read = (stream: object): unknown =>
    call(agent, ioStreams.get('[method]input-stream.read'), stream, 100n);

  test('comes as it is asked for, then its trailers, and all is given back', () => {
    const response = responseOf(sent());
    const { body, stream } = consume(response);
    expect(read(stream)).toEqual({ tag: 'ok', val: new Uint8Array(0) });
    expect(network.said).toEqual(['pull']);
    network.hear({ step: 'bytes', id: 1, bytes: bytesOf('hello') });
    expect(read(stream)).toEqual({ tag: 'ok', val: bytesOf('hello') });
    read(stream);
    network.hear({ step: 'end', id: 1, trailers: [['x-end', 'yes']] });
    expect(read(stream)).toEqual({ tag: 'err', val: { tag: 'closed' } });
    call(agent, ioStreams.get('[resource-drop]input-stream'), stream);
    const future = types<object>('[static]incoming-body.finish', body);
    const trailers = types<{ val: { val: Fields } }>('[method]future-trailers.get', future).val.val;
    expect(types('[method]fields.get', trailers, 'x-end')).toEqual([bytesOf('yes')]);
    expect(types('[method]future-trailers.get', future)).toEqual(ERR);
    types('[resource-drop]fields', trailers);
    types('[resource-drop]future-trailers', future);
    types('[resource-drop]incoming-response', response);
    expect(network.said).not.toContain('drop');
  });

  test('that fails says why, once, by the stream and by the trailers', () => {
    const response = responseOf(sent());
    const { body, stream } = consume(response);
    const failure = { tag: 'HTTP-response-incomplete' } as const;
    network.hear({ step: 'failed', id: 1, failure });
    const answer = read(stream) as { val: { tag: string; val: object } };
    expect(answer.val.tag).toBe('last-operation-failed');
    expect(types('http-error-code', answer.val.val)).toEqual(failure);
    expect(read(stream)).toEqual({ tag: 'err', val: { tag: 'closed' } });
    call(agent, ioStreams.get('[resource-drop]input-stream'), stream);
    const future = types<object>('[static]incoming-body.finish', body);
    expect(types('[method]future-trailers.get', future)).toEqual({
      tag: 'ok',
      val: { tag: 'err', val: failure },
    });
  });

  test('that is dropped is not wanted any more', () => {
    const response = responseOf(sent());
    const { body, stream } = consume(response);
    expect(() => types('[resource-drop]incoming-body', body)).toThrow('before its input-stream');
    call(agent, ioStreams.get('[resource-drop]input-stream'), stream);
    types('[resource-drop]incoming-body', body);
    expect(network.said).toEqual(['drop']);
  });

  test('that is finished half read is read to its end by the host, for its trailers', () => {
    const response = responseOf(sent());
    const { body, stream } = consume(response);
    call(agent, ioStreams.get('[resource-drop]input-stream'), stream);
    const future = types<object>('[static]incoming-body.finish', body);
    expect(types('[method]future-trailers.get', future)).toBeUndefined();
    expect(network.said).toEqual(['pull']);
    network.hear({ step: 'bytes', id: 1, bytes: bytesOf('nobody reads it') });
    expect(network.said).toEqual(['pull', 'pull']);
    network.hear({ step: 'end', id: 1, trailers: [] });
    expect(types('[method]future-trailers.get', future)).toEqual({ tag: 'ok', val: OK });
  });
});
