/**
 * Goal: whatever an agent says, in whatever order, a client hears of one response that is whole, or that
 * there is none: never two heads, nothing before the head, nothing after the end, no byte too many.
 */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BODY_WINDOW_BYTES, type FromExchange, type ToExchange } from './exchange.ts';
import { Exchanges, type OpenExchange } from './open-exchange.ts';

interface Heard {
  readonly exchanges: Exchanges;
  readonly exchange: OpenExchange;
  readonly said: ToExchange[];
  readonly heard: string[];
}

function open(method = 'GET'): Heard {
  const said: ToExchange[] = [];
  const heard: string[] = [];
  const exchanges = new Exchanges((say) => said.push(say));
  const head = {
    method,
    scheme: 'http',
    authority: null,
    pathWithQuery: '/',
    fields: [],
    hasBody: true,
  } as const;
  const exchange = exchanges.open(head, true, {
    pull: () => heard.push('pull'),
    head: (status) => heard.push(`head ${status}`),
    bytes: (bytes) => heard.push(`bytes ${bytes.length}`),
    end: () => heard.push('end'),
    failed: ({ why }) => heard.push(`failed ${why}`),
    done: () => heard.push('done'),
  });
  return { exchanges, exchange, said, heard };
}

const head = (length?: string, status = 200): FromExchange => ({
  step: 'head',
  id: 1,
  status,
  fields: length === undefined ? [] : [['Content-Length', length]],
});
const bytes = (length: number): FromExchange => ({
  step: 'bytes',
  id: 1,
  bytes: new Uint8Array(length),
});
const end: FromExchange = { step: 'end', id: 1, trailers: [] };

function hear(says: readonly FromExchange[], method?: string): string[] {
  const { exchanges, heard } = open(method);
  for (const say of says) {
    exchanges.take(say);
  }
  return heard;
}

describe('a response', () => {
  test.each([
    ['of a length that is kept', [head('3'), bytes(3), end], ['head 200', 'bytes 3', 'end']],
    ['of no length', [head(), bytes(3), end], ['head 200', 'bytes 3', 'end']],
    ['that is short', [head('3'), bytes(2), end], ['head 200', 'bytes 2', 'failed invalid']],
    ['that is long', [head('3'), bytes(4), end], ['head 200', 'failed invalid']],
    ['of no number', [head('3,3')], ['failed invalid']],
    ['without a head', [bytes(1)], ['failed invalid']],
    ['of nothing', [end], ['failed invalid']],
    ['of two heads', [head(), head()], ['head 200', 'failed invalid']],
    ['after its end', [head(), end, bytes(1), head()], ['head 200', 'end']],
    ['beyond the window', [head(), bytes(BODY_WINDOW_BYTES + 1)], ['head 200', 'failed invalid']],
    ['of another exchange', [{ ...head(), id: 2 }], []],
  ] as [string, FromExchange[], string[]][])('%s', (_, says, heard) => {
    expect(hear(says)).toEqual(heard);
  });

  test('to HEAD, and of a status without a body, has none', () => {
    expect(hear([head('5'), bytes(5), end], 'HEAD')).toEqual(['head 200', 'end']);
    expect(hear([head('5', 304), end])).toEqual(['head 304', 'end']);
    expect(hear([head(undefined, 204), bytes(3), end])).toEqual(['head 204', 'end']);
  });

  test('goes on when what came was taken over', () => {
    const { exchanges, exchange, heard } = open();
    exchanges.take(head());
    exchanges.take(bytes(BODY_WINDOW_BYTES));
    exchange.taken(BODY_WINDOW_BYTES);
    exchanges.take(bytes(BODY_WINDOW_BYTES));
    expect(heard.at(-1)).toBe(`bytes ${BODY_WINDOW_BYTES}`);
  });
});

test('a request is asked for more only when more has come', () => {
  const { exchanges, exchange, heard } = open();
  const pull: FromExchange = { step: 'pull', id: 1 };
  exchanges.take(pull);
  exchanges.take(pull);
  expect(heard).toEqual(['pull']);
  exchange.bytes(new Uint8Array(1));
  exchanges.take(pull);
  expect(heard).toEqual(['pull', 'pull']);
});

test('an agent that ends fails what is open, and what is done is not open', () => {
  const { exchanges, heard } = open();
  exchanges.take({ step: 'done', id: 1 });
  exchanges.closed('trap');
  expect(heard).toEqual(['failed unfinished', 'done']);
  const other = open();
  other.exchanges.closed('trap');
  expect(other.heard).toEqual(['failed ended']);
});

test('whatever is said, one whole response is heard of or none', () => {
  const say = fc.oneof(
    fc.constantFrom(head(), head('3'), head('x'), end, bytes(1), bytes(3)),
    fc.constantFrom<FromExchange>(
      { step: 'pull', id: 1 },
      { step: 'refused', id: 1, error: 'DNS-error' },
      { step: 'broken', id: 1 },
      { step: 'done', id: 1 },
    ),
  );
  fc.assert(
    fc.property(fc.array(say, { maxLength: 12 }), (says) => {
      const heard = hear(says).filter((each) => each !== 'pull');
      expect(heard.join(' ')).toMatch(/^(head \d+( bytes \d+)*)?( ?(end|failed \w+))?( ?done)?$/);
    }),
  );
});
