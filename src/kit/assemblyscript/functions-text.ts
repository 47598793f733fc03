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
import { pascalCase } from '../bindings/naming.ts';
import { block, type ModuleText } from './module-text.ts';
import { valueName } from './names.ts';
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
    const host = this.#declareHost(callable.imported, coreSignature(type));
    const argument = (index: number) =>
      method && index === 0 ? 'this' : valueName(type.params[index]?.name ?? '');
    const parameters = type.params
      .slice(method ? 1 : 0)
      .map((each) => `${valueName(each.name)}: ${this.#names.expression(each.type, this.#module)}`);
    const result =
      type.result === null ? 'void' : this.#names.expression(type.result, this.#module);
    const body = this.#callLines(type, host, argument);
    return `${callable.head}(${parameters.join(', ')}): ${result} {\n${block(body)}\n}`;
  }

  /** Declares the function that drops a handle and answers its name. */
  declareDrop(module: string, resource: string): string {
    return this.#declareHost([module, `[resource-drop]${resource}`], {
      params: ['i32'],
      results: [],
      spilled: false,
      returnsInMemory: false,
    });
  }

  /**
   * The functions that the host calls: the export itself and, where its result stays in memory, the
   * one that releases it. Answers their names by the names that the component needs.
   *
   * @param identifier - A name that is free in the module.
   * @param implementation - The guest's function.
   */
  exported(
    coreName: string,
    identifier: string,
    implementation: string,
    type: FunctionType,
  ): ReadonlyMap<string, string> {
    const signature = coreSignature(type);
    // An export answers the address of its result, where an import is given one.
    const core = signature.returnsInMemory ? signature.params.slice(0, -1) : signature.params;
    const parameters = core.map((each, index) => `core${index}: ${each}`).join(', ');
    const lines = this.#liftArguments(type, signature);
    const names = type.params.map((each) => `${valueName(each.name)}_`);
    const call = `${implementation}(${names.join(', ')})`;
    const exports = new Map([[identifier, coreName]]);
    if (type.result === null) {
      lines.push(`${call};`);
      this.#declareExport(identifier, parameters, 'void', lines);
      return exports;
    }
    const resultType = this.#names.expression(type.result, this.#module);
    lines.push(`const result: ${resultType} = ${call};`);
    if (!signature.returnsInMemory) {
      const scope = new Scope();
      const [flat] = this.#values.lower(type.result, 'result', scope);
      lines.push(...scope.lines, `return ${flat};`);
      this.#declareExport(identifier, parameters, signature.results[0] ?? 'i32', lines);
      return exports;
    }
    lines.push(
      `${this.#runtime('retain')}<${resultType}>(result);`,
      `const area = ${area(type.result)};`,
      this.#values.store(type.result, 'area', 'result'),
      'return area;',
    );
    this.#declareExport(identifier, parameters, 'usize', lines);
    const release = `${identifier}PostReturn`;
    this.#declareExport(release, '_area: usize', 'void', [
      `${this.#runtime('releaseRetained')}();`,
    ]);
    return exports.set(release, `cabi_post_${coreName}`);
  }

  #declareExport(name: string, parameters: string, result: string, lines: string[]): void {
    this.#module.declare(`export function ${name}(${parameters}): ${result} {\n${block(lines)}\n}`);
  }

  #runtime(symbol: string): string {
    return this.#module.use(VALUES_MODULE, symbol);
  }

  #declareHost([module, name]: readonly [string, string], signature: CoreSignature): string {
    const local = this.#module.reserve(`host${pascalCase(name.replace(/[^a-z0-9]+/gi, '-'))}`);
    const parameters = signature.params.map((each, index) => `core${index}: ${each}`).join(', ');
    const result = signature.results[0] ?? 'void';
    this.#module.declare(
      `// @ts-ignore: a decorator of AssemblyScript\n@external('${module}', '${name}')\n` +
        `declare function ${local}(${parameters}): ${result};`,
    );
    return local;
  }

  #callLines(type: FunctionType, host: string, argument: (index: number) => string): string[] {
    const signature = coreSignature(type);
    const scope = new Scope();
    const core = signature.spilled
      ? this.#spill(type, argument, scope)
      : type.params.flatMap((each, index) => this.#values.lower(each.type, argument(index), scope));
    if (signature.returnsInMemory && type.result !== null) {
      scope.lines.push(`const area = ${area(type.result)};`);
      core.push('<i32>area');
    }
    const call = `${host}(${core.join(', ')})`;
    const flat = signature.results.length > 0;
    scope.lines.push(flat ? `const flat = ${call};` : `${call};`);

    const arena = signature.spilled || type.params.some((each) => needsArena(each.type));
    if (arena) {
      scope.lines.unshift(`const mark = ${this.#runtime('markArena')}();`);
      scope.lines.push(`${this.#runtime('releaseArena')}(mark);`);
    }
    if (type.result !== null) {
      const value = signature.returnsInMemory
        ? this.#values.load(type.result, 'area')
        : this.#values.lift(type.result, ['flat']);
      scope.lines.push(`return ${value};`);
    }
    return scope.lines;
  }

  #spill(type: FunctionType, argument: (index: number) => string, scope: Scope): string[] {
    const types = type.params.map((each) => each.type);
    const { offsets } = offsetsOf(types);
    const size = tupleSize(types);
    scope.lines.push(`const spilled = ${this.#runtime('allocateInArena')}(${size});`);
    for (const [index, each] of types.entries()) {
      const pointer = `spilled + ${offsets[index] ?? 0}`;
      scope.lines.push(this.#values.store(each, pointer, argument(index)));
    }
    return ['<i32>spilled'];
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
      return `const ${valueName(each.name)}_ = ${value};`;
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
