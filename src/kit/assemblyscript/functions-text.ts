/** Writes the functions of the bindings: those a guest calls, and those the host calls in a guest. */

import type { FunctionType, ValueType } from '../../wasm/component/types.ts';
import {
  alignOf,
  alignTo,
  type CoreSignature,
  flatten,
  offsetsOf,
  signatureOf,
  sizeOf,
} from '../bindings/layout.ts';
import { block, comment } from '../generated-text.ts';
import { declareHost } from './host-text.ts';
import type { ModuleText } from './module-text.ts';
import { parameterNames } from './names.ts';
import { type TypeNames, VALUES_MODULE } from './types-text.ts';
import { needsArena, Scope, ValueCode } from './values-text.ts';

function coreSignature(type: FunctionType): CoreSignature {
  return signatureOf(
    type.params.map((each) => each.type),
    type.result,
  );
}

/** What a call is written as: a function, or a member of a resource's class. */
export interface Callable {
  /** `export function send` or `static fromList`. */
  readonly head: string;
  /** The host function's module and name. */
  readonly imported: readonly [module: string, name: string];
  readonly type: FunctionType;
  /** The first parameter is `this`. */
  readonly method: boolean;
  /** What WIT says of it. */
  readonly about: string | null;
}

/** A function that the host calls in the guest. */
export interface HostCallable {
  /** The export's name in the core module. */
  readonly coreName: string;
  /** The name that the export gets in AssemblyScript, if it is free. */
  readonly identifier: string;
  readonly type: FunctionType;
  /** The call of the guest's own function. */
  readonly call: (args: readonly string[]) => string;
  /** What WIT says of it. */
  readonly about: string | null;
}

/** Writes the functions of one module. */
export class FunctionCode {
  readonly #names: TypeNames;
  readonly #module: ModuleText;
  readonly #values: ValueCode;

  constructor(names: TypeNames, module: ModuleText) {
    this.#names = names;
    this.#module = module;
    this.#values = new ValueCode(names, module);
  }

  /** A function that calls the host; declares the host function beside it. */
  imported(callable: Callable): string {
    const { type, method } = callable;
    const [module, name] = callable.imported;
    const host = declareHost(this.#module, module, name, coreSignature(type));
    const own = method ? 1 : 0;
    const written = parameterNames(type.params.slice(own).map((each) => each.name));
    const args = method ? ['this', ...written] : written;
    const head = `${comment(callable.about)}${callable.head}(${this.#parameters(type, own)})`;
    return `${head}: ${this.#resultType(type)} {\n${block(this.#callLines(type, host, args))}\n}`;
  }

  /** The method that a class of a resource must have which the guest itself makes. */
  abstractMethod(name: string, type: FunctionType, about: string | null): string {
    const head = `${comment(about)}abstract ${name}(${this.#parameters(type, 1)})`;
    return `${head}: ${this.#resultType(type)};`;
  }

  /** The parameters from a place on, with their types. */
  #parameters(type: FunctionType, from: number): string {
    const params = type.params.slice(from);
    const names = parameterNames(params.map((each) => each.name));
    return params
      .map((each, index) => `${names[index]}: ${this.#names.expression(each.type, this.#module)}`)
      .join(', ');
  }

  #resultType(type: FunctionType): string {
    return type.result === null ? 'void' : this.#names.expression(type.result, this.#module);
  }

  /**
   * The functions that the host calls: the export itself and, where its result stays in memory, the
   * one that releases it. Answers their names by the names that the component needs.
   */
  exported({ coreName, identifier, type, call, about }: HostCallable): ReadonlyMap<string, string> {
    const signature = coreSignature(type);
    // An export answers the address of its result, where an import is given one.
    const core = signature.returnsInMemory ? signature.params.slice(0, -1) : signature.params;
    const parameters = core.map((each, index) => `core${index}: ${each}`).join(', ');
    const lines = this.#liftArguments(type, signature);
    const args = type.params.map((_, index) => `_value${index}`);
    const name = this.#module.reserve(identifier);
    const exports = new Map([[name, coreName]]);
    const head = comment(about);
    const lent = type.params.some((each) => this.#names.isLent(each.type));
    const giveBack = lent ? [`${this.#runtime('giveBackLent')}();`] : [];
    if (type.result === null) {
      lines.push(`${call(args)};`, ...giveBack);
      this.#declareExport(`${head}export function ${name}`, parameters, 'void', lines);
      return exports;
    }
    const resultType = this.#names.expression(type.result, this.#module);
    lines.push(`const _result: ${resultType} = ${call(args)};`, ...giveBack);
    if (!signature.returnsInMemory) {
      const scope = new Scope();
      const [flat] = this.#values.lower(type.result, '_result', scope);
      const result = signature.results[0] ?? 'void';
      lines.push(...scope.lines, ...(flat === undefined ? [] : [`return ${flat};`]));
      this.#declareExport(`${head}export function ${name}`, parameters, result, lines);
      return exports;
    }
    lines.push(
      `${this.#runtime('retain')}<${resultType}>(_result);`,
      `const _area = ${area(type.result)};`,
      this.#values.store(type.result, '_area', '_result'),
      'return _area;',
    );
    this.#declareExport(`${head}export function ${name}`, parameters, 'usize', lines);
    const release = this.#module.reserve(`${identifier}PostReturn`);
    this.#declareExport(`export function ${release}`, '_area: usize', 'void', [
      `${this.#runtime('releaseRetained')}();`,
    ]);
    return exports.set(release, `cabi_post_${coreName}`);
  }

  #declareExport(head: string, parameters: string, result: string, lines: string[]): void {
    this.#module.declare(`${head}(${parameters}): ${result} {\n${block(lines)}\n}`);
  }

  #runtime(symbol: string): string {
    return this.#module.useRuntime(VALUES_MODULE, symbol);
  }

  #callLines(type: FunctionType, host: string, args: readonly string[]): string[] {
    const signature = coreSignature(type);
    const scope = new Scope();
    const core = signature.spilled
      ? this.#spill(type, args, scope)
      : type.params.flatMap((each, index) =>
          this.#values.lower(each.type, args[index] ?? '', scope),
        );
    if (signature.returnsInMemory && type.result !== null) {
      scope.lines.push(`const _area = ${area(type.result)};`);
      core.push('<i32>_area');
    }
    const call = `${host}(${core.join(', ')})`;
    const flat = signature.results.length > 0;
    scope.lines.push(flat ? `const _flat = ${call};` : `${call};`);

    const arena = signature.spilled || type.params.some((each) => needsArena(each.type));
    if (arena) {
      scope.lines.unshift(`const _mark = ${this.#runtime('markArena')}();`);
      scope.lines.push(`${this.#runtime('releaseArena')}(_mark);`);
    }
    if (type.result !== null) {
      const value = signature.returnsInMemory
        ? this.#values.load(type.result, '_area')
        : this.#values.lift(type.result, ['_flat']);
      scope.lines.push(`return ${value};`);
    }
    return scope.lines;
  }

  #spill(type: FunctionType, args: readonly string[], scope: Scope): string[] {
    const types = type.params.map((each) => each.type);
    const { offsets } = offsetsOf(types);
    const size = tupleSize(types);
    scope.lines.push(`const _spilled = ${this.#runtime('allocateInArena')}(${size});`);
    for (const [index, each] of types.entries()) {
      const pointer = `_spilled + ${offsets[index] ?? 0}`;
      scope.lines.push(this.#values.store(each, pointer, args[index] ?? ''));
    }
    return ['<i32>_spilled'];
  }

  #liftArguments(type: FunctionType, signature: CoreSignature): string[] {
    const types: ValueType[] = type.params.map((each) => each.type);
    const { offsets } = offsetsOf(types);
    let next = 0;
    const lines = type.params.map((each, index) => {
      const count = flatten(each.type).length;
      const core = Array.from({ length: count }, (_, position) => `core${next + position}`);
      next += count;
      const value = signature.spilled
        ? this.#values.load(each.type, `<usize>core0 + ${offsets[index] ?? 0}`)
        : this.#values.lift(each.type, core);
      return `const _value${index} = ${value};`;
    });
    if (signature.spilled) {
      lines.push(`${this.#runtime('releaseBlock')}(<usize>core0, ${tupleSize(types)});`);
    }
    return lines;
  }
}

/** An expression for static memory that a value fits in. */
function area(type: ValueType): string {
  return `memory.data(${sizeOf(type)}, ${alignOf(type)})`;
}

/** The bytes of values that travel as one tuple. */
function tupleSize(types: readonly ValueType[]): number {
  return alignTo(offsetsOf(types).end, Math.max(1, ...types.map(alignOf)));
}
