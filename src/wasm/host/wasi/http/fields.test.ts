import { beforeEach, describe, expect, test } from 'vitest';
import { call, FakeAgent } from '../../../../../test/support/fake-agent.ts';
import {
  FIELD_COUNT_MAX,
  FIELD_OVERHEAD_BYTES,
  FIELDS_BYTES_MAX,
} from '../../../../http/exchange.ts';
import { HANDLE_BYTES } from '../held.ts';
import type { Fields } from './fields.ts';
import type { OutgoingRequest } from './outgoing.ts';
import { httpTypes } from './types.ts';

const OK = { tag: 'ok', val: undefined };
const refused = (tag: string): unknown => ({ tag: 'err', val: { tag } });
const value = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text));

let agent: FakeAgent;
let fields: Fields;
beforeEach(() => {
  agent = new FakeAgent();
  fields = call(agent, httpTypes.get('[constructor]fields'));
});

const use = (name: string, ...args: unknown[]): unknown =>
  call(agent, httpTypes.get(`[method]fields.${name}`), fields, ...args);
const fromList = (entries: [string, Uint8Array][]): { tag: string; val: unknown } =>
  call(agent, httpTypes.get('[static]fields.from-list'), entries);
const drop = (dropped: unknown): void =>
  call(agent, httpTypes.get('[resource-drop]fields'), dropped);

describe('fields', () => {
  test('keep names as they are written, their order, and find them in any case', () => {
    use('append', 'X-A', value('1'));
    use('append', 'b', value('2'));
    use('append', 'x-a', value('3'));
    expect(use('entries')).toEqual([
      ['X-A', value('1')],
      ['b', value('2')],
      ['x-a', value('3')],
    ]);
    expect(use('get', 'x-A')).toEqual([value('1'), value('3')]);
    expect(use('has', 'B')).toBe(true);
  });

  test('answer nothing for what is not there, or is no name', () => {
    expect(use('get', 'a')).toEqual([]);
    expect(use('has', 'a')).toBe(false);
    expect(use('has', 'no name')).toBe(false);
  });

  test('set takes the place of all values of a name, and of no values deletes it', () => {
    use('append', 'a', value('1'));
    use('append', 'A', value('2'));
    use('append', 'b', value('3'));
    expect(use('set', 'a', [value('4'), value('5')])).toEqual(OK);
    expect(use('get', 'a')).toEqual([value('4'), value('5')]);
    expect(use('set', 'a', [])).toEqual(OK);
    expect(use('entries')).toEqual([['b', value('3')]]);
  });

  test('delete removes a name, and a name that is not there', () => {
    use('append', 'a', value('1'));
    expect(use('delete', 'A')).toEqual(OK);
    expect(use('delete', 'A')).toEqual(OK);
    expect(use('entries')).toEqual([]);
  });

  test('names that objects have are names like others', () => {
    for (const name of ['__proto__', 'constructor', 'toString']) {
      expect(use('get', name)).toEqual([]);
      expect(use('append', name, value('x'))).toEqual(OK);
      expect(use('get', name)).toEqual([value('x')]);
    }
  });

  test.each(['a b', '', 'a\r\nb'])('refuse the name %j', (name) => {
    for (const answer of [
      use('append', name, value('x')),
      use('set', name, [value('x')]),
      use('delete', name),
      fromList([[name, value('x')]]),
    ]) {
      expect(answer).toEqual(refused('invalid-syntax'));
    }
    expect(use('append', 'a', value('x'))).toEqual(OK);
  });

  test('refuse a value with a line break, and change nothing', () => {
    use('append', 'a', value('1'));
    expect(use('append', 'a', value('2\r\nb: c'))).toEqual(refused('invalid-syntax'));
    expect(use('set', 'a', [value('2'), value('\0')])).toEqual(refused('invalid-syntax'));
    expect(fromList([['a', value('\n')]])).toEqual(refused('invalid-syntax'));
    expect(use('entries')).toEqual([['a', value('1')]]);
  });

  test.each(['Host', 'connection', 'Transfer-Encoding', 'UPGRADE', 'proxy-authorization'])(
    'forbid %s',
    (name) => {
      expect(use('append', name, value('x'))).toEqual(refused('forbidden'));
      expect(use('set', name, [])).toEqual(refused('forbidden'));
      expect(fromList([[name, value('x')]])).toEqual(refused('forbidden'));
    },
  );

  test('a clone has the same entries and a life of its own', () => {
    use('append', 'a', value('1'));
    const clone = use('clone') as Fields;
    use('delete', 'a');
    expect(call(agent, httpTypes.get('[method]fields.entries'), clone)).toEqual([
      ['a', value('1')],
    ]);
    expect(call(agent, httpTypes.get('[method]fields.append'), clone, 'b', value('2'))).toEqual(OK);
  });

  test('of a request are immutable', () => {
    use('append', 'a', value('1'));
    const request = call<OutgoingRequest>(
      agent,
      httpTypes.get('[constructor]outgoing-request'),
      fields,
    );
    fields = call(agent, httpTypes.get('[method]outgoing-request.headers'), request);
    expect(use('append', 'b', value('2'))).toEqual(refused('immutable'));
    expect(use('set', 'a', [])).toEqual(refused('immutable'));
    expect(use('delete', 'a')).toEqual(refused('immutable'));
    expect(use('entries')).toEqual([['a', value('1')]]);
    fields = use('clone') as Fields;
    expect(use('append', 'b', value('2'))).toEqual(OK);
  });
});

describe('limits of fields', () => {
  test('so many entries, and the next one ends the agent', () => {
    const entries = Array.from({ length: FIELD_COUNT_MAX }, (_, index): [string, Uint8Array] => [
      `n${index}`,
      value(''),
    ]);
    const full = fromList(entries);
    expect(full.tag).toBe('ok');
    fields = full.val as Fields;
    expect(() => use('append', 'one-more', value(''))).toThrow(
      `at most ${FIELD_COUNT_MAX} entries`,
    );
    expect(() => fromList([...entries, ['one-more', value('')]])).toThrow('limit-exceeded');
    expect(() => use('set', 'x', Array(FIELD_COUNT_MAX + 1).fill(value('')))).toThrow(
      'limit-exceeded',
    );
  });

  test('so many bytes, and one more ends the agent', () => {
    const largest = new Uint8Array(FIELDS_BYTES_MAX - FIELD_OVERHEAD_BYTES - 1).fill(0x20);
    expect(use('append', 'a', largest)).toEqual(OK);
    expect(() => use('append', 'b', value(''))).toThrow(`at most ${FIELDS_BYTES_MAX} bytes`);
    expect(use('set', 'b', [])).toEqual(OK);
    expect(() => use('set', 'a', [new Uint8Array(FIELDS_BYTES_MAX)])).toThrow('limit-exceeded');
  });

  test('what they keep is accounted for and given back', () => {
    expect(agent.held).toBe(HANDLE_BYTES);
    use('append', 'name', value('value'));
    expect(agent.held).toBe(HANDLE_BYTES + FIELD_OVERHEAD_BYTES + 9);
    use('set', 'name', [value('v')]);
    expect(agent.held).toBe(HANDLE_BYTES + FIELD_OVERHEAD_BYTES + 5);
    use('delete', 'name');
    expect(agent.held).toBe(HANDLE_BYTES);
    use('append', 'name', value('value'));
    drop(fields);
    expect(agent.held).toBe(0);
    drop(fields);
    expect(agent.held).toBe(0);
  });

  test('the headers of a request are given back with the last of their handles', () => {
    use('append', 'name', new Uint8Array(1000).fill(0x20));
    const request = call(agent, httpTypes.get('[constructor]outgoing-request'), fields);
    const first = call(agent, httpTypes.get('[method]outgoing-request.headers'), request);
    const second = call(agent, httpTypes.get('[method]outgoing-request.headers'), request);
    drop(first);
    call(agent, httpTypes.get('[resource-drop]outgoing-request'), request);
    expect(agent.held).toBe(HANDLE_BYTES + FIELD_OVERHEAD_BYTES + 1004);
    drop(second);
    expect(agent.held).toBe(0);
  });
});
