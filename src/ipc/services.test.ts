/** Goal: a name leads to one agent, and to nobody once that has ended. */

import { expect, test } from 'vitest';
import { Services } from './services.ts';

test('a name is of who has it first, until it is given up', () => {
  const services = new Services();
  expect(services.register('clock', 1)).toBe(true);
  expect(services.register('clock', 1)).toBe(true);
  expect(services.register('clock', 2)).toBe(false);
  expect(services.provider('clock')).toBe(1);
  expect(services.provider('__proto__')).toBeUndefined();
  expect(services.unregister('clock')).toBe(true);
  expect(services.unregister('clock')).toBe(false);
  expect(services.register('clock', 2)).toBe(true);
});

test('who has ended provides nothing, and the others what they did', () => {
  const services = new Services();
  services.register('clock', 1);
  services.register('store', 2);
  services.register('log', 1);
  services.exited(1);
  services.exited(1);
  expect(services.list()).toEqual([{ name: 'store', pid: 2 }]);
  expect(services.register('clock', 3)).toBe(true);
  services.exited(2);
  services.exited(3);
  expect(services.list()).toEqual([]);
});
