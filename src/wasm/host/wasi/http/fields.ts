/** HTTP fields: headers and trailers, checked and bounded. */

import {
  FIELD_COUNT_MAX,
  FIELD_OVERHEAD_BYTES,
  FIELDS_BYTES_MAX,
  type Field as WireField,
} from '../../../../http/exchange.ts';
import { isFieldName } from '../../../../http/syntax.ts';
import { err, ok, type Result } from '../../abi/binding.ts';
import type { HostAgent } from '../../agent.ts';
import type { HeaderError } from '../../generated/wasi-http-types.ts';
import { Held, holdOrTrap } from '../held.ts';
import { isFieldValue, isForbiddenFieldName } from './syntax.ts';

declare module '../../abi/binding.ts' {
  interface HostResources {
    'wasi:http/types/fields': Fields;
  }
}

interface Field {
  readonly name: string;
  readonly lowerCaseName: string;
  readonly value: Uint8Array;
}

function fieldBytes(field: Field): number {
  return FIELD_OVERHEAD_BYTES + field.name.length + field.value.length;
}

/** Entries in their order, and who holds them: several handles can, once nothing changes any more. */
class FieldList {
  #fields: readonly Field[] = [];
  #bytes = 0;
  #holders = 1;

  get fields(): readonly Field[] {
    return this.#fields;
  }

  /** Takes the place of all entries. */
  replace(agent: HostAgent, fields: readonly Field[]): void {
    const bytes = checkLimits(agent, fields);
    if (bytes > this.#bytes) {
      holdOrTrap(agent, bytes - this.#bytes);
    } else {
      agent.release(this.#bytes - bytes);
    }
    this.#bytes = bytes;
    this.#fields = fields;
  }

  share(): this {
    this.#holders += 1;
    return this;
  }

  release(agent: HostAgent): void {
    this.#holders -= 1;
    if (this.#holders === 0) {
      this.replace(agent, []);
    }
  }
}

/** A handle on fields. */
export class Fields extends Held {
  readonly #list: FieldList;
  readonly #mutable: boolean;
  #released = false;

  private constructor(agent: HostAgent, list: FieldList, mutable: boolean) {
    super(agent);
    this.#list = list;
    this.#mutable = mutable;
  }

  static empty(agent: HostAgent): Fields {
    return new Fields(agent, new FieldList(), true);
  }

  static fromEntries(
    agent: HostAgent,
    entries: readonly (readonly [string, Uint8Array])[],
  ): Result<Fields, HeaderError> {
    checkCount(agent, entries.length);
    const added = entries.map(field);
    checkLimits(agent, added);
    const refused = syntaxError(added);
    if (refused !== null) {
      return err(refused);
    }
    const fields = Fields.empty(agent);
    fields.#list.replace(agent, added);
    return ok(fields);
  }

  /**
   * Fields that came over the network: nothing changes them. Those that only concern a connection, and
   * not what is said over it, are left out.
   */
  static received(agent: HostAgent, received: readonly WireField[]): Fields {
    const list = new FieldList();
    const entries = received
      .filter(([name]) => !isForbiddenFieldName(name.toLowerCase()))
      // In a buffer of its own size: a piece of Node's pool would keep all of that.
      .map(([name, value]) => field([name, new Uint8Array(Buffer.from(value, 'latin1'))]));
    list.replace(agent, entries);
    return new Fields(agent, list, false);
  }

  /** As they go over the network. */
  toWire(): WireField[] {
    return this.#list.fields.map(({ name, value }) => [name, latin1(value)]);
  }

  /** Another handle on the same entries, which must not change any more: they belong to a request. */
  asImmutable(agent: HostAgent): Fields {
    return new Fields(agent, this.#list.share(), false);
  }

  clone(agent: HostAgent): Fields {
    const copy = Fields.empty(agent);
    copy.#list.replace(agent, this.#list.fields);
    return copy;
  }

  get(name: string): Uint8Array[] {
    const wanted = lookupName(name);
    return this.#list.fields
      .filter((each) => each.lowerCaseName === wanted)
      .map((each) => each.value);
  }

  has(name: string): boolean {
    const wanted = lookupName(name);
    return this.#list.fields.some((each) => each.lowerCaseName === wanted);
  }

  entries(): [string, Uint8Array][] {
    return this.#list.fields.map((each) => [each.name, each.value]);
  }

  set(
    agent: HostAgent,
    name: string,
    values: readonly Uint8Array[],
  ): Result<undefined, HeaderError> {
    checkCount(agent, values.length);
    const added = values.map((value) => field([name, value]));
    return this.#refuse(agent, name, added) ?? this.#put(agent, this.#without(name), added);
  }

  delete(agent: HostAgent, name: string): Result<undefined, HeaderError> {
    return this.#refuse(agent, name, []) ?? this.#put(agent, this.#without(name), []);
  }

  append(agent: HostAgent, name: string, value: Uint8Array): Result<undefined, HeaderError> {
    const added = [field([name, value])];
    return this.#refuse(agent, name, added) ?? this.#put(agent, this.#list.fields, added);
  }

  override release(agent: HostAgent): void {
    super.release(agent);
    if (!this.#released) {
      this.#released = true;
      this.#list.release(agent);
    }
  }

  #without(name: string): readonly Field[] {
    const lowerCaseName = name.toLowerCase();
    return this.#list.fields.filter((each) => each.lowerCaseName !== lowerCaseName);
  }

  #put(
    agent: HostAgent,
    kept: readonly Field[],
    added: readonly Field[],
  ): Result<undefined, never> {
    this.#list.replace(agent, [...kept, ...added]);
    return ok();
  }

  #refuse(
    agent: HostAgent,
    name: string,
    added: readonly Field[],
  ): Result<never, HeaderError> | null {
    if (!this.#mutable) {
      return err({ tag: 'immutable' });
    }
    checkLimits(agent, added);
    const refused = nameError(name) ?? syntaxError(added);
    return refused === null ? null : err(refused);
  }
}

function field([name, value]: readonly [string, Uint8Array]): Field {
  return { name, lowerCaseName: name.toLowerCase(), value };
}

/** One character for each byte. */
function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
}

/** What a name is looked up by; null: it is no name, so nothing has it. */
function lookupName(name: string): string | null {
  return isFieldName(name) ? name.toLowerCase() : null;
}

function checkCount(agent: HostAgent, count: number): void {
  if (count > FIELD_COUNT_MAX) {
    agent.trap(`limit-exceeded: HTTP fields have at most ${FIELD_COUNT_MAX} entries`);
  }
}

/** Ends the agent over a limit, as WASI has no error for it. Comes before the syntax: that costs time. */
function checkLimits(agent: HostAgent, fields: readonly Field[]): number {
  checkCount(agent, fields.length);
  const bytes = fields.reduce((sum, each) => sum + fieldBytes(each), 0);
  if (bytes > FIELDS_BYTES_MAX) {
    agent.trap(`limit-exceeded: HTTP fields have at most ${FIELDS_BYTES_MAX} bytes`);
  }
  return bytes;
}

function nameError(name: string): HeaderError | null {
  if (!isFieldName(name)) {
    return { tag: 'invalid-syntax' };
  }
  return isForbiddenFieldName(name.toLowerCase()) ? { tag: 'forbidden' } : null;
}

function syntaxError(fields: readonly Field[]): HeaderError | null {
  for (const { name, value } of fields) {
    const refused = nameError(name);
    if (refused !== null) {
      return refused;
    }
    if (!isFieldValue(value)) {
      return { tag: 'invalid-syntax' };
    }
  }
  return null;
}
