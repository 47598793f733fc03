import { describe, expect, test } from 'vitest';
import { FuelTank } from './fuel.ts';

/** Uses units up as the injected code does: counts down, asks when below zero. */
function burn(tank: FuelTank, units: number): boolean {
  tank.global.value -= BigInt(units);
  return tank.global.value >= 0n || tank.refill();
}

describe('what was used', () => {
  test.each([1, 7, 1000, 10_000_000])('does not depend on slices of %i', (slice) => {
    const tank = new FuelTank(0, slice);
    for (const units of [3, 500, 1, 12_345, 0]) {
      burn(tank, units);
    }
    expect(tank.used).toBe(12_849);
  });

  test.each([1, 7, 1000])('is the limit once it is passed, with slices of %i', (slice) => {
    const tank = new FuelTank(100, slice);
    expect(burn(tank, 100)).toBe(true);
    expect(tank.overdrawn).toBe(false);
    expect(burn(tank, 1)).toBe(false);
    expect(tank.overdrawn).toBe(true);
    expect(tank.used).toBe(100);
  });

  test.each([10, 1000])('does not change when a slice of %i is ended early', (slice) => {
    const tank = new FuelTank(100, slice);
    burn(tank, 7);
    tank.endSlice();
    expect(tank.used).toBe(7);
    expect(tank.global.value < 0n).toBe(true);
    expect(tank.refill()).toBe(true);
    expect(tank.used).toBe(7);
    expect(burn(tank, 93)).toBe(true);
    expect(burn(tank, 1)).toBe(false);
    tank.endSlice();
    expect(tank.used).toBe(100);
  });

  test('stays as it was when the agent has ended, whatever happens then', () => {
    const tank = new FuelTank(0, 10);
    burn(tank, 25);
    tank.end();
    tank.charge(5);
    expect(tank.used).toBe(25);
    expect(tank.global.value < 0n).toBe(true);
  });
});

describe('a slice', () => {
  const length = (tank: FuelTank): number => {
    tank.global.value = -1n;
    tank.refill();
    return Number(tank.global.value) + 1;
  };

  test('is made shorter where it took long, longer where it took little, within its bounds', () => {
    const tank = new FuelTank(0, 1_000_000);
    expect(length(tank)).toBe(100_000);
    tank.adapt(40);
    expect(length(tank)).toBe(10_000);
    for (let count = 0; count < 20; count += 1) {
      tank.adapt(0.1);
    }
    expect(length(tank)).toBe(1_000_000);
    tank.adapt(2);
    expect(length(tank)).toBe(1_000_000);
  });
});

describe('an allowance', () => {
  test('comes out of the same budget', () => {
    const tank = new FuelTank(1000, 10);
    burn(tank, 5);
    tank.withAllowance(100, () => {
      tank.global.value -= 60n;
      expect(tank.used).toBe(65);
    });
    expect(tank.used).toBe(65);
    expect(burn(tank, 935)).toBe(true);
    expect(burn(tank, 1)).toBe(false);
  });

  test('does not depend on what is left of the slice, only of the limit', () => {
    for (const slice of [1, 1000]) {
      const tank = new FuelTank(50, slice);
      burn(tank, 20);
      expect(tank.withAllowance(100, () => tank.global.value)).toBe(30n);
      expect(tank.withAllowance(10, () => tank.global.value)).toBe(10n);
    }
  });

  test('that was overdrawn shows as the limit', () => {
    const tank = new FuelTank(50, 10);
    tank.withAllowance(100, () => {
      tank.global.value -= 51n;
      expect(tank.overdrawn).toBe(true);
      tank.end();
    });
    expect(tank.used).toBe(50);
  });
});
