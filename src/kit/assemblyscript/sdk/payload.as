// What messages carry: texts, JSON and bytes, out of values and back.

import { Json } from 'ringfence/assemblyscript/json';
import { Payload, PayloadTag, WitError } from 'ringfence/agent/types';
import { Result } from 'wit/values';

/** The payload of a `string`, a `Json` or a `Uint8Array`; a `Payload` is its own. */
export function payloadOf<T>(value: T): Result<Payload, WitError> {
  if (isString<T>()) {
    return Result.ok<Payload, WitError>(Payload.text(changetype<string>(value)));
  } else if (idof<T>() == idof<Json>()) {
    const written = changetype<Json>(value).write();
    if (!written.isOk) {
      const why = `The message is no JSON: ${written.error}.`;
      return Result.err<Payload, WitError>(WitError.invalid(why));
    }
    return Result.ok<Payload, WitError>(Payload.json(written.value));
  } else if (idof<T>() == idof<Uint8Array>()) {
    return Result.ok<Payload, WitError>(Payload.binary(changetype<Uint8Array>(value)));
  } else if (idof<T>() == idof<Payload>()) {
    return Result.ok<Payload, WitError>(changetype<Payload>(value));
  } else return ERROR('a message is a string, a Json, a Uint8Array or a Payload');
}

/** The text of a payload that is text or JSON; an error where it is bytes. */
export function textOf(payload: Payload): Result<string, string> {
  if (payload.tag == PayloadTag.Text) return Result.ok<string, string>(payload.text);
  if (payload.tag == PayloadTag.Json) return Result.ok<string, string>(payload.json);
  return Result.err<string, string>('it is bytes, not a text');
}

/** The value of a payload that is JSON, or a text that is; else an error. */
export function jsonOf(payload: Payload): Result<Json, string> {
  const text = textOf(payload);
  return text.isOk ? Json.parse(text.value) : Result.err<Json, string>(text.error);
}
