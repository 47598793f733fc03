// JSON as values, and values of the language out of it. Errors are results: nothing here traps.

import { JsonFields } from 'ringfence/assemblyscript/json-fields';
import { readJson } from 'ringfence/assemblyscript/json-reader';
import { writeJson } from 'ringfence/assemblyscript/json-writer';
import { Result } from 'wit/values';

/** Levels of lists and objects in each other. */
export const JSON_DEPTH_MAX = 64;

/** UTF-16 units of a text: half of what a message may have. */
export const JSON_UNITS_MAX = 4_194_304;

/** Values in a text, unless another number is given: 11 MiB of memory, where all of them are objects. */
export const JSON_VALUES_MAX = 25_000;

export enum JsonKind {
  Null,
  Boolean,
  /** A whole number that 64 bits hold exactly. */
  Integer,
  Float,
  Text,
  List,
  Object,
}

/** A value of JSON. */
export class Json {
  private bits: u64 = 0;
  private _isNegative: bool = false;
  private _text: string | null = null;
  private items: Array<Json> | null = null;
  private fields: JsonFields | null = null;

  private constructor(readonly kind: JsonKind) {}

  /** Reads a text. An error says what is wrong and where. */
  static parse(text: string, valuesMax: i32 = JSON_VALUES_MAX): Result<Json, string> {
    return readJson(text, valuesMax);
  }

  /** `null`. */
  static nothing(): Json {
    return new Json(JsonKind.Null);
  }

  static boolean(value: bool): Json {
    const made = new Json(JsonKind.Boolean);
    made.bits = value ? 1 : 0;
    return made;
  }

  static integer(value: i64): Json {
    const made = new Json(JsonKind.Integer);
    made.bits = <u64>value;
    made._isNegative = value < 0;
    return made;
  }

  static natural(value: u64): Json {
    const made = new Json(JsonKind.Integer);
    made.bits = value;
    return made;
  }

  static float(value: f64): Json {
    const made = new Json(JsonKind.Float);
    made.bits = reinterpret<u64>(value);
    return made;
  }

  static text(value: string): Json {
    const made = new Json(JsonKind.Text);
    made._text = value;
    return made;
  }

  /** `[]`, to push to. */
  static list(): Json {
    const made = new Json(JsonKind.List);
    made.items = [];
    return made;
  }

  /** `{}`, to put fields into by `with`. */
  static object(): Json {
    const made = new Json(JsonKind.Object);
    made.fields = new JsonFields();
    return made;
  }

  /** The value of a bool, a number, a string, a `Json`, or an array of these. */
  static of<T>(value: T): Json {
    if (isBoolean<T>()) return Json.boolean(<bool>value);
    else if (isInteger<T>() && isSigned<T>()) return Json.integer(<i64>value);
    else if (isInteger<T>()) return Json.natural(<u64>value);
    else if (isFloat<T>()) return Json.float(<f64>value);
    else if (changetype<usize>(value) == 0) return Json.nothing();
    else if (isString<T>()) return Json.text(changetype<string>(value));
    else if (isArray<T>()) {
      const list = Json.list();
      for (let index = 0; index < value.length; index++) list.push(value[index]);
      return list;
    } else if (idof<T>() == idof<Json>()) return changetype<Json>(value);
    else return ERROR('Json takes a bool, a number, a string, a Json, or an array of these');
  }

  /** Puts a field into an object, and answers the object. Of anything else nothing changes. */
  with<T>(key: string, value: T): Json {
    const fields = this.fields;
    if (fields !== null) fields.set(key, Json.of<T>(value));
    return this;
  }

  /** Adds to the end of a list, and answers the list. Of anything else nothing changes. */
  push<T>(value: T): Json {
    const items = this.items;
    if (items !== null) items.push(Json.of<T>(value));
    return this;
  }

  /** Items of a list, fields of an object; 0 of anything else. */
  get length(): i32 {
    const items = this.items;
    if (items !== null) return items.length;
    const fields = this.fields;
    return fields === null ? 0 : fields.keys.length;
  }

  get isNull(): bool {
    return this.kind == JsonKind.Null;
  }

  get isNegative(): bool {
    return this._isNegative;
  }

  /** The names of an object's fields, in their order. */
  keys(): Array<string> {
    const fields = this.fields;
    return fields === null ? [] : fields.keys.slice();
  }

  /** An object's field; null where there is none. */
  get(key: string): Json | null {
    const fields = this.fields;
    return fields === null ? null : fields.get(key);
  }

  /** A list's item; null where there is none. */
  at(index: i32): Json | null {
    const items = this.items;
    return items !== null && index >= 0 && index < items.length ? items[index] : null;
  }

  /** An object's field as a value of a type; an error names the field. */
  field<T>(key: string): Result<T, string> {
    const value = this.get(key);
    if (value === null) return Result.err<T, string>(`'${key}' is missing`);
    const read = value.as<T>();
    return read.isOk ? read : Result.err<T, string>(`'${key}' is wrong: ${read.error}`);
  }

  /** A list's item as a value of a type; an error names its index. */
  item<T>(index: i32): Result<T, string> {
    const value = this.at(index);
    if (value === null) return Result.err<T, string>(`item ${index} is missing`);
    const read = value.as<T>();
    return read.isOk ? read : Result.err<T, string>(`item ${index} is wrong: ${read.error}`);
  }

  /**
   * This as a value of a type: a bool, a string, a `Json`, a number that holds it without a loss, or an array of
   * these. A float is what is nearest.
   */
  as<T>(): Result<T, string> {
    if (isBoolean<T>()) {
      if (this.kind != JsonKind.Boolean) return this.isNo<T>('a boolean');
      return Result.ok<T, string>(<T>this.asBoolean());
    } else if (isInteger<T>()) {
      const whole = this.whole();
      if (whole === null || !whole.fits<T>()) return this.isNo<T>(`of the type ${nameof<T>()}`);
      return Result.ok<T, string>(<T>whole.bits);
    } else if (isFloat<T>()) {
      if (this.kind != JsonKind.Integer && this.kind != JsonKind.Float) return this.isNo<T>('a number');
      return Result.ok<T, string>(<T>this.asFloat());
    } else if (isString<T>()) {
      if (this.kind != JsonKind.Text) return this.isNo<T>('a text');
      return Result.ok<T, string>(changetype<T>(this.asText()));
    } else if (isArray<T>()) {
      if (this.kind != JsonKind.List) return this.isNo<T>('a list');
      const made = instantiate<T>();
      for (let index = 0; index < this.length; index++) {
        const item = this.item<valueof<T>>(index);
        if (!item.isOk) return Result.err<T, string>(item.error);
        made.push(item.value);
      }
      return Result.ok<T, string>(made);
    } else if (idof<T>() == idof<Json>()) return Result.ok<T, string>(changetype<T>(this));
    else return ERROR('Json gives a bool, a number, a string, a Json, or an array of these');
  }

  /** The text. An error says that it is too deep or too long. */
  write(): Result<string, string> {
    return writeJson(this);
  }

  /** The text, for people; where it can't be written, why. */
  toString(): string {
    const written = this.write();
    return written.isOk ? written.value : written.error;
  }

  /** False for everything but `true`. */
  asBoolean(): bool {
    return this.kind == JsonKind.Boolean && this.bits != 0;
  }

  /** The bits of a whole number that is negative; see `as` for one that says what is wrong. */
  asInteger(): i64 {
    return this.kind == JsonKind.Integer ? <i64>this.bits : 0;
  }

  /** The bits of a whole number that is not negative; see `as` for one that says what is wrong. */
  asNatural(): u64 {
    return this.kind == JsonKind.Integer ? this.bits : 0;
  }

  /** The number as a float; not a number for everything that is none. */
  asFloat(): f64 {
    if (this.kind == JsonKind.Float) return reinterpret<f64>(this.bits);
    if (this.kind != JsonKind.Integer) return NaN;
    return this._isNegative ? <f64>(<i64>this.bits) : <f64>this.bits;
  }

  /** The text of a text; empty for everything else. */
  asText(): string {
    const text = this._text;
    return text === null ? '' : text;
  }

  /** This as a whole number; null where it has a fraction, or where a float is too great to be exact. */
  private whole(): Json | null {
    if (this.kind == JsonKind.Integer) return this;
    if (this.kind != JsonKind.Float) return null;
    const value = this.asFloat();
    if (!(abs(value) <= 9_007_199_254_740_991.0) || trunc(value) != value) return null;
    return Json.integer(<i64>value);
  }

  private fits<T>(): bool {
    if (isSigned<T>()) {
      return <i64>this.bits < 0 == this._isNegative && <i64>(<T>this.bits) == <i64>this.bits;
    }
    return !this._isNegative && <u64>(<T>this.bits) == this.bits;
  }

  private isNo<T>(wanted: string): Result<T, string> {
    const isNumber = this.kind == JsonKind.Integer || this.kind == JsonKind.Float;
    const own = isNumber ? this.toString() : nameOfKind(this.kind);
    return Result.err<T, string>(`it is ${own}, not ${wanted}`);
  }
}

function nameOfKind(kind: JsonKind): string {
  switch (kind) {
    case JsonKind.Null:
      return 'null';
    case JsonKind.Boolean:
      return 'a boolean';
    case JsonKind.Text:
      return 'a text';
    case JsonKind.List:
      return 'a list';
    default:
      return 'an object';
  }
}
