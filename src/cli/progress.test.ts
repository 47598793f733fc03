import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { fakeEnvironment } from '../../test/support/cli/fake-environment.ts';
import { ProgressLine } from './progress.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

test('on a terminal the line is shown, kept current and erased', () => {
  const environment = fakeEnvironment({ isTerminal: true });
  const progress = new ProgressLine(environment, 'preparing agent.wasm');
  progress.update('reading');
  vi.advanceTimersByTime(1_000);
  progress.update('metering');
  progress.erase();
  const { text } = environment.written.stderr;
  expect(text).toContain('preparing agent.wasm: reading');
  expect(text).toContain('preparing agent.wasm: metering');
  expect(environment.stderr.atLineStart).toBe(true);
  expect(text.endsWith('\u001b[2K\r')).toBe(true);
});

test('what is over in a moment is not shown', () => {
  const environment = fakeEnvironment({ isTerminal: true });
  const progress = new ProgressLine(environment, 'preparing agent.wasm');
  progress.update('reading');
  progress.erase();
  vi.advanceTimersByTime(10_000);
  expect(environment.written.stderr.text).toBe('');
});

test('a line is never longer than the terminal is wide, and a name moves no cursor', () => {
  const environment = fakeEnvironment({ isTerminal: true });
  const progress = new ProgressLine(environment, `preparing \u001b[2J${'x'.repeat(100)}`);
  progress.update('reading');
  vi.advanceTimersByTime(1_000);
  expect(environment.written.stderr.text).toBe(`\u001b[2K\r${'preparing ␛[2J'.padEnd(39, 'x')}`);
});

describe('nothing is shown', () => {
  test.each<[string, boolean, Record<string, string>]>([
    ['in a pipe', false, {}],
    ['with NO_COLOR', true, { NO_COLOR: '1' }],
    ['in continuous integration', true, { CI: 'true' }],
    ['on a dumb terminal', true, { TERM: 'dumb' }],
  ])('%s', (_, isTerminal, variables) => {
    const environment = fakeEnvironment({ isTerminal, variables });
    const progress = new ProgressLine(environment, 'preparing agent.wasm');
    progress.update('reading');
    vi.advanceTimersByTime(1_000);
    progress.erase();
    expect(environment.written.stderr.text).toBe('');
  });
});
