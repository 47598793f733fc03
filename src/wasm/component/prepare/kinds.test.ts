/** Goal: every file that can't be run is called by its name in one sentence that says what to do. */

import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { RingfenceError } from '../../../errors.ts';
import { kindOf } from './kinds.ts';

const text = (content: string) => new TextEncoder().encode(content);
const bytes = (hex: string) => new Uint8Array(Buffer.from(hex.replaceAll(' ', ''), 'hex'));
const padded = (hex: string, length = 64) => {
  const padding = new Uint8Array(length);
  padding.set(bytes(hex));
  return padding;
};

function tar(): Uint8Array {
  const archive = new Uint8Array(512);
  archive.set(text('file.txt'));
  archive.set(text('ustar'), 257);
  return archive;
}

describe('files that are no WebAssembly', () => {
  const strangers: [kind: string, file: Uint8Array, said: string][] = [
    ['empty', new Uint8Array(0), 'empty'],
    ['truncated', bytes('00 61'), '2 of'],
    ['truncated', bytes('00 61 73 6d 01 00'), '6 of'],
    ['version', bytes('00 61 73 6d 02 00 00 00'), 'version'],
    ['version', bytes('00 61 73 6d 0a 00 01 00'), 'component of a version'],
    ['elf', padded('7f 45 4c 46 02 01 01'), 'ELF'],
    ['mach-o', padded('cf fa ed fe 07 00 00 01'), 'Mach-O'],
    ['mach-o', padded('ca fe ba be 00 00 00 02'), 'Mach-O'],
    ['pe', padded('4d 5a 90 00 03'), 'Windows'],
    ['gzip', gzipSync('hello'), 'gzip'],
    ['zip', padded('50 4b 03 04 14'), 'zip'],
    ['tar', tar(), 'tar'],
    ['archive', text('!<arch>\nx.o/'), 'object files'],
    ['web-page', text('\n<!DOCTYPE html>\n<html><body>404</body></html>'), 'web page'],
    ['web-page', text('\ufeff<html lang="en">'), 'web page'],
    ['wat', text(';; mine\n(module (func))'), 'text form'],
    ['wat', text('(component)'), 'text form'],
    ['json', text('{"name": "x"}'), 'JSON'],
    ['json', text('[1, 2]'), 'JSON'],
    ['source', text('import { x } from "y";\n'), 'source code'],
    ['source', text('#!/bin/sh\necho\n'), 'script'],
    ['text', text('Dear reader,\n'), 'text'],
    ['text', new Uint8Array(Buffer.from('\ufeffDear reader', 'utf16le')), 'text'],
    ['unknown', bytes('01 02 03 04 05 06 07 08 ff fe'), 'no WebAssembly'],
    ['unknown', new Uint8Array(100_000), 'no WebAssembly'],
  ];

  test.each(strangers)('%s', (kind, file, said) => {
    const refusal = refusalOf(file);
    expect(refusal.code).toBe('RF_MODULE_INVALID');
    expect(refusal.fields.kind).toBe(kind);
    expect(refusal.message).toContain(said);
    expect(refusal.message).toMatch(/^The file [^\n]+: [^\n]+\.$/);
  });
});

describe('files that are', () => {
  test('a core module', () => {
    expect(kindOf(bytes('00 61 73 6d 01 00 00 00'))).toBe('core-module');
  });
  test('a component', () => {
    expect(kindOf(bytes('00 61 73 6d 0d 00 01 00 ff'))).toBe('component');
  });
});

test('a character that the end of the look divides is still text', () => {
  const long = text(`${'x'.repeat(4095)}é and more`);
  expect(refusalOf(long).fields.kind).toBe('text');
});

function refusalOf(file: Uint8Array): RingfenceError {
  try {
    kindOf(file);
  } catch (error) {
    expect(error).toBeInstanceOf(RingfenceError);
    return error as RingfenceError;
  }
  return expect.fail('was taken for WebAssembly');
}
