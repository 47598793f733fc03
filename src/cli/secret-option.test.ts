import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { parseSecretOption } from './secret-option.ts';

const VARIABLES = { TOKEN: 'Bearer 0123456789' };

function fileOf(text: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'ringfence-secret-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'secret');
  writeFileSync(path, text);
  return path;
}

test('a secret comes from a variable, or from a file without the end of its line', () => {
  const first = parseSecretOption('API=env:TOKEN', undefined, VARIABLES);
  const both = parseSecretOption(`other.key=file:${fileOf('value-of-it\n')}`, first, VARIABLES);
  expect([...both]).toEqual([
    ['API', 'Bearer 0123456789'],
    ['other.key', 'value-of-it'],
  ]);
});

test.each([
  'API',
  'API=Bearer 0123456789',
  '=env:TOKEN',
  'a b=env:TOKEN',
  'API=env:',
  'API=env:NONE',
  'API=env:__proto__',
  'API=file:/does/not/exist',
])('%j is refused, and no value is told', (text) => {
  const refuse = () => parseSecretOption(text, undefined, VARIABLES);
  expect(refuse).toThrow(expect.objectContaining({ code: 'RF_USAGE' }));
  expect(refuse).not.toThrow(/0123456789/);
});

test('a file that is no secret is not read', () => {
  const path = fileOf('x'.repeat(70_000));
  expect(() => parseSecretOption(`API=file:${path}`, undefined, VARIABLES)).toThrow(/65536 bytes/);
});
