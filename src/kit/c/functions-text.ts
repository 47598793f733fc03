/** Writes the functions of the bindings: those a guest calls, and those the host calls in a guest. */

import type { FunctionType, ValueType } from '../../wasm/component/types.ts';
import { type CoreSignature, flatten, signatureOf } from '../bindings/layout.ts';
import type { Identifiers } from '../bindings/naming.ts';
import { block, comment } from '../generated-text.ts';
import { parameterNames } from './names.ts';
import { type CTypes, isByAddress } from './types-text.ts';
import { coreType, Scope, ValueCode } from './values-text.ts';

/** A function between the guest and its host. */
export interface Callable {
  /** What C calls it. */
  readonly name: string;
  readonly type: FunctionType;
  /** What WIT says of it. */
  readonly about: string | null;
}

/** How a function answers: by a value, through pointers, or by whether there is one. */
type Answer =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'value' | 'place' | 'option'; readonly type: ValueType }
  | { readonly kind: 'result'; readonly ok: ValueType | null; readonly err: ValueType | null };

/** Writes functions into a header and a source. */
export class FunctionCode {
  readonly #types: CTypes;
  readonly #identifiers: Identifiers;
  readonly #values: ValueCode;
  readonly prototypes: string[] = [];
  readonly definitions: string[] = [];
  /** Functions that the guest has to write, by their names. */
  readonly wanted = new Map<string, string>();

  constructor(types: CTypes, identifiers: Identifiers) {
    this.#types = types;
    this.#identifiers = identifiers;
    this.#values = new ValueCode(types);
  }

  /** A function that the host has. */
  imported(module: string, hostName: string, { name, type, about }: Callable): void {
    const head = this.#head(name, type);
    this.prototypes.push(`${comment(about)}extern ${head};`);
    const host = this.hostFunction(module, hostName, signature(type), name);
    this.definitions.push(`${head} {\n${block(this.#callLines(type, host))}\n}`);
  }

  /** A function that the guest has: the host calls `exportName`, which calls it. */
  exported(exportName: string, callable: Callable): void {
    const { name, type, about } = callable;
    const prototype = `${this.#head(name, type)};`;
    this.wanted.set(name, prototype);
    this.prototypes.push(`${comment(about)}${prototype}`);
    const { params, results, spilled, returnsInMemory } = signature(type);
    const core = (returnsInMemory ? params.slice(0, -1) : params).map(
      (each, index) => `${coreType(each)} _core${index}`,
    );
    const result = returnsInMemory ? 'int32_t' : (results.map(coreType)[0] ?? 'void');
    this.#declareExport(
      exportName,
      `${result} __wasm_export_${name}(${core.join(', ') || 'void'})`,
      this.#hostCallLines(callable, spilled, returnsInMemory),
    );
    const release =
      returnsInMemory && type.result !== null
        ? this.#types.disposal('release', type.result, '_area')
        : null;
    if (release === null || type.result === null) return;
    const area = this.#types.name(type.result);
    this.#declareExport(
      `cabi_post_${exportName}`,
      `void __wasm_export_${name}_post_return(int32_t _pointer)`,
      [`${area} *_area = (${area} *) _pointer;`, release],
    );
  }

  /** Declares a function of the host as it is, and answers what C calls it. */
  hostFunction(
    module: string,
    hostName: string,
    { params, results }: Pick<CoreSignature, 'params' | 'results'>,
    wanted: string,
  ): string {
    const name = this.#identifiers.take(`__wasm_import_${wanted}`);
    const result = results.map(coreType)[0] ?? 'void';
    this.definitions.push(
      `__attribute__((__import_module__("${module}"), __import_name__("${hostName}")))\n` +
        `extern ${result} ${name}(${params.map(coreType).join(', ') || 'void'});`,
    );
    return name;
  }

  /** What the host calls as it drops its handle to a resource of the guest. */
  destructor(exportName: string, name: string, representation: string): void {
    const prototype = `void ${name}(${representation} *rep);`;
    this.wanted.set(name, prototype);
    this.prototypes.push(`/** The host has dropped its handle to this: free it. */\n${prototype}`);
    this.#declareExport(exportName, `void __wasm_export_${name}(int32_t _rep)`, [
      `${name}((${representation} *) _rep);`,
    ]);
  }

  #declareExport(exportName: string, head: string, lines: readonly string[]): void {
    this.definitions.push(
      `__attribute__((__export_name__("${exportName}")))\n${head} {\n${block(lines)}\n}`,
    );
  }

  /** The function's head, as both sides know it. */
  #head(name: string, type: FunctionType): string {
    const names = namesOf(type);
    const params = type.params.map((each, index) => {
      const pointer = isByAddress(each.type) ? '*' : '';
      const typeName = this.#types.name(
        each.type.kind === 'option' ? each.type.element : each.type,
      );
      return `${typeName} ${pointer}${names[index]}`;
    });
    const answer = answerOf(type);
    const place = (each: ValueType | null, word: string) =>
      each === null ? [] : [`${this.#types.name(each)} *${word}`];
    switch (answer.kind) {
      case 'nothing':
        return `void ${name}(${params.join(', ') || 'void'})`;
      case 'value':
        return `${this.#types.name(answer.type)} ${name}(${params.join(', ') || 'void'})`;
      case 'place':
        return `void ${name}(${[...params, ...place(answer.type, 'ret')].join(', ')})`;
      case 'option':
        return `bool ${name}(${[...params, ...place(answer.type, 'ret')].join(', ')})`;
      case 'result': {
        const all = [...params, ...place(answer.ok, 'ret'), ...place(answer.err, 'err')];
        return `bool ${name}(${all.join(', ') || 'void'})`;
      }
    }
  }

  #callLines(type: FunctionType, host: string): string[] {
    const { spilled, returnsInMemory, results } = signature(type);
    const scope = new Scope();
    const args = this.#arguments(type, scope);
    const core = spilled
      ? this.#spill(type, args, scope)
      : type.params.flatMap((each, index) =>
          this.#values.lower(each.type, args[index] ?? '', scope),
        );
    const result = type.result;
    if (result === null) {
      scope.lines.push(`${host}(${core.join(', ')});`);
      return scope.lines;
    }
    scope.lines.push(`${this.#types.name(result)} _result;`);
    if (returnsInMemory) {
      scope.lines.push(`${host}(${[...core, '(int32_t) &_result'].join(', ')});`);
    } else {
      const [first = 'i32'] = results;
      scope.lines.push(`${coreType(first)} _flat = ${host}(${core.join(', ')});`);
      this.#values.lift(result, ['_flat'], '_result', scope);
    }
    scope.lines.push(...answerLines(answerOf(type)));
    return scope.lines;
  }

  /** Expressions for the arguments, each of which is a value. */
  #arguments(type: FunctionType, scope: Scope): readonly string[] {
    const names = namesOf(type);
    return type.params.map((each, index) => {
      const name = names[index] ?? '';
      if (each.type.kind !== 'option') return isByAddress(each.type) ? `(*${name})` : name;
      const option = scope.fresh('option');
      scope.lines.push(
        `${this.#types.name(each.type)} ${option} = { .is_some = ${name} != NULL };`,
        `if (${name} != NULL) ${option}.val = *${name};`,
      );
      return option;
    });
  }

  /** Parameters that are too many travel as one tuple in memory. */
  #spill(type: FunctionType, args: readonly string[], scope: Scope): string[] {
    scope.lines.push(`${this.#tuple(type)} _spilled = { ${args.join(', ')} };`);
    return ['(int32_t) &_spilled'];
  }

  #tuple(type: FunctionType): string {
    const fields = type.params.map((each, index) => `${this.#types.name(each.type)} f${index};`);
    return `struct { ${fields.join(' ')} }`;
  }

  #hostCallLines({ name, type }: Callable, spilled: boolean, returnsInMemory: boolean): string[] {
    const scope = new Scope();
    const args = spilled ? this.#spilledArguments(type, scope) : this.#flatArguments(type, scope);
    const call = type.params.map(({ type: each }, index) => {
      const value = args[index] ?? '';
      if (each.kind === 'option') return `${value}.is_some ? &${value}.val : NULL`;
      return isByAddress(each) ? `&${value}` : value;
    });
    const result = type.result;
    if (result === null) {
      scope.lines.push(`${name}(${call.join(', ')});`);
      return scope.lines;
    }
    scope.lines.push(`${returnsInMemory ? 'static ' : ''}${this.#types.name(result)} _result;`);
    scope.lines.push(...this.#answeringCall(answerOf(type), name, call));
    if (returnsInMemory) {
      scope.lines.push('return (int32_t) &_result;');
      return scope.lines;
    }
    const [flat = ''] = this.#values.lower(result, '_result', scope);
    scope.lines.push(`return ${flat};`);
    return scope.lines;
  }

  #flatArguments(type: FunctionType, scope: Scope): readonly string[] {
    let next = 0;
    return type.params.map(({ type: each }, index) => {
      const count = flatten(each).length;
      const core = Array.from({ length: count }, (_, position) => `_core${next + position}`);
      next += count;
      scope.lines.push(`${this.#types.name(each)} _value${index};`);
      this.#values.lift(each, core, `_value${index}`, scope);
      return `_value${index}`;
    });
  }

  /** They are copied, as the host had their memory allocated for this call alone. */
  #spilledArguments(type: FunctionType, scope: Scope): readonly string[] {
    scope.lines.push(
      `${this.#tuple(type)} *_memory = (void *) _core0, _spilled = *_memory;`,
      'free(_memory);',
    );
    return type.params.map((_, index) => `_spilled.f${index}`);
  }

  /** Calls the guest's function, and puts into `_result` what it answers. */
  #answeringCall(answer: Answer, name: string, args: readonly string[]): string[] {
    const place = (type: ValueType | null, word: string) =>
      type === null ? [] : [`${this.#types.name(type)} ${word} = { 0 };`];
    switch (answer.kind) {
      case 'nothing':
        return [`${name}(${args.join(', ')});`];
      case 'value':
        return [`_result = ${name}(${args.join(', ')});`];
      case 'place':
        return [`${name}(${[...args, '&_result'].join(', ')});`];
      case 'option':
        return [`_result.is_some = ${name}(${[...args, '&_result.val'].join(', ')});`];
      case 'result': {
        const { ok, err } = answer;
        const out = [...(ok === null ? [] : ['&_ok']), ...(err === null ? [] : ['&_err'])];
        return [
          ...place(ok, '_ok'),
          ...place(err, '_err'),
          `_result.is_err = !${name}(${[...args, ...out].join(', ')});`,
          ...(ok === null ? [] : ['if (!_result.is_err) _result.val.ok = _ok;']),
          ...(err === null ? [] : ['if (_result.is_err) _result.val.err = _err;']),
        ];
      }
    }
  }
}

function namesOf({ params }: FunctionType): readonly string[] {
  return parameterNames(
    params.map(({ name, type }) => ({ name, optional: type.kind === 'option' })),
  );
}

function signature(type: FunctionType): CoreSignature {
  return signatureOf(
    type.params.map((each) => each.type),
    type.result,
  );
}

function answerOf({ result }: FunctionType): Answer {
  if (result === null) return { kind: 'nothing' };
  if (result.kind === 'option') return { kind: 'option', type: result.element };
  if (result.kind === 'result') return { kind: 'result', ok: result.ok, err: result.err };
  return { kind: isByAddress(result) ? 'place' : 'value', type: result };
}

/** Hands `_result` on to the caller. */
function answerLines(answer: Answer): readonly string[] {
  switch (answer.kind) {
    case 'nothing':
      return [];
    case 'value':
      return ['return _result;'];
    case 'place':
      return ['*ret = _result;'];
    case 'option':
      return ['if (_result.is_some) *ret = _result.val;', 'return _result.is_some;'];
    case 'result':
      return [
        ...(answer.ok === null ? [] : ['if (!_result.is_err) *ret = _result.val.ok;']),
        ...(answer.err === null ? [] : ['if (_result.is_err) *err = _result.val.err;']),
        'return !_result.is_err;',
      ];
  }
}
