/** Goal: what guests repeat is few events, however many agents there are. Method: counts made by hand. */

import { expect, test } from 'vitest';
import { AuditCounts, COUNTS_MAX } from './audit-counts.ts';

test('what is repeated is one event with its number, from none again once it was told', () => {
  let now = 5;
  const counts = new AuditCounts(() => now);
  for (let each = 0; each < 1000; each += 1) {
    counts.add(7, { kind: 'ipc.dead_letter', name: 'exited' });
    now = 9;
  }
  counts.add(7, { kind: 'tool.refuse', name: 'invalid', tool: 'add' });
  counts.add(8, { kind: 'ipc.lost', name: null }, 3);
  expect(counts.take(7)).toEqual([
    { kind: 'ipc.dead_letter', pid: 7, payload: { count: 1000, first_ms: 5, reason: 'exited' } },
    {
      kind: 'tool.refuse',
      pid: 7,
      payload: { count: 1, first_ms: 9, outcome: 'invalid', tool: 'add' },
    },
  ]);
  expect(counts.take(7)).toEqual([]);
  expect(counts.takeAll()).toEqual([
    { kind: 'ipc.lost', pid: 8, payload: { count: 3, first_ms: 9 } },
  ]);
  expect(counts.takeAll()).toEqual([]);
});

test('where too many are counted, those that come are counted together', () => {
  const counts = new AuditCounts(() => 0);
  for (let pid = 1; pid <= COUNTS_MAX + 500; pid += 1) {
    counts.add(pid, { kind: 'tool.refuse', name: 'invalid', tool: `tool ${pid}` });
  }
  const told = counts.takeAll();
  expect(told).toHaveLength(COUNTS_MAX + 1);
  expect(told.at(-1)).toMatchObject({ pid: 0, payload: { count: 500, tool: null } });
});
