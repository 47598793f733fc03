/** Goal: wasip1 commands are taken, every other kind of core module is refused by its name. */

import { describe, expect, test } from 'vitest';
import {
  type CoreParts,
  concat,
  coreModule,
  text,
} from '../../../../test/fixtures/prepare/modules.ts';
import { RingfenceError } from '../../../errors.ts';
import { DEFAULT_METER_CAPS } from '../../metering/caps.ts';
import { decodeModule } from '../../metering/module.ts';
import { requireCommand } from './adapt.ts';

const importing = (module: string, name: string, kind: number[] = [0, 0], functions = 1) => ({
  count: 1,
  functions,
  bytes: concat(text(module), text(name), kind),
});
const GLOBAL = [3, 0x7f, 0];

function judge(parts: CoreParts): void {
  const bytes = coreModule({ program: '_start', ...parts });
  expect(WebAssembly.validate(bytes as Uint8Array<ArrayBuffer>)).toBe(true);
  const { imports, exports } = decodeModule(bytes, DEFAULT_METER_CAPS);
  requireCommand(imports, exports);
}

describe('a wasip1 command', () => {
  test('that imports nothing is taken', () => judge({}));
  test('that imports functions of wasip1 is taken', () =>
    judge({ imports: importing('wasi_snapshot_preview1', 'proc_exit') }));
});

describe('another kind of core module', () => {
  const initialize = { count: 1, bytes: concat(text('_initialize'), 0, 0) };
  const others: [string, CoreParts, kind: string, said: string][] = [
    ['a reactor', { program: null, exports: initialize }, 'wasip1-reactor', 'reactor'],
    ['a library', { program: 'run' }, 'other', '_start'],
    ['one without an export', { program: null, exportsMemory: false }, 'other', '_start'],
    ['one that hides its memory', { exportsMemory: false }, 'other', 'memory'],
    ['one for another host', { imports: importing('env', 'abort') }, 'other', 'env'],
    [
      'one of the time before wasip1',
      { imports: importing('wasi_unstable', 'x') },
      'wasip0',
      'older',
    ],
    [
      'the core of a component',
      { imports: importing('ringfence:agent/log@0.1.0', 'log') },
      'unlinked',
      'not the component',
    ],
    [
      'one that imports a global of wasip1',
      { imports: importing('wasi_snapshot_preview1', 'x', GLOBAL, 0) },
      'other',
      'imports a global',
    ],
    [
      'one with a hostile name',
      { imports: importing('\u001b[2J\n\u202e', 'x', [0, 0]) },
      'other',
      '\\u{1b}[2J\\u{a}\\u{202e}',
    ],
  ];
  test.each(others)('%s is refused', (_name, parts, kind, said) => {
    let thrown: unknown;
    try {
      judge(parts);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(RingfenceError);
    const refusal = thrown as RingfenceError;
    expect(refusal.code).toBe('RF_MODULE_REFUSED');
    expect(refusal.fields.kind).toBe(kind);
    expect(refusal.message).toContain(said);
    expect(refusal.message).toMatch(/^The file [^\n]+: [^\n]+\.$/);
  });
});
