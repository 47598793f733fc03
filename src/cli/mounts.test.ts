import { describe, expect, test } from 'vitest';
import { readDirectoryOption, readMemoryDirectoryOption } from './mounts.ts';

const ALL = ['read', 'write', 'create'];

describe('--dir', () => {
  test.each<[string, object]>([
    ['data::/data', { host: 'data', guest: '/data', modes: ALL }],
    ['data::/data:rw', { host: 'data', guest: '/data', modes: ALL }],
    ['data::/data:ro', { host: 'data', guest: '/data', modes: ['read'] }],
    ['.::/', { host: '.', guest: '/', modes: ALL }],
    ['/a b::/c d:ro', { host: '/a b', guest: '/c d', modes: ['read'] }],
    ['a::b::/c', { host: 'a::b', guest: '/c', modes: ALL }],
    ['C:/x::/c', { host: 'C:/x', guest: '/c', modes: ALL }],
  ])('%s', (text, mount) => {
    expect(readDirectoryOption(text)).toEqual(mount);
  });

  test.each([
    '',
    'data',
    '::/data',
    'data::',
    'data::data',
    'data::/a/../b',
    'data::/a//b',
    'data:/data',
    'data::/data:RO',
    'data::/data:rx',
    'data::/data:r',
    'data::/data:',
    'data::/data:ro:ro',
    'data::/a:b/c',
    'da\0ta::/data',
    `data::/${'x'.repeat(1024)}`,
  ])('%j is refused by the name of the option', (text) => {
    expect(() => readDirectoryOption(text)).toThrow(
      expect.objectContaining({
        code: 'RF_USAGE',
        message: expect.stringMatching(/^Cannot use --dir '/),
      }),
    );
  });
});

describe('--tmpfs', () => {
  test('a size is its quota', () => {
    expect(readMemoryDirectoryOption('/tmp')).toEqual({ memory: true, guest: '/tmp' });
    expect(readMemoryDirectoryOption('/tmp:64KiB')).toEqual({
      memory: true,
      guest: '/tmp',
      quota: { bytes: 65_536 },
    });
  });

  test.each(['', 'tmp', '/tmp:', '/tmp:0', '/tmp:lots', '/tmp:1:2', ':1'])(
    '%j is refused',
    (text) => {
      expect(() => readMemoryDirectoryOption(text)).toThrow(
        expect.objectContaining({ code: 'RF_USAGE', message: expect.stringContaining('--tmpfs') }),
      );
    },
  );
});
