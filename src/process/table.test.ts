import { describe, expect, test } from 'vitest';
import { checkTransition, type ProcessState } from './state.ts';
import { type ProcessRow, ProcessTable } from './table.ts';

const row = (pid: number): ProcessRow => ({
  pid,
  agentId: 'a',
  parentPid: 0,
  restartedFrom: null,
  state: 'starting',
});

const openTable = (
  capacity: number,
  changed: (row: ProcessRow, from: ProcessState | null) => void = () => {},
) =>
  new ProcessTable<ProcessRow, ProcessRow>({
    capacity,
    remember: (exited) => ({ ...exited }),
    changed,
  });

describe('the process table', () => {
  test('gives out pids from 1 and never one again', () => {
    const table = openTable(2);
    expect(table.insert(row).pid).toBe(1);
    table.transition(1, 'exited');
    expect(table.insert(row).pid).toBe(2);
    expect(table.insert(row).pid).toBe(3);
  });

  test('is full at its capacity; who exited leaves it at once and stays readable', () => {
    const table = openTable(1);
    table.insert(row);
    expect(() => table.insert(row)).toThrow(/its capacity is 1/);
    table.transition(1, 'exited');
    expect(table.insert(row).pid).toBe(2);
    expect(table.get(1).state).toBe('exited');
    expect(table.findLive(1)).toBeUndefined();
    expect(table.list().map(({ pid }) => pid)).toEqual([2]);
  });

  test('tells each row that is added and each change of a state, with what it was before', () => {
    const told: [number, ProcessState | null, ProcessState][] = [];
    const table = openTable(2, ({ pid, state }, from) => told.push([pid, from, state]));
    table.insert(row);
    table.transition(1, 'running');
    table.transition(1, 'exited');
    expect(() => table.transition(1, 'running')).toThrow(/exited to running/);
    expect(told).toEqual([
      [1, null, 'starting'],
      [1, 'starting', 'running'],
      [1, 'running', 'exited'],
    ]);
    expect([table.added, table.size]).toEqual([1, 0]);
  });

  test('lists who has exited in the order of exits', () => {
    const table = openTable(3);
    for (let count = 0; count < 3; count += 1) {
      table.insert(row);
    }
    table.transition(2, 'exited');
    table.transition(1, 'exited');
    expect(table.history().map(({ pid }) => pid)).toEqual([2, 1]);
  });

  test('says which pid it does not know', () => {
    expect(() => openTable(1).get(999)).toThrow(/pid 999/);
  });

  test('bounds its history', () => {
    const table = openTable(1);
    for (let count = 0; count <= 10_000; count += 1) {
      table.transition(table.insert(row).pid, 'exited');
    }
    expect(() => table.get(1)).toThrow(/exited too long ago/);
    expect(table.get(2).state).toBe('exited');
  });
});

describe('the states', () => {
  const legal: Record<ProcessState, ProcessState[]> = {
    starting: ['running', 'exited'],
    running: ['suspended', 'stopping', 'exited'],
    suspended: ['running', 'stopping', 'exited'],
    stopping: ['exited'],
    exited: [],
  };
  const states = Object.keys(legal) as ProcessState[];

  test.each(states.flatMap((from) => states.map((to) => [from, to] as const)))(
    'from %s to %s',
    (from, to) => {
      const check = () => checkTransition(7, from, to);
      if (legal[from].includes(to)) {
        expect(check).not.toThrow();
      } else {
        expect(check).toThrow(new RegExp(`pid 7 from ${from} to ${to}`));
      }
    },
  );
});
