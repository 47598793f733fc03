// What the host offers to do, with arguments and results that are JSON.

import { JSON_VALUES_MAX, Json } from 'ringfence/assemblyscript/json';
import { call as callTool, list as listTools, Tool } from 'ringfence/agent/tools';
import { WitError } from 'ringfence/agent/types';
import { Result } from 'wit/values';

export namespace tools {
  /**
   * Calls a tool. Arguments that can't be written, and a result that can't be read, are `invalid`.
   *
   * @param valuesMax - How many values of JSON the result may have.
   */
  export function call(
    name: string,
    parameters: Json,
    valuesMax: i32 = JSON_VALUES_MAX,
  ): Result<Json, WitError> {
    const written = parameters.write();
    if (!written.isOk) return invalid(`The arguments of '${name}' are no JSON: ${written.error}.`);
    const called = callTool(name, written.value);
    if (!called.isOk) return Result.err<Json, WitError>(called.error);
    const read = Json.parse(called.value, valuesMax);
    if (!read.isOk) return invalid(`The result of '${name}' can't be read: ${read.error}.`);
    return Result.ok<Json, WitError>(read.value);
  }

  /** Calls a tool that gives its result item by item. */
  export function stream(name: string, parameters: Json): Result<ToolStream, WitError> {
    const first = call(name, parameters);
    if (!first.isOk) return Result.err<ToolStream, WitError>(first.error);
    if (first.value.get('items') === null) {
      const why = `'${name}' has answered with a value, not with items: call it without a stream.`;
      return Result.err<ToolStream, WitError>(WitError.invalid(why));
    }
    return Result.ok<ToolStream, WitError>(new ToolStream(name, first.value));
  }

  /** The tools that the agent may call. */
  export function list(): Result<Array<Tool>, WitError> {
    return listTools();
  }

  function invalid(why: string): Result<Json, WitError> {
    return Result.err<Json, WitError>(WitError.invalid(why));
  }
}

/** What a tool gives item by item. */
export class ToolStream {
  private position: i32 = 0;

  constructor(
    private readonly name: string,
    private batch: Json,
  ) {}

  /** Waits for the next item; null is the end. After an error there are no more. */
  next(): Result<Json | null, WitError> {
    while (true) {
      const item = this.item();
      if (item !== null) {
        this.position += 1;
        return Result.ok<Json | null, WitError>(item);
      }
      const id = this.batch.get('$stream');
      this.position = 0;
      this.batch = Json.object();
      if (id === null) return Result.ok<Json | null, WitError>(null);
      const more = tools.call(this.name, Json.object().with('$stream', id));
      if (!more.isOk) return Result.err<Json | null, WitError>(more.error);
      this.batch = more.value;
    }
  }

  private item(): Json | null {
    const items = this.batch.get('items');
    if (items === null) return null;
    return items.at(this.position);
  }

  /** Wants no more: gives the host back what it holds for the stream. */
  close(): void {
    const id = this.batch.get('$stream');
    this.batch = Json.object();
    if (id !== null) tools.call(this.name, Json.object().with('$stream', id).with('close', true));
  }
}
