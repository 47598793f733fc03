/**
 * The guest that calls every host function there is with random arguments.
 *
 * A generator in the guest, seeded by its first argument, chooses functions and values. Most values
 * are of the right kind, so that calls get somewhere: handles of the resource that is asked for, texts
 * that lie in memory, cases that exist. Every so often one is any number at all. Before each call the
 * guest logs `#` and the function's number, so that it is known which one ended it. A second argument
 * is the number of the function that it calls first, whether that has a sense or not.
 */

import {
  alignOf,
  type CoreType,
  casesOf,
  discriminantBytes,
  fieldTypesOf,
  flatten,
  offsetsOf,
  payloadOffset,
  signatureOf,
  sizeOf,
} from '../../../src/kit/bindings/layout.ts';
import { offeredWorld } from '../../../src/wasm/component/offered.ts';
import type { FunctionType, ResourceType, ValueType } from '../../../src/wasm/component/types.ts';
import { BINDINGS } from '../../../src/wasm/host/generated/index.ts';
import { fuzzModule, RESULT, SPILLED } from './fuzz-text.ts';
import { agentOf, importText } from './guest-text.ts';

/** One function, as the guest calls it. */
export interface Fuzzed {
  readonly interface: string;
  readonly name: string;
}

const keyOf = ({ interfaceName, name }: ResourceType): string => `${interfaceName}/${name}`;

/** Everything about what is offered that the guest's text is made of. */
class FuzzText {
  readonly functions: Fuzzed[] = [];
  readonly #imports: string[] = [];
  readonly #calls: string[] = [];
  /** The resources that a call has no sense without, two of each; -1: none, -2: it ends the agent. */
  readonly #needs: number[] = [];
  readonly #resources: string[] = [];
  readonly #offered = offeredWorld();

  constructor() {
    for (const [interfaceName, functions] of BINDINGS) {
      for (const name of functions.keys()) {
        this.#add(interfaceName, name);
      }
    }
  }

  /** The core module. */
  get text(): string {
    return fuzzModule(this.#imports, this.#calls, this.#needs);
  }

  #resource(key: string): number {
    const at = this.#resources.indexOf(key);
    return at < 0 ? this.#resources.push(key) - 1 : at;
  }

  #add(interfaceName: string, name: string): void {
    const index = this.functions.push({ interface: interfaceName, name }) - 1;
    this.#imports.push(importText(interfaceName, name, `$f${index}`));
    const dropped = /^\[resource-drop\](.*)$/.exec(name)?.[1];
    if (dropped !== undefined) {
      const resource = this.#resource(`${interfaceName}/${dropped}`);
      this.#needs.push(resource, -1);
      this.#calls.push(
        `(call $f${index} ${hostile('i32', `(call $take (i32.const ${resource}))`)})`,
      );
      return;
    }
    const type = this.#offered.get(interfaceName)?.type.exports.get(name);
    if (type?.kind !== 'func') {
      throw new Error(`${interfaceName}#${name} is bound and not offered.`);
    }
    this.#needs.push(...this.#need(name, type));
    this.#calls.push(this.#call(index, type));
  }

  #need(name: string, type: FunctionType): [number, number] {
    if (/^exit/.test(name)) return [-2, -1];
    const handles = new Set(type.params.flatMap((param) => this.#handlesOf(param.type)));
    const [first = -1, second = -1] = handles;
    return [first, second];
  }

  /** The resources that a value has handles of. */
  #handlesOf(type: ValueType): number[] {
    if (type.kind === 'own' || type.kind === 'borrow') {
      return [this.#resource(keyOf(type.resource))];
    }
    const parts = type.kind === 'list' ? [type.element] : (fieldTypesOf(type) ?? []);
    const payloads = (casesOf(type) ?? []).map((each) => each.type);
    return [...parts, ...payloads].flatMap((part) => (part === null ? [] : this.#handlesOf(part)));
  }

  #call(index: number, type: FunctionType): string {
    const params = type.params.map((param) => param.type);
    const signature = signatureOf(params, type.result);
    const values = signature.spilled
      ? [hostile('i32', `(i32.const ${SPILLED})`)]
      : params.flatMap((param) => this.#values(param));
    const place = signature.returnsInMemory ? [hostile('i32', `(i32.const ${RESULT})`)] : [];
    const called = `(call $f${index} ${[...values, ...place].join(' ')})`;
    const before = signature.spilled
      ? `(drop (call $list)) ${this.#store({ kind: 'tuple', elements: params }, SPILLED)}`
      : '';
    if (type.result === null) return `${before} ${called}`;
    if (signature.returnsInMemory) return `${before} ${called} ${this.#keep(type.result, RESULT)}`;
    return type.result.kind === 'own'
      ? `${before} (call $put (i32.const ${this.#resource(keyOf(type.result.resource))}) ${called})`
      : `${before} (drop ${called})`;
  }

  /** Operands for a value, one for each core value that it is flattened to. */
  #values(type: ValueType): string[] {
    return this.#plain(type).map((value, at) => hostile(flatten(type)[at]!, value));
  }

  #plain(type: ValueType): string[] {
    const fields = fieldTypesOf(type);
    if (fields !== null) return fields.flatMap((field) => this.#plain(field));
    const cases = casesOf(type);
    if (cases !== null) {
      // The payload is that of the first case which has one; the others get values of another kind.
      const [, ...joined] = flatten(type);
      const payload = cases.find((each) => each.type !== null)?.type ?? null;
      const own = payload === null ? [] : this.#plain(payload);
      const cores = payload === null ? [] : flatten(payload);
      return [
        `(call $below (i32.const ${cases.length}))`,
        ...joined.map((core, at) => widened(own[at], cores[at], core)),
      ];
    }
    switch (type.kind) {
      case 'own':
        return [`(call $take (i32.const ${this.#resource(keyOf(type.resource))}))`];
      case 'borrow':
        return [`(call $peek (i32.const ${this.#resource(keyOf(type.resource))}))`];
      case 'string':
        return ['(call $text)', '(global.get $length)'];
      case 'list': {
        const { element } = type;
        const of = element.kind === 'borrow' || element.kind === 'own' ? element.resource : null;
        return of === null
          ? ['(call $list)', '(global.get $length)']
          : [`(call $handles (i32.const ${this.#resource(keyOf(of))}))`, '(global.get $length)'];
      }
      case 'bool':
        return ['(call $below (i32.const 2))'];
      default:
        return flatten(type).map(anything);
    }
  }

  /** Puts a value into memory. */
  #store(type: ValueType, at: number): string {
    const fields = fieldTypesOf(type);
    if (fields !== null) {
      const { offsets } = offsetsOf(fields);
      return fields.map((field, index) => this.#store(field, at + offsets[index]!)).join('\n');
    }
    const cases = casesOf(type);
    if (cases !== null) {
      const payload = cases.find((each) => each.type !== null)?.type ?? null;
      const chosen = hostile('i32', `(call $below (i32.const ${cases.length}))`);
      return `(i32.store8 (i32.const ${at}) ${chosen})
        ${payload === null ? '' : this.#store(payload, at + payloadOffset(cases))}`;
    }
    const values = this.#values(type);
    if (values.length === 2) {
      return `(i32.store (i32.const ${at}) ${values[0]})
        (i32.store offset=4 (i32.const ${at}) ${values[1]})`;
    }
    const [core] = flatten(type);
    const size = sizeOf(type);
    return size < 4
      ? `(i32.store8 (i32.const ${at}) ${values[0]})`
      : `(${core}.store (i32.const ${at}) ${values[0]})`;
  }

  /** Takes the handles out of a result in memory. */
  #keep(type: ValueType, at: number): string {
    const fields = fieldTypesOf(type);
    if (fields !== null) {
      const { offsets } = offsetsOf(fields);
      return fields.map((field, index) => this.#keep(field, at + offsets[index]!)).join(' ');
    }
    const cases = casesOf(type);
    if (cases !== null) {
      const payload = at + payloadOffset(cases);
      const load = discriminantBytes(cases.length) === 1 ? 'i32.load8_u' : 'i32.load16_u';
      return cases
        .map((each, index) => {
          const kept = each.type === null ? '' : this.#keep(each.type, payload);
          return kept === ''
            ? ''
            : `(if (i32.eq (${load} (i32.const ${at})) (i32.const ${index})) (then ${kept}))`;
        })
        .join(' ');
    }
    if (type.kind === 'own') {
      const resource = this.#resource(keyOf(type.resource));
      return `(call $put (i32.const ${resource}) (i32.load (i32.const ${at})))`;
    }
    if (type.kind === 'list' && alignOf(type.element) === 4) {
      const first = fieldTypesOf(type.element)?.[0];
      if (first?.kind === 'own') {
        const resource = this.#resource(keyOf(first.resource));
        const size = sizeOf(type.element);
        return [0, 1]
          .map(
            (index) => `(if (i32.gt_u (i32.load offset=4 (i32.const ${at})) (i32.const ${index}))
              (then (call $put (i32.const ${resource})
                (i32.load offset=${index * size} (i32.load (i32.const ${at}))))))`,
          )
          .join('\n');
      }
    }
    return '';
  }
}

/** A value that is any number now and then. */
function hostile(core: CoreType, value: string): string {
  if (core !== 'i32' && core !== 'i64') return value;
  return `(call $or_any_${core} ${value})`;
}

/** A value of another core type than its own: the types of cases are joined. */
function widened(value: string | undefined, from: CoreType | undefined, to: CoreType): string {
  if (value === undefined || from === undefined) return anything(to);
  if (from === to) return value;
  return from === 'i32' && to === 'i64' ? `(i64.extend_i32_u ${value})` : anything(to);
}

function anything(core: CoreType): string {
  switch (core) {
    case 'i32':
      return '(call $number)';
    case 'i64':
      return '(call $long)';
    case 'f32':
      return '(f32.reinterpret_i32 (call $next))';
    case 'f64':
      return '(f64.reinterpret_i64 (call $long))';
  }
}

/** The component, and the functions that its lines name by their number. */
export async function fuzzGuest(): Promise<{
  readonly component: Uint8Array;
  readonly functions: readonly Fuzzed[];
}> {
  const fuzz = new FuzzText();
  return { component: await agentOf(fuzz.text), functions: fuzz.functions };
}
