/** Writes the functions of the host that a guest calls. */

import type { FunctionType } from '../../wasm/component/types.ts';
import { alignOf, type CoreSignature, flatten, offsetsOf, sizeOf } from '../bindings/layout.ts';
import { coreSignature, fromSlot, toSlot, tupleAlign, tupleSize } from './core-text.ts';
import { doc, indent, type ModuleText } from './module-text.ts';
import { distinct, valueName } from './names.ts';
import type { RustTypes } from './types-text.ts';

/** A function of the host. */
export interface Imported {
  /** The host function's module and name. */
  readonly from: readonly [module: string, name: string];
  readonly name: string;
  readonly type: FunctionType;
  readonly kind: 'function' | 'method' | 'constructor';
  readonly about: string | null;
}

/** The text of a function that calls the host. */
export function importedText(
  { from, name, type, kind, about }: Imported,
  types: RustTypes,
  module: ModuleText,
): string {
  const core = coreSignature(type);
  const names = distinct(
    type.params.map((each) => each.name),
    valueName,
  ).map((each, index) => (kind === 'method' && index === 0 ? 'self' : each));
  const params = type.params.map((each, index) =>
    names[index] === 'self' ? '&self' : `${names[index]}: ${types.parameter(each.type, module)}`,
  );
  const result =
    type.result === null
      ? ''
      : ` -> ${kind === 'constructor' && type.result.kind === 'own' ? 'Self' : types.owned(type.result, module)}`;
  const lines = [
    ...hostFunction(from, core),
    'unsafe {',
    indent(callLines(type, core, names, module).join('\n')),
    '}',
  ];
  return `${doc(about)}pub fn ${name}(${params.join(', ')})${result} {\n${indent(lines.join('\n'))}\n}`;
}

/** The declaration of a function of the host as it is, called `_host`. */
export function hostFunction(
  [module, name]: readonly [string, string],
  { params, results }: Pick<CoreSignature, 'params' | 'results'>,
): string[] {
  const result = results.length === 0 ? '' : ` -> ${results[0]}`;
  return [
    `#[link(wasm_import_module = "${module}")]`,
    'extern "C" {',
    `    #[link_name = "${name}"]`,
    `    fn _host(${params.map((each, index) => `_${index}: ${each}`).join(', ')})${result};`,
    '}',
  ];
}

function callLines(
  type: FunctionType,
  core: CoreSignature,
  names: readonly string[],
  module: ModuleText,
): string[] {
  const paramTypes = type.params.map((each) => each.type);
  const lines = [`let mut _arena = ${module.runtime('Arena')}::new();`];
  const store = module.runtime('Store');
  // A reference to a resource lends it; a resource that is stored itself is given away.
  const values = names.map((name, index) =>
    paramTypes[index]?.kind === 'borrow' ? `${module.runtime('Borrow')}::of(${name})` : name,
  );
  const args: string[] = [];
  if (core.spilled) {
    const { offsets } = offsetsOf(paramTypes);
    lines.push(
      `let _spilled = _arena.allocate(${tupleSize(paramTypes)}, ${tupleAlign(paramTypes)});`,
    );
    for (const [index, value] of values.entries()) {
      lines.push(`${store}::store(&${value}, _spilled.add(${offsets[index]}), &mut _arena);`);
    }
    args.push('_spilled as i32');
  } else {
    const flat = paramTypes.flatMap(flatten);
    if (flat.length > 0) lines.push(`let mut _slots = [0u64; ${flat.length}];`);
    let next = 0;
    for (const [index, value] of values.entries()) {
      const each = paramTypes[index];
      const count = each === undefined ? 0 : flatten(each).length;
      lines.push(`${store}::lower(&${value}, &mut _slots[${next}..${next + count}], &mut _arena);`);
      next += count;
    }
    args.push(...flat.map((each, slot) => fromSlot(each, `_slots[${slot}]`)));
  }
  const { result } = type;
  if (result === null) return [...lines, `_host(${args.join(', ')});`];
  const load = module.runtime('Load');
  if (core.returnsInMemory) {
    return [
      ...lines,
      `let _area = _arena.allocate(${sizeOf(result)}, ${alignOf(result)});`,
      `_host(${[...args, '_area as i32'].join(', ')});`,
      `${load}::load(_area)`,
    ];
  }
  const [first = 'i32'] = core.results;
  return [
    ...lines,
    `let _flat = _host(${args.join(', ')});`,
    `${load}::lift(&[${toSlot(first, '_flat')}])`,
  ];
}
