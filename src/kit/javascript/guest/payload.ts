// What messages carry.

import { AgentError } from './errors.ts';

/**
 * A value that goes as JSON. Of what has arrived nobody has looked whether it is JSON: reading `json` throws an
 * `AgentError` (`invalid`) where it is none.
 */
export interface Json<Value = unknown> {
  readonly json: Value;
}

/** What a message carries: text, bytes, or a value as JSON. */
export type Payload = string | Uint8Array | Json;

/** Marks a value that is sent as JSON. */
export const json = <Value>(value: Value): Json<Value> => ({ json: value });

/** @throws AgentError `invalid` for a value that JSON has no text for */
export function lowerPayload(payload: Payload): { tag: string; val: unknown } {
  if (typeof payload === 'string') return { tag: 'text', val: payload };
  if (payload instanceof Uint8Array) return { tag: 'binary', val: payload };
  return { tag: 'json', val: jsonText(payload.json) };
}

export function liftPayload({ tag, val }: { tag: string; val?: unknown }): Payload {
  if (tag === 'text') return String(val);
  if (tag === 'binary') return val instanceof Uint8Array ? val : Uint8Array.from(val as number[]);
  return new Arrived(String(val));
}

/** JSON of somebody else, parsed when it is read: a text that is none must not be in the way of receiving. */
class Arrived implements Json {
  readonly #text: string;
  #parsed: { readonly value: unknown } | null = null;

  constructor(text: string) {
    this.#text = text;
  }

  /** @throws AgentError `invalid` for text that says it is JSON and is none */
  get json(): unknown {
    this.#parsed ??= { value: jsonValue(this.#text) };
    return this.#parsed.value;
  }
}

export function jsonText(value: unknown): string {
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch (error) {
    throw new AgentError('invalid', `JSON has no text for it: ${(error as Error).message}`);
  }
  if (text === undefined) throw new AgentError('invalid', `JSON has no text for ${typeof value}`);
  return text;
}

export function jsonValue(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new AgentError('invalid', `it is no JSON: ${(error as Error).message}`);
  }
}
