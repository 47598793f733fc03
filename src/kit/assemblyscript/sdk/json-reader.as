// Reads JSON as `JSON.parse` does (RFC 8259): of a key that is there twice the last value counts, and half a
// surrogate is a character like others. Whole numbers of 64 bits are exact.

import { JSON_DEPTH_MAX, JSON_UNITS_MAX, Json } from 'ringfence/assemblyscript/json';
import { decimalToFloat } from 'ringfence/assemblyscript/json-number';
import { Result } from 'wit/values';

/** The value of a text; an error says what is wrong and where. */
export function readJson(text: string, valuesMax: i32): Result<Json, string> {
  if (text.length > JSON_UNITS_MAX) {
    return Result.err<Json, string>(`it is longer than ${JSON_UNITS_MAX} characters`);
  }
  const reader = new JsonReader(text, valuesMax);
  const value = reader.document();
  if (value === null) return Result.err<Json, string>(reader.failure);
  return Result.ok<Json, string>(value);
}

class JsonReader {
  /** Why it is no JSON. */
  failure: string = '';
  private position: i32 = 0;
  private values: i32 = 0;

  constructor(
    private readonly source: string,
    private readonly valuesMax: i32,
  ) {}

  document(): Json | null {
    const value = this.value(0);
    if (value === null) return null;
    this.skipSpace();
    if (this.position < this.source.length) return this.wrong('its end');
    return value;
  }

  /** The unit that comes next; 0 at the end, which no JSON has outside of texts. */
  private next(): u32 {
    return this.position < this.source.length ? this.source.charCodeAt(this.position) : 0;
  }

  private skipSpace(): void {
    while (true) {
      const unit = this.next();
      if (unit != 0x20 && unit != 0x0a && unit != 0x0d && unit != 0x09) return;
      this.position += 1;
    }
  }

  private take(unit: u32): bool {
    if (this.next() != unit) return false;
    this.position += 1;
    return true;
  }

  private wrong(expected: string): Json | null {
    return this.fail(`at character ${this.position} it needs ${expected}`);
  }

  /** The first failure is the one that is told. */
  private fail(why: string): Json | null {
    if (this.failure.length == 0) this.failure = why;
    return null;
  }

  private value(depth: i32): Json | null {
    if (depth > JSON_DEPTH_MAX) return this.fail(`it is nested deeper than ${JSON_DEPTH_MAX} levels`);
    this.values += 1;
    if (this.values > this.valuesMax) return this.fail(`it has more than ${this.valuesMax} values`);
    this.skipSpace();
    const unit = this.next();
    switch (unit) {
      case 0x7b:
        return this.object(depth);
      case 0x5b:
        return this.list(depth);
      case 0x22: {
        const text = this.text();
        return text === null ? null : Json.text(text);
      }
      case 0x74:
        return this.word('true', Json.boolean(true));
      case 0x66:
        return this.word('false', Json.boolean(false));
      case 0x6e:
        return this.word('null', Json.nothing());
      default:
        return unit == 0x2d || isDigit(unit) ? this.number() : this.wrong('a value');
    }
  }

  private word(word: string, value: Json): Json | null {
    for (let index = 0; index < word.length; index++) {
      if (!this.take(word.charCodeAt(index))) return this.wrong(`'${word}'`);
    }
    return value;
  }

  private list(depth: i32): Json | null {
    this.position += 1;
    const list = Json.list();
    this.skipSpace();
    if (this.take(0x5d)) return list;
    while (true) {
      const item = this.value(depth + 1);
      if (item === null) return null;
      list.push(item);
      this.skipSpace();
      if (this.take(0x5d)) return list;
      if (!this.take(0x2c)) return this.wrong("',' or ']'");
    }
  }

  private object(depth: i32): Json | null {
    this.position += 1;
    const object = Json.object();
    this.skipSpace();
    if (this.take(0x7d)) return object;
    while (true) {
      this.skipSpace();
      const key = this.next() == 0x22 ? this.text() : null;
      if (key === null) return this.wrong('a key in quotes');
      this.skipSpace();
      if (!this.take(0x3a)) return this.wrong("':'");
      const value = this.value(depth + 1);
      if (value === null) return null;
      object.with(key, value);
      this.skipSpace();
      if (this.take(0x7d)) return object;
      if (!this.take(0x2c)) return this.wrong("',' or '}'");
    }
  }

  /** The text from here, which begins with a quote; null where it is wrong. */
  private text(): string | null {
    this.position += 1;
    const start = this.position;
    let hasEscapes = false;
    while (true) {
      const unit = this.next();
      if (unit == 0x22) break;
      if (unit < 0x20) {
        this.wrong('the end of a text, and no control character in it');
        return null;
      }
      if (unit == 0x5c) {
        hasEscapes = true;
        this.position += 1;
        if (!this.skipEscape()) {
          this.wrong('an escape that JSON has');
          return null;
        }
      } else this.position += 1;
    }
    const end = this.position;
    this.position += 1;
    return hasEscapes ? unescaped(this.source, start, end) : this.source.substring(start, end);
  }

  /** Goes behind what follows a backslash. */
  private skipEscape(): bool {
    if (!this.take(0x75)) {
      if (simpleEscape(this.next()) == 0) return false;
      this.position += 1;
      return true;
    }
    for (let digit = 0; digit < 4; digit++) {
      if (hexDigit(this.next()) < 0) return false;
      this.position += 1;
    }
    return true;
  }

  private number(): Json | null {
    const isNegative = this.take(0x2d);
    const start = this.position;
    if (!this.take(0x30) && !this.digits()) return this.wrong('a digit');
    const wholeEnd = this.position;
    if (this.take(0x2e) && !this.digits()) return this.wrong('a digit');
    const end = this.position;
    let exponent = 0;
    if (this.take(0x65) || this.take(0x45)) {
      const isSmall = this.take(0x2d);
      if (!isSmall) this.take(0x2b);
      const from = this.position;
      if (!this.digits()) return this.wrong('a digit');
      exponent = wholeNumber(this.source, from, this.position);
      if (isSmall) exponent = -exponent;
    } else if (end == wholeEnd) {
      const whole = exactInteger(this.source, start, end, isNegative);
      if (whole !== null) return whole;
    }
    const value = decimalToFloat(this.source, start, end, exponent);
    return Json.float(isNegative ? -value : value);
  }

  /** Goes behind digits; false where there is none. */
  private digits(): bool {
    const start = this.position;
    while (isDigit(this.next())) this.position += 1;
    return this.position > start;
  }
}

function isDigit(unit: u32): bool {
  return unit - 0x30 < 10;
}

/** An exponent; what is beyond all floats is cut, where it is still beyond them whatever the digits before it. */
function wholeNumber(text: string, start: i32, end: i32): i32 {
  let value = 0;
  for (let index = start; index < end; index++) {
    value = min(value * 10 + (text.charCodeAt(index) - 0x30), 100_000_000);
  }
  return value;
}

/** The whole number where 64 bits hold it, from -2^63 to 2^64 - 1; null where they don't, and for -0. */
function exactInteger(text: string, start: i32, end: i32, isNegative: bool): Json | null {
  if (end - start > 20) return null;
  let value: u64 = 0;
  for (let index = start; index < end; index++) {
    const digit = <u64>(text.charCodeAt(index) - 0x30);
    if (value > (u64.MAX_VALUE - digit) / 10) return null;
    value = value * 10 + digit;
  }
  if (!isNegative) return Json.natural(value);
  if (value == 0 || value > 1 << 63) return null;
  return Json.integer(<i64>(0 - value));
}

function unescaped(text: string, start: i32, end: i32): string {
  const buffer = new ArrayBuffer((end - start) << 1);
  let length: usize = 0;
  for (let index = start; index < end; index++) {
    let unit: u32 = text.charCodeAt(index);
    if (unit == 0x5c) {
      index += 1;
      unit = text.charCodeAt(index);
      if (unit == 0x75) {
        unit = 0;
        for (let digit = 1; digit <= 4; digit++) {
          unit = (unit << 4) | hexDigit(text.charCodeAt(index + digit));
        }
        index += 4;
      } else unit = simpleEscape(unit);
    }
    store<u16>(changetype<usize>(buffer) + (length << 1), <u16>unit);
    length += 1;
  }
  return String.UTF16.decodeUnsafe(changetype<usize>(buffer), length << 1);
}

/** What a backslash and this mean; 0 where they mean nothing. */
function simpleEscape(unit: u32): u32 {
  switch (unit) {
    case 0x22:
    case 0x2f:
    case 0x5c:
      return unit;
    case 0x62:
      return 0x08;
    case 0x66:
      return 0x0c;
    case 0x6e:
      return 0x0a;
    case 0x72:
      return 0x0d;
    case 0x74:
      return 0x09;
    default:
      return 0;
  }
}

/** -1 where it is none. */
function hexDigit(unit: u32): i32 {
  if (isDigit(unit)) return unit - 0x30;
  const lower = unit | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}
