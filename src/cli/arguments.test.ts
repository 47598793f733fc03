import { describe, expect, test } from 'vitest';
import { spellOutOptionalValues, splitArguments } from './arguments.ts';

describe('splitArguments', () => {
  test('splits at the first --, and only there', () => {
    expect(splitArguments(['run', 'm', '--', 'a', '--', 'b'])).toEqual({
      own: ['run', 'm'],
      guest: ['a', '--', 'b'],
    });
  });

  test('tells no arguments from no --', () => {
    expect(splitArguments(['run', 'm', '--'])).toEqual({ own: ['run', 'm'], guest: [] });
    expect(splitArguments(['run', 'm'])).toEqual({ own: ['run', 'm'], guest: null });
  });
});

describe('spellOutOptionalValues', () => {
  const valued = new Set(['--report']);

  test('an option without its value gets one, so that it takes nothing of what follows', () => {
    expect(spellOutOptionalValues(['run', '--allow-ipc', 'm'], valued)).toEqual([
      'run',
      '--allow-ipc=*',
      'm',
    ]);
  });

  test('a value behind = stays, an empty one too', () => {
    const own = ['--allow-ipc=3', '--allow-tools=', '--allow-net=a:1,b'];
    expect(spellOutOptionalValues(own, valued)).toEqual(own);
  });

  test('the value of another option is not looked at', () => {
    const own = ['--report', '--allow-net', 'm'];
    expect(spellOutOptionalValues(own, valued)).toEqual(own);
  });
});
