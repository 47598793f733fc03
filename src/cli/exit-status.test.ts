import { expect, test } from 'vitest';
import type { ExitReason } from '../index.ts';
import { statusOfError, statusOfExit, statusOfRun } from './exit-status.ts';

const exit = (reason: ExitReason, code: number | null = -1) => ({ reason, code, message: null });

test.each<[ExitReason, number | null, number]>([
  ['normal', 0, 0],
  ['error', 1, 1],
  ['error', 42, 42],
  ['error', 255, 255],
  ['trap', -3, 134],
  ['fuel', -1, 137],
  ['cpu_time', -1, 137],
  ['timeout', -1, 124],
  ['killed', -1, 137],
  ['worker_lost', -1, 137],
  ['reaped', -2, 137],
  ['internal', -1, 125],
  ['refused', null, 126],
])('%s with code %j is status %i', (reason, code, status) => {
  expect(statusOfExit(exit(reason, code), null)).toBe(status);
});

test('a kill by a signal has the status of the signal, another end its own', () => {
  expect(statusOfExit(exit('killed'), 'SIGINT')).toBe(130);
  expect(statusOfExit(exit('killed'), 'SIGTERM')).toBe(143);
  expect(statusOfExit(exit('normal', 0), 'SIGINT')).toBe(0);
  expect(statusOfExit(exit('timeout'), 'SIGINT')).toBe(124);
});

test('a supervised run is stopped by a signal whatever its last end was, and no success when it is given up', () => {
  expect(statusOfRun(exit('trap', -3), 'stopped', 'SIGINT')).toBe(130);
  expect(statusOfRun(exit('killed'), 'stopped', 'SIGTERM')).toBe(143);
  expect(statusOfRun(exit('trap', -3), 'exhausted', null)).toBe(134);
  expect(statusOfRun(exit('normal', 0), 'exhausted', null)).toBe(1);
  expect(statusOfRun(exit('normal', 0), 'finished', null)).toBe(0);
  expect(statusOfRun(exit('normal', 0), null, 'SIGINT')).toBe(0);
});

test('a code that does not fit into a status is never success', () => {
  for (const code of [0, 256, 512, -1, 1.5, Number.NaN, null]) {
    expect(statusOfExit(exit('error', code), null)).toBe(1);
  }
});

test('errors before there is a report', () => {
  expect(statusOfError('RF_USAGE')).toBe(2);
  expect(statusOfError('RF_FILE')).toBe(2);
  expect(statusOfError('RF_POLICY')).toBe(2);
  expect(statusOfError('RF_WIT_INVALID')).toBe(2);
  expect(statusOfError('RF_MODULE_INVALID')).toBe(126);
  expect(statusOfError('RF_MODULE_REFUSED')).toBe(126);
  expect(statusOfError('RF_PREPARE_LIMIT')).toBe(126);
  expect(statusOfError('RF_COMPILER_MISSING')).toBe(127);
  expect(statusOfError('RF_INTERNAL')).toBe(125);
  expect(statusOfError('RF_CLOSED')).toBe(125);
});
