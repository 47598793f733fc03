import { describe, expect, test } from 'vitest';
import { wat } from '../../../test/support/metering/wat.ts';
import { FUEL_STRIDE } from '../metering/costs.ts';
import { meter } from '../metering/meter.ts';
import { FuelTank } from './fuel.ts';
import { Speed } from './speed.ts';

/** A tank whose counter can be seen. */
class OpenTank extends FuelTank {
  readonly global = { value: 0 };
}

function tankOf(limit: number, sliceMax: number, module?: Speed): OpenTank {
  const tank = new OpenTank(limit, sliceMax, module);
  tank.moveTo(tank.global);
  return tank;
}

/** Uses units up as the injected code does: counts down, asks when below zero. */
function burn(tank: OpenTank, units: number): boolean {
  tank.global.value -= units;
  while (tank.global.value < 0) {
    const { value } = tank.global;
    if (tank.take(value) === 0 && !tank.openSlice(value)) {
      return false;
    }
  }
  return true;
}

describe('what was used', () => {
  test.each([1, 7, 1000, 10_000_000])('does not depend on slices of %i', (slice) => {
    const tank = tankOf(0, slice);
    for (const units of [3, 500, 1, 12_345, 0]) {
      burn(tank, units);
    }
    expect(tank.used).toBe(12_849);
  });

  test.each([1, 7, 1000])('is the limit once it is passed, with slices of %i', (slice) => {
    const tank = tankOf(100, slice);
    expect(burn(tank, 100)).toBe(true);
    expect(tank.isOverdrawn()).toBe(false);
    expect(burn(tank, 1)).toBe(false);
    expect(tank.isOverdrawn()).toBe(true);
    expect(tank.used).toBe(100);
  });

  test.each([10, 1000])('does not change when a slice of %i is ended early', (slice) => {
    const tank = tankOf(100, slice);
    burn(tank, 7);
    tank.endSlice();
    expect(tank.used).toBe(7);
    expect(tank.global.value < 0).toBe(true);
    expect(burn(tank, 0)).toBe(true);
    expect(tank.used).toBe(7);
    expect(burn(tank, 93)).toBe(true);
    expect(burn(tank, 1)).toBe(false);
    tank.endSlice();
    expect(tank.used).toBe(100);
  });

  test('stays as it was when the agent has ended, whatever happens then', () => {
    const tank = tankOf(0, 10);
    burn(tank, 25);
    tank.end();
    tank.charge(5);
    expect(tank.used).toBe(25);
    expect(tank.global.value < 0).toBe(true);
  });
});

describe('a slice', () => {
  /** How much the next slice holds. */
  const length = (tank: OpenTank): number => {
    tank.endSlice();
    const { value } = tank.global;
    expect(tank.take(value)).toBe(0);
    expect(tank.openSlice(value)).toBe(true);
    let granted = 0;
    for (let more = tank.take(value); more > 0; more = tank.take(value + granted)) {
      granted += more;
    }
    return granted + value;
  };

  /** Uses all of the slice under way up, in `sliceMs`; answers the length of the next one. */
  const next = (tank: OpenTank, sliceMs: number): number => {
    while (tank.take(-1) > 0);
    tank.adapt(-1, sliceMs);
    expect(tank.openSlice(-1)).toBe(true);
    return length(tank);
  };

  test('is made shorter where it took long, longer where it took little, within its bounds', () => {
    const start = (): OpenTank => tankOf(0, 2_000_000);
    expect(length(start())).toBe(1_000_000);
    expect(next(start(), 4)).toBe(250_000);
    expect(next(start(), 0.8)).toBe(1_250_001);
    expect(next(start(), 0.1)).toBe(2_000_000);
    const slow = start();
    for (let count = 0; count < 100; count += 1) {
      next(slow, 4);
    }
    expect(next(slow, 4)).toBe(10_000);
  });

  test('is a whole one again for who has waited, and nothing of what was used is lost', () => {
    const tank = tankOf(0, 1_000);
    burn(tank, 900);
    tank.renewSlice();
    tank.global.value -= 950;
    const { value } = tank.global;
    expect(tank.take(value)).toBeGreaterThan(0);
    expect(tank.used).toBe(1_850);
    expect(length(tank)).toBe(1_000);
  });

  test('begins as long as those of its module are', () => {
    const module = new Speed();
    next(tankOf(0, 100_000_000, module), 0.5);
    expect(length(tankOf(0, 100_000_000, module))).toBe(2_000_002);
  });

  test('is handed out in pieces, so that the time can be looked at in between, and cut at any', () => {
    const tank = tankOf(0, 100_000_000);
    while (tank.take(-1) > 0);
    expect(tank.openSlice(-1)).toBe(true);
    expect(tank.take(-1)).toBeLessThanOrEqual(250_001);
    expect(tank.take(-1)).toBeGreaterThan(0);
    tank.cutSlice();
    expect(tank.take(-1)).toBe(0);
  });
});

describe('what is told of a trap', () => {
  const SLICES = [1_000, 77_777, 100_000_000];

  /** Asks wherever the counter is below zero, at places of the guest's own, and then traps. */
  const trapAfter = (slice: number, steps: readonly number[]): number => {
    const tank = tankOf(0, slice);
    let local = tank.global.value;
    for (const units of steps) {
      local -= units;
      while (local < 0) {
        const granted = tank.take(local);
        if (granted === 0) {
          tank.openSlice(local);
        }
        local += granted;
      }
    }
    tank.end();
    return tank.used;
  };

  test.each([
    ['nothing, before the first stride', [1_000, 2_000], 0],
    ['the first place behind a stride', [FUEL_STRIDE - 10, 20, 30_000], FUEL_STRIDE + 10],
    ['the last of several', [5 * FUEL_STRIDE, 7, FUEL_STRIDE, 3], 6 * FUEL_STRIDE + 7],
  ] as const)('is %s, whatever the slices', (_, steps, expected) => {
    for (const slice of SLICES) {
      expect(trapAfter(slice, steps)).toBe(expected);
    }
  });

  test('is what was used at the last question where it is ended from outside', () => {
    const tank = tankOf(0, 1_000);
    expect(tank.take(-500)).toBe(0);
    tank.end('anywhere');
    expect(tank.used).toBe(1_500);
  });
});

describe('an allowance', () => {
  test('comes out of the same budget', () => {
    const tank = tankOf(1000, 10);
    burn(tank, 5);
    tank.withAllowance(100, () => {
      tank.global.value -= 60;
      expect(tank.used).toBe(65);
    });
    expect(tank.used).toBe(65);
    expect(burn(tank, 935)).toBe(true);
    expect(burn(tank, 1)).toBe(false);
  });

  test('does not depend on what is left of the slice, only of the limit', () => {
    for (const slice of [1, 1000]) {
      const tank = tankOf(50, slice);
      burn(tank, 20);
      expect(tank.withAllowance(100, () => tank.global.value)).toBe(30);
      expect(tank.withAllowance(10, () => tank.global.value)).toBe(10);
    }
  });

  test('that was overdrawn shows as the limit', () => {
    const tank = tankOf(50, 10);
    tank.withAllowance(100, () => {
      tank.global.value -= 51;
      expect(tank.isOverdrawn()).toBe(true);
      tank.end();
    });
    expect(tank.used).toBe(50);
  });
});

/** Computes for `passes`, without leaving its module, and traps. */
const LONG_COMPUTATION = `(module (func (export "run") (param $passes i32) (local $x i32)
  (loop $l
    ${'(local.set $x (i32.add (local.get $x) (local.get $passes)))'.repeat(20)}
    (br_if $l (local.tee $passes (i32.sub (local.get $passes) (i32.const 1)))))
  (drop (i32.div_u (i32.const 1) (local.get $passes)))))`;
const UNITS_A_PASS = 86;

describe('what a trap in a long computation used', () => {
  const passes = 30_000_000;

  test.each([
    [0, 1_000_000],
    [0, 10_000_000],
    [4_000_000_000, 10_000_000],
  ])(
    'counts more units than its counter can hold, with a limit of %i and slices of %i',
    async (...[limit, slice]) => {
      const { bytes, injected } = meter(await wat(LONG_COMPUTATION));
      const tank = new FuelTank(limit, slice);
      const fuel = new WebAssembly.Global({ value: 'i32', mutable: true }, 0);
      tank.moveTo(fuel);
      const nothing = () => {};
      const check = (left: number) => {
        const granted = tank.take(left);
        if (granted > 0) return granted;
        return tank.openSlice(left) ? tank.take(left) : -1;
      };
      const { exports } = await WebAssembly.instantiate(await WebAssembly.compile(bytes), {
        [injected]: {
          fuel,
          depth: new WebAssembly.Global({ value: 'i32', mutable: true }, 1000),
          check,
          suspend: nothing,
          grow: nothing,
          ungrow: nothing,
          exhausted_depth: nothing,
        },
      });
      expect(() => (exports.run as (passes: number) => void)(passes)).toThrow('divide by zero');
      expect(tank.isOverdrawn()).toBe(false);
      tank.end('here');
      const computed = passes * UNITS_A_PASS;
      expect(computed).toBeGreaterThan(2 ** 31);
      expect(tank.used).toBeLessThanOrEqual(computed + 100);
      expect(tank.used).toBeGreaterThan(computed - 2 * FUEL_STRIDE);
    },
  );
});
