// Numbers of JSON as 64-bit floats, rounded as IEEE 754 asks for: to the nearest, ties to even. The library's
// `parseFloat` is off by one unit in the last place for some, and a number that is read and written has to come
// back as it was.
//
// Short numbers are exact in one multiplication (Clinger, "How to read floating point numbers accurately",
// 1990). The others are compared exactly, as big integers, with the floats that come into question.

/** Significant digits that are looked at: no float's midpoint has more than 768. */
const DIGITS_MAX = 800;

/** Decimal exponents beyond which everything is infinite, or zero. */
const EXPONENT_MAX = 310;
const EXPONENT_MIN = -330;

const INFINITE: u64 = 0x7ff0_0000_0000_0000;
const FRACTION_BITS: u64 = 52;
const FRACTION: u64 = 0x000f_ffff_ffff_ffff;
const HIDDEN: u64 = 0x0010_0000_0000_0000;

/** The powers of ten that a float has exactly. */
// biome-ignore format: a row of them reads best.
const POWERS: StaticArray<f64> = [
  1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19,
  1e20, 1e21, 1e22,
];
const EXACT_POWER = 22;

/** How far from the right float the first guess may be before all are searched, in units of the last place. */
const GUESS_REACH: u64 = 8;

/**
 * The float that is nearest to a decimal number without a sign.
 *
 * @param text - Has the digits from `start` to `end`, perhaps with one point among them, and nothing else.
 * @param exponent - Of ten, that the digits are multiplied with.
 */
export function decimalToFloat(text: string, start: i32, end: i32, exponent: i32): f64 {
  const decimal = Decimal.read(text, start, end, exponent);
  if (decimal.count == 0) return 0;
  const magnitude = decimal.count + decimal.exponent;
  if (magnitude > EXPONENT_MAX) return Infinity;
  if (magnitude < EXPONENT_MIN) return 0;
  const isShort = decimal.count <= 15;
  if (isShort && decimal.exponent >= 0 && decimal.exponent <= EXACT_POWER) {
    return <f64>decimal.leading * POWERS[decimal.exponent];
  }
  if (isShort && decimal.exponent < 0 && -decimal.exponent <= EXACT_POWER) {
    return <f64>decimal.leading / POWERS[-decimal.exponent];
  }
  return nearest(decimal);
}

/** A decimal number: its significant digits as one integer, times a power of ten. */
class Decimal {
  /** Each from 0 to 9, neither the first nor the last of them 0. */
  digits: StaticArray<u8>;
  count: i32 = 0;
  exponent: i32;
  /** The first 19 digits as an integer. */
  leading: u64 = 0;

  private constructor(length: i32, exponent: i32) {
    this.digits = new StaticArray<u8>(min(length, DIGITS_MAX + 1));
    this.exponent = exponent;
  }

  static read(text: string, start: i32, end: i32, exponent: i32): Decimal {
    const read = new Decimal(end - start, exponent);
    let hasPoint = false;
    let isCut = false;
    for (let index = start; index < end; index++) {
      const unit = text.charCodeAt(index);
      if (unit == 0x2e) {
        hasPoint = true;
        continue;
      }
      const digit = <u8>(unit - 0x30);
      if (hasPoint) read.exponent -= 1;
      if (read.count == 0 && digit == 0) continue;
      if (read.count < DIGITS_MAX) read.add(digit);
      else {
        read.exponent += 1;
        if (digit != 0) isCut = true;
      }
    }
    // Something more than the digits that are kept: enough to tell it from a midpoint.
    if (isCut) {
      read.add(1);
      read.exponent -= 1;
    }
    read.trim();
    return read;
  }

  private add(digit: u8): void {
    this.digits[this.count] = digit;
    this.count += 1;
  }

  private trim(): void {
    while (this.count > 0 && this.digits[this.count - 1] == 0) {
      this.count -= 1;
      this.exponent += 1;
    }
    const most = min(this.count, 19);
    for (let index = 0; index < most; index++) {
      this.leading = this.leading * 10 + <u64>this.digits[index];
    }
  }
}

function nearest(decimal: Decimal): f64 {
  const comparison = new Comparison(decimal);
  const below = floor(decimal, comparison);
  const order = comparison.withMidpointAbove(below);
  if (order < 0) return reinterpret<f64>(below);
  if (order > 0) return reinterpret<f64>(below + 1);
  return reinterpret<f64>(below + (below & 1));
}

/** The bits of the greatest finite float that is not above the number: bits of positive floats are in order. */
function floor(decimal: Decimal, comparison: Comparison): u64 {
  let low: u64 = 0;
  let high: u64 = INFINITE;
  const guess = reinterpret<u64>(estimate(decimal));
  const from: u64 = guess > GUESS_REACH ? guess - GUESS_REACH : 0;
  const to: u64 = min(guess + GUESS_REACH, INFINITE);
  if (comparison.with(from) >= 0) low = from;
  else high = from;
  if (high > to && (to == INFINITE || comparison.with(to) < 0)) high = to;
  else if (high > to) low = to;
  while (high - low > 1) {
    const middle = low + ((high - low) >> 1);
    if (comparison.with(middle) >= 0) low = middle;
    else high = middle;
  }
  return low;
}

/** A float some units in the last place from the number, mostly: the search does not depend on it. */
function estimate(decimal: Decimal): f64 {
  let exponent = decimal.exponent + max(decimal.count - 19, 0);
  let value = <f64>decimal.leading;
  while (exponent > 0) {
    const step = min(exponent, EXACT_POWER);
    value *= POWERS[step];
    exponent -= step;
  }
  while (exponent < 0) {
    const step = min(-exponent, EXACT_POWER);
    value /= POWERS[step];
    exponent += step;
  }
  return value;
}

/** Compares a decimal number with floats, exactly: both sides are made integers. */
class Comparison {
  /** What does not depend on the float: the digits times five to the exponent, and what is left to the float. */
  private readonly own: Big;
  private readonly scale: Big;
  private readonly exponent: i32;

  constructor(decimal: Decimal) {
    const own = new Big();
    for (let index = 0; index < decimal.count; index++) own.multiplyAdd(10, decimal.digits[index]);
    own.multiplyByFives(max(decimal.exponent, 0));
    const scale = new Big();
    scale.multiplyAdd(0, 1);
    scale.multiplyByFives(max(-decimal.exponent, 0));
    this.own = own;
    this.scale = scale;
    this.exponent = decimal.exponent;
  }

  /** Below 0 where the number is less than the float, 0 where it is the same. */
  with(bits: u64): i32 {
    return this.compare(mantissaOf(bits), exponentOf(bits));
  }

  /** The same with what is half way between the float and the next one. */
  withMidpointAbove(bits: u64): i32 {
    return this.compare(mantissaOf(bits) * 2 + 1, exponentOf(bits) - 1);
  }

  private compare(mantissa: u64, exponent: i32): i32 {
    const twos = this.exponent - exponent;
    const left = this.own.copy();
    left.shiftLeft(max(twos, 0));
    const right = this.scale.times(mantissa);
    right.shiftLeft(max(-twos, 0));
    return left.compare(right);
  }
}

function mantissaOf(bits: u64): u64 {
  const fraction = bits & FRACTION;
  return bits >> FRACTION_BITS == 0 ? fraction : fraction | HIDDEN;
}

function exponentOf(bits: u64): i32 {
  return <i32>max(bits >> FRACTION_BITS, 1) - 1075;
}

/** A natural number of as many bits as it takes. */
class Big {
  /** In base 2^32, the lowest first, the last not 0. */
  private limbs: Array<u32> = [];

  copy(): Big {
    const made = new Big();
    made.limbs = this.limbs.slice();
    return made;
  }

  multiplyAdd(factor: u32, summand: u32): void {
    let carry: u64 = summand;
    for (let index = 0; index < this.limbs.length; index++) {
      carry += <u64>this.limbs[index] * factor;
      this.limbs[index] = <u32>carry;
      carry >>= 32;
    }
    if (carry != 0) this.limbs.push(<u32>carry);
  }

  multiplyByFives(count: i32): void {
    let left = count;
    for (; left >= 13; left -= 13) this.multiplyAdd(1_220_703_125, 0);
    for (; left > 0; left--) this.multiplyAdd(5, 0);
  }

  times(factor: u64): Big {
    const high = this.copy();
    high.multiplyAdd(<u32>(factor >> 32), 0);
    high.trim();
    high.shiftLeft(32);
    const low = this.copy();
    low.multiplyAdd(<u32>factor, 0);
    low.trim();
    high.add(low);
    return high;
  }

  shiftLeft(bits: i32): void {
    if (this.limbs.length == 0) return;
    if (bits % 32 != 0) this.multiplyAdd(1 << (bits % 32), 0);
    const zeros = new Array<u32>(bits / 32);
    this.limbs = zeros.concat(this.limbs);
  }

  compare(other: Big): i32 {
    if (this.limbs.length != other.limbs.length) return this.limbs.length < other.limbs.length ? -1 : 1;
    for (let index = this.limbs.length - 1; index >= 0; index--) {
      const own = this.limbs[index];
      const others = other.limbs[index];
      if (own != others) return own < others ? -1 : 1;
    }
    return 0;
  }

  private add(other: Big): void {
    let carry: u64 = 0;
    const length = max(this.limbs.length, other.limbs.length);
    for (let index = 0; index < length; index++) {
      carry += index < this.limbs.length ? this.limbs[index] : 0;
      carry += index < other.limbs.length ? other.limbs[index] : 0;
      if (index < this.limbs.length) this.limbs[index] = <u32>carry;
      else this.limbs.push(<u32>carry);
      carry >>= 32;
    }
    if (carry != 0) this.limbs.push(<u32>carry);
  }

  /** A product with 0 has zeros only. */
  private trim(): void {
    while (this.limbs.length > 0 && this.limbs[this.limbs.length - 1] == 0) this.limbs.pop();
  }
}
