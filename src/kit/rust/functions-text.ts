/** Writes the functions of the bindings: those a guest calls, and those the host calls in a guest. */

import type { FunctionType, ValueType } from '../../wasm/component/types.ts';
import {
  alignOf,
  alignTo,
  type CoreSignature,
  type CoreType,
  flatten,
  offsetsOf,
  signatureOf,
  sizeOf,
} from '../bindings/layout.ts';
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

/** A function that the host calls. */
export interface Exported {
  /** The export's name in the component. */
  readonly exportName: string;
  /** The name of the method of the trait. */
  readonly name: string;
  readonly type: FunctionType;
  readonly about: string | null;
}

/** How the exports of a function are made in the macro: names in the component, heads and bodies. */
export interface ExportEntry {
  readonly exportName: string;
  readonly params: readonly CoreType[];
  readonly result: CoreType | null;
  /** The function that does it, and whether it has the guest's type as its parameter. */
  readonly does: string;
  readonly ofGuest: boolean;
}

/** The method of the trait that the guest implements. */
export function methodText(
  { name, type, about }: Exported,
  types: RustTypes,
  module: ModuleText,
): string {
  const names = distinct(
    type.params.map((each) => each.name),
    valueName,
  );
  const params = type.params.map(
    (each, index) => `${names[index]}: ${types.owned(each.type, module)}`,
  );
  const result = type.result === null ? '' : ` -> ${types.owned(type.result, module)}`;
  return `${doc(about)}fn ${name}(${params.join(', ')})${result};`;
}

/** The function that does what an export has to, for any guest, and the exports to declare for it. */
export function exportedText(
  { exportName, name, type }: Exported,
  types: RustTypes,
  module: ModuleText,
): { readonly text: string; readonly entries: readonly Omit<ExportEntry, 'does'>[] } {
  const core = coreSignature(type);
  const params = core.returnsInMemory ? core.params.slice(0, -1) : core.params;
  const result = core.returnsInMemory ? 'i32' : (core.results[0] ?? null);
  const lines = liftLines(type, core, params, types, module);
  const call = `T::${name}(${type.params.map((_, index) => `_value${index}`).join(', ')})`;
  if (type.result === null) lines.push(`${call};`);
  else if (core.returnsInMemory) lines.push(`${module.runtime('keep')}(${call})`);
  else {
    lines.push(
      'let mut _slots = [0u64; 1];',
      `${module.runtime('Store')}::lower(&${call}, &mut _slots, &mut ${module.runtime('Arena')}::new());`,
      fromSlot(core.results[0] ?? 'i32', '_slots[0]'),
    );
  }
  const head = params.map((each, index) => `_core${index}: ${each}`).join(', ');
  const arrow = result === null ? '' : ` -> ${result}`;
  const text =
    `#[doc(hidden)]\npub unsafe fn _export_${name}<T: Guest>(${head})${arrow} ` +
    `{\n${indent(lines.join('\n'))}\n}`;
  return {
    text,
    entries: [
      { exportName, params, result, ofGuest: true },
      ...(core.returnsInMemory
        ? [
            {
              exportName: `cabi_post_${exportName}`,
              params: ['i32' as const],
              result: null,
              ofGuest: false,
            },
          ]
        : []),
    ],
  };
}

function liftLines(
  type: FunctionType,
  core: CoreSignature,
  params: readonly CoreType[],
  types: RustTypes,
  module: ModuleText,
): string[] {
  const paramTypes = type.params.map((each) => each.type);
  const load = module.runtime('Load');
  const value = (index: number, each: ValueType) =>
    `let _value${index}: ${types.owned(each, module)}`;
  if (core.spilled) {
    const { offsets } = offsetsOf(paramTypes);
    return [
      ...paramTypes.map(
        (each, index) =>
          `${value(index, each)} = ${load}::load((_core0 as *const u8).add(${offsets[index]}));`,
      ),
      `${module.runtime('release')}(_core0 as *mut u8, ${tupleSize(paramTypes)}, ${tupleAlign(paramTypes)});`,
    ];
  }
  if (params.length === 0) return [];
  const slots = params.map((each, index) => toSlot(each, `_core${index}`));
  let next = 0;
  return [
    `let _slots = [${slots.join(', ')}];`,
    ...paramTypes.map((each, index) => {
      const start = next;
      next += flatten(each).length;
      return `${value(index, each)} = ${load}::lift(&_slots[${start}..${next}]);`;
    }),
  ];
}

function coreSignature(type: FunctionType): CoreSignature {
  return signatureOf(
    type.params.map((each) => each.type),
    type.result,
  );
}

function tupleAlign(types: readonly ValueType[]): number {
  return Math.max(1, ...types.map(alignOf));
}

function tupleSize(types: readonly ValueType[]): number {
  return alignTo(offsetsOf(types).end, tupleAlign(types));
}

/** A core value out of the 64 bits that it travels in. */
function fromSlot(core: CoreType, slot: string): string {
  const written = {
    i32: `${slot} as i32`,
    i64: `${slot} as i64`,
    f32: `f32::from_bits(${slot} as u32)`,
    f64: `f64::from_bits(${slot})`,
  };
  return written[core];
}

function toSlot(core: CoreType, value: string): string {
  const written = {
    i32: `${value} as u32 as u64`,
    i64: `${value} as u64`,
    f32: `${value}.to_bits() as u64`,
    f64: `${value}.to_bits()`,
  };
  return written[core];
}
