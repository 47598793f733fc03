/** What the tree cuts out of an event is what parsing it gives, whatever the event holds. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bodyOf, draft, kindAt, NO_HASH, type StoredEvent } from '../event.ts';
import type { AuditEvent } from '../vocabulary.ts';
import { readEnd, readSpawn } from './tree-event.ts';

/** Texts that look like what is looked for, among others. */
const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.constantFrom(
    '","kind":"agent.exit',
    ',"parent_pid":7,"restarted_from":null}',
    '{"code":7,"denials":0,"fuel_table":"1","message":null,"reason":"x","usage":',
    '\\","reason":"x',
    '\\',
    '"',
    ',"pid":9,"prev":"',
  ),
);

const json = fc.oneof(
  fc.jsonValue(),
  fc.record({ parent_pid: fc.nat(), restarted_from: fc.constant(null), reason: text }),
);

const number = fc.oneof(fc.nat(), fc.constantFrom(0, Number.MAX_SAFE_INTEGER, 10 ** 15));

const about = fc.record({
  pid: number,
  agentId: fc.oneof(text, fc.constant(null)),
  module: fc.constantFrom(null, 'ab'.repeat(32)),
});

function written(event: AuditEvent): { body: string; parsed: StoredEvent } {
  const body = bodyOf(draft(event, 1), '00'.repeat(16), NO_HASH, 7);
  return { body, parsed: JSON.parse(body) as StoredEvent };
}

describe('what the resource tree reads of an event', () => {
  it('is of a spawn what parsing gives', () => {
    const payload = fc.record({
      backend: text,
      grants: json,
      isolation: text,
      limits: json,
      owner: fc.oneof(text, fc.constant(null)),
      parent_pid: number,
      restarted_from: fc.oneof(number, fc.constant(null)),
    });
    fc.assert(
      fc.property(about, payload, (whom, said) => {
        const { body, parsed } = written({ kind: 'agent.spawn', ...whom, payload: said });
        expect(body.slice(kindAt(body))).toMatch(/^agent\.spawn"/);
        expect(readSpawn(body, kindAt(body))).toEqual({
          agentId: parsed.agent_id ?? '',
          module: parsed.module,
          parentPid: parsed.payload.parent_pid,
          pid: parsed.pid,
        });
      }),
      { numRuns: 1000 },
    );
  });

  it('is of an exit what parsing gives', () => {
    const payload = fc.record({
      code: fc.oneof(number, fc.constantFrom(null, -1, -3)),
      denials: number,
      fuel_table: text,
      message: fc.oneof(text, fc.constant(null)),
      reason: text,
      usage: json,
    });
    fc.assert(
      fc.property(about, payload, (whom, said) => {
        const { body, parsed } = written({ kind: 'agent.exit', ...whom, payload: said });
        expect(body.slice(kindAt(body))).toMatch(/^agent\.exit"/);
        expect(readEnd(body, kindAt(body))).toEqual({
          code: parsed.payload.code,
          pid: parsed.pid,
          reason: parsed.payload.reason,
        });
      }),
      { numRuns: 1000 },
    );
  });

  it('is nothing where a payload of another writer has none of it', () => {
    const empty = (kind: string): string =>
      bodyOf(
        {
          agent: 'null',
          middle: `"kind":"${kind}","module":null,"payload":{"code":"0","parent_pid":"1","reason":2},"pid":3`,
          source: 'app',
          timeMs: 1,
        },
        '00'.repeat(16),
        NO_HASH,
        7,
      );
    const spawn = empty('agent.spawn');
    expect(readSpawn(spawn, kindAt(spawn))).toEqual({
      agentId: '',
      module: null,
      parentPid: 0,
      pid: 3,
    });
    const exit = empty('agent.exit');
    expect(readEnd(exit, kindAt(exit))).toEqual({ code: 0, pid: 3, reason: '' });
    const none = empty('agent.exit').replace(/\{"code".*?\}/, 'null');
    expect(readEnd(none, kindAt(none))).toBeNull();
    expect(readSpawn(none, kindAt(none))).toBeNull();
  });
});
