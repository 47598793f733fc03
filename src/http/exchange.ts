/**
 * An exchange: one HTTP request that the program hands to an agent, and the response to it, as what the
 * two sides say to each other. Each side is bounded in what it has under way.
 */

/** A field's name, and its value with one character for each byte (Latin-1), as Node has them. */
export type Field = readonly [name: string, value: string];

/** Bytes of a body that are under way in one direction of an exchange. */
export const BODY_WINDOW_BYTES = 64 * 1024;

/** Fields of one head, or of the trailers behind a body. */
export const FIELD_COUNT_MAX = 1024;

/** Bytes of them all: names, values, and {@link FIELD_OVERHEAD_BYTES} for each. */
export const FIELDS_BYTES_MAX = 128 * 1024;

/** What a field costs beside its name and its value. */
export const FIELD_OVERHEAD_BYTES = 64;

/** What fields take of {@link FIELDS_BYTES_MAX}. */
export function fieldsBytes(fields: readonly Field[]): number {
  let bytes = 0;
  for (const [name, value] of fields) {
    bytes += FIELD_OVERHEAD_BYTES + name.length + value.length;
  }
  return bytes;
}

/** Whether fields are more than one head, or the trailers behind one body, may have. */
export const areTooManyFields = (fields: readonly Field[]): boolean =>
  fields.length > FIELD_COUNT_MAX || fieldsBytes(fields) > FIELDS_BYTES_MAX;

/** A request as the agent is told of it. */
export interface RequestHead {
  readonly method: string;
  readonly scheme: 'http' | 'https';
  /** The host that was asked for, with its port where one was given; null: none was. */
  readonly authority: string | null;
  readonly pathWithQuery: string;
  readonly fields: readonly Field[];
  /** Whether a body follows; without, it has ended already. */
  readonly hasBody: boolean;
}

/** From the program to the agent. `id` names the exchange. */
export type ToExchange =
  /** `isLast`: the agent ends when it has handled it. */
  | {
      readonly step: 'request';
      readonly id: number;
      readonly head: RequestHead;
      readonly isLast: boolean;
    }
  | { readonly step: 'bytes'; readonly id: number; readonly bytes: Uint8Array }
  | { readonly step: 'end'; readonly id: number; readonly trailers: readonly Field[] }
  /** The request's body will not be whole. */
  | { readonly step: 'broken'; readonly id: number }
  /** So many bytes of the response's body were taken over. */
  | { readonly step: 'taken'; readonly id: number; readonly bytes: number }
  /** Nobody waits for the response any more. */
  | { readonly step: 'gone'; readonly id: number }
  /** There will be no other request: the agent ends. */
  | { readonly step: 'last' };

/** From the agent to the program. */
export type FromExchange =
  /** It waits for more of the request's body: asked again only when that has come. */
  | { readonly step: 'pull'; readonly id: number }
  | {
      readonly step: 'head';
      readonly id: number;
      readonly status: number;
      readonly fields: readonly Field[];
    }
  /** It has answered by an error, of which this is the name. */
  | { readonly step: 'refused'; readonly id: number; readonly error: string }
  | { readonly step: 'bytes'; readonly id: number; readonly bytes: Uint8Array }
  | { readonly step: 'end'; readonly id: number; readonly trailers: readonly Field[] }
  /** The response's body will not be whole. */
  | { readonly step: 'broken'; readonly id: number }
  /** Its handler has returned: what was not said by then will not be. */
  | { readonly step: 'done'; readonly id: number };
