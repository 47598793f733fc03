import { expect, test } from 'vitest';
import { fakeReport } from '../../test/support/cli/fake-environment.ts';
import type { Exit } from '../index.ts';
import { explain } from './explain.ts';

const explained = (exit: Partial<Exit>) => explain(fakeReport(exit));

test('a normal end needs no words', () => {
  expect(explained({})).toEqual([]);
});

test.each<[Partial<Exit>, string]>([
  [{ reason: 'error', code: 1, message: 'no input' }, 'agent: error: no input'],
  [{ reason: 'error', code: 7 }, 'agent: error: it ended with code 7'],
  [{ reason: 'trap', code: -3, message: 'unreachable' }, 'agent: trap: unreachable'],
  [{ reason: 'fuel' }, 'ringfence: fuel: agent used up its 1,000,000 units; raise --max-fuel'],
  [
    { reason: 'cpu_time' },
    'ringfence: cpu_time: agent used up its 300 s of CPU time; raise --max-cpu',
  ],
  [{ reason: 'timeout' }, 'ringfence: timeout: agent had not ended after 500 ms; raise --timeout'],
  [{ reason: 'killed' }, 'ringfence: killed: agent: it was killed after 2 s'],
  [{ reason: 'worker_lost' }, 'ringfence: worker_lost: agent: it was lost; run it again'],
  [{ reason: 'reaped' }, 'ringfence: reaped: agent: it was lost; run it again'],
  [{ reason: 'internal', message: 'no room' }, 'ringfence: internal: no room'],
  [{ reason: 'refused', message: 'it is text' }, 'ringfence: refused: it is text'],
])('%j', (exit, line) => {
  expect(explained(exit)).toEqual([line]);
});

test("a guest's own message stays on its line, and is cut", () => {
  const [line = ''] = explained({
    reason: 'error',
    message: `\u001b[2J\nringfence: ok${'x'.repeat(1e6)}`,
  });
  expect(line).toMatch(/^agent: error: ␛\[2J\\nringfence: okx+…$/);
  expect(line.length).toBeLessThan(2_100);
});

test('what was denied is named with the option that grants it, up to a bound', () => {
  const denied = [
    { capability: 'can_ipc', operation: 'ipc.send', count: 1 },
    { capability: 'clocks', operation: 'wall-clock.now', count: 1_234 },
  ];
  const report = { ...fakeReport({ reason: 'error', message: 'no' }), denied };
  expect(explain(report).slice(1)).toEqual([
    'ringfence: denied ipc.send once; --allow-ipc grants it',
    'ringfence: denied wall-clock.now 1,234 times',
  ]);
  const many = Array.from({ length: 100 }, (_, index) => ({
    capability: 'can_ipc',
    operation: `ipc.${index}`,
    count: 1,
  }));
  expect(explain({ ...report, denied: many })).toHaveLength(9);
});
