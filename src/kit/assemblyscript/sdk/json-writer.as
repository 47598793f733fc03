// Writes JSON as `JSON.stringify` does: half a surrogate is escaped, and what is no number is null.

import { JSON_DEPTH_MAX, JSON_UNITS_MAX, Json, JsonKind } from 'ringfence/assemblyscript/json';
import { TextBuilder } from 'ringfence/assemblyscript/json-text';
import { Result } from 'wit/values';

/** The text of a value; an error where it is too deep, as one that holds itself is, or too long. */
export function writeJson(value: Json): Result<string, string> {
  const writer = new JsonWriter();
  const failure = writer.value(value, 0);
  if (failure !== null) return Result.err<string, string>(failure);
  return Result.ok<string, string>(writer.toString());
}

class JsonWriter {
  private readonly out: TextBuilder = new TextBuilder();

  toString(): string {
    return this.out.toString();
  }

  /** Answers why it can't be written, or null. */
  value(value: Json, depth: i32): string | null {
    if (depth > JSON_DEPTH_MAX) return `it is nested deeper than ${JSON_DEPTH_MAX} levels`;
    if (this.out.length + value.asText().length > JSON_UNITS_MAX) {
      return `it is longer than ${JSON_UNITS_MAX} characters`;
    }
    switch (value.kind) {
      case JsonKind.Text:
        this.text(value.asText());
        return null;
      case JsonKind.List:
        return this.list(value, depth);
      case JsonKind.Object:
        return this.object(value, depth);
      default:
        this.out.text(plain(value));
        return null;
    }
  }

  private list(list: Json, depth: i32): string | null {
    this.out.unit(0x5b);
    for (let index = 0; index < list.length; index++) {
      if (index > 0) this.out.unit(0x2c);
      const failure = this.value(list.at(index)!, depth + 1);
      if (failure !== null) return failure;
    }
    this.out.unit(0x5d);
    return null;
  }

  private object(object: Json, depth: i32): string | null {
    const keys = object.keys();
    this.out.unit(0x7b);
    for (let index = 0; index < keys.length; index++) {
      if (index > 0) this.out.unit(0x2c);
      this.text(keys[index]);
      this.out.unit(0x3a);
      const failure = this.value(object.get(keys[index])!, depth + 1);
      if (failure !== null) return failure;
    }
    this.out.unit(0x7d);
    return null;
  }

  private text(text: string): void {
    this.out.unit(0x22);
    let copied = 0;
    for (let index = 0; index < text.length; index++) {
      const unit = <u32>text.charCodeAt(index);
      if (isPair(text, index, unit)) {
        index += 1;
        continue;
      }
      if (isPlain(unit)) continue;
      this.out.part(text, copied, index);
      copied = index + 1;
      this.escape(unit);
    }
    this.out.part(text, copied, text.length);
    this.out.unit(0x22);
  }

  private escape(unit: u32): void {
    this.out.unit(0x5c);
    switch (unit) {
      case 0x22:
      case 0x5c:
        this.out.unit(<u16>unit);
        return;
      case 0x08:
        this.out.unit(0x62);
        return;
      case 0x09:
        this.out.unit(0x74);
        return;
      case 0x0a:
        this.out.unit(0x6e);
        return;
      case 0x0c:
        this.out.unit(0x66);
        return;
      case 0x0d:
        this.out.unit(0x72);
        return;
      default:
        this.out.unit(0x75);
        for (let shift = 12; shift >= 0; shift -= 4) {
          const digit = (unit >> shift) & 15;
          this.out.unit(<u16>(digit < 10 ? 0x30 + digit : 0x57 + digit));
        }
    }
  }
}

/** What stands in a text as it is. */
function isPlain(unit: u32): bool {
  return unit >= 0x20 && unit != 0x22 && unit != 0x5c && (unit & 0xf800) != 0xd800;
}

/** Whether both halves of a character stand there. */
function isPair(text: string, index: i32, unit: u32): bool {
  if ((unit & 0xfc00) != 0xd800 || index + 1 >= text.length) return false;
  return (<u32>text.charCodeAt(index + 1) & 0xfc00) == 0xdc00;
}

function plain(value: Json): string {
  switch (value.kind) {
    case JsonKind.Boolean:
      return value.asBoolean() ? 'true' : 'false';
    case JsonKind.Integer:
      return value.isNegative ? value.asInteger().toString() : value.asNatural().toString();
    case JsonKind.Float:
      return floatText(value.asFloat());
    default:
      return 'null';
  }
}

function floatText(value: f64): string {
  if (!isFinite(value)) return 'null';
  const text = value.toString();
  return text.endsWith('.0') ? text.substring(0, text.length - 2) : text;
}
