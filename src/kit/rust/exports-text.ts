/** Writes what the host calls in a guest: methods of traits, which the guest implements, and what calls them. */

import type { FunctionType, ResourceType, ValueType } from '../../wasm/component/types.ts';
import { type CoreSignature, type CoreType, flatten, offsetsOf } from '../bindings/layout.ts';
import { coreSignature, fromSlot, toSlot, tupleAlign, tupleSize } from './core-text.ts';
import { doc, indent, type ModuleText } from './module-text.ts';
import { distinct, valueName } from './names.ts';
import type { RustTypes } from './types-text.ts';

/** A function that the host calls. */
export interface Exported {
  /** The export's name in the component. */
  readonly exportName: string;
  /** The trait that the guest implements, and the name of the method in it. */
  readonly trait: string;
  readonly name: string;
  /** The function that calls the method, for any guest. */
  readonly caller: string;
  readonly type: FunctionType;
  readonly about: string | null;
  /** Of a method the guest's own object is the first parameter, of a constructor the result. */
  readonly kind: 'function' | 'method' | 'constructor';
  /** The resource that a constructor makes. */
  readonly resource: ResourceType | null;
}

/** How an export is declared by the macro: its name in the component, its head and what it does. */
export interface ExportEntry {
  readonly exportName: string;
  readonly params: readonly CoreType[];
  readonly result: CoreType | null;
  /** The path of the function that does it, from the root of the bindings. */
  readonly does: string;
  /** What it does it for, as the macro writes the type; null: it is the same for all. */
  readonly forType: string | null;
}

/** The method of the trait that the guest implements. */
export function methodText(
  { name, type, about, kind, resource }: Exported,
  types: RustTypes,
  module: ModuleText,
): string {
  const names = distinct(
    type.params.map((each) => each.name),
    valueName,
  );
  const params = type.params.map((each, index) =>
    kind === 'method' && index === 0
      ? '&self'
      : `${names[index]}: ${types.owned(each.type, module)}`,
  );
  const made = (each: ValueType | null) =>
    each?.kind === 'own' && each.resource === resource ? 'Self' : types.owned(each, module);
  const { result } = type;
  const written =
    kind === 'constructor' && result?.kind === 'result'
      ? `Result<${made(result.ok)}, ${types.owned(result.err, module)}>`
      : kind === 'constructor'
        ? made(result)
        : types.owned(result, module);
  const arrow = result === null ? '' : ` -> ${written}`;
  return `${doc(about)}fn ${name}(${params.join(', ')})${arrow};`;
}

/** The function that does what an export has to, and the exports to declare: itself, and what follows it. */
export function exportedText(
  exported: Exported,
  types: RustTypes,
  module: ModuleText,
): {
  readonly text: string;
  readonly head: Pick<ExportEntry, 'exportName' | 'params' | 'result'>;
  readonly keepsResult: boolean;
} {
  const { exportName, trait, caller, type } = exported;
  const core = coreSignature(type);
  const params = core.returnsInMemory ? core.params.slice(0, -1) : core.params;
  const result = core.returnsInMemory ? 'i32' : (core.results[0] ?? null);
  const lines = liftLines(exported, core, params, types, module);
  const call = callOf(exported, types, module);
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
  return {
    text: `#[doc(hidden)]\npub unsafe fn ${caller}<T: ${trait}>(${head})${arrow} {\n${indent(lines.join('\n'))}\n}`,
    head: { exportName, params, result },
    keepsResult: core.returnsInMemory,
  };
}

/** The call of the guest's method; what a constructor has made gets a handle. */
function callOf(
  { name, type, kind, resource }: Exported,
  types: RustTypes,
  module: ModuleText,
): string {
  const call = `T::${name}(${type.params.map((_, index) => `_value${index}`).join(', ')})`;
  const { result } = type;
  if (kind !== 'constructor' || resource === null) return call;
  const handle = `${types.owned({ kind: 'own', resource }, module)}::new`;
  return result?.kind === 'result' ? `${call}.map(${handle})` : `${handle}(${call})`;
}

function liftLines(
  { type, kind }: Exported,
  core: CoreSignature,
  params: readonly CoreType[],
  types: RustTypes,
  module: ModuleText,
): string[] {
  const paramTypes = type.params.map((each) => each.type);
  const load = module.runtime('Load');
  const value = (index: number, each: ValueType, call: string) =>
    kind === 'method' && index === 0
      ? `let _value0 = &*(<u32 as ${load}>::${call} as *const T);`
      : `let _value${index} = <${types.owned(each, module)} as ${load}>::${call};`;
  if (core.spilled) {
    const { offsets } = offsetsOf(paramTypes);
    return [
      ...paramTypes.map((each, index) =>
        value(index, each, `load((_core0 as *const u8).add(${offsets[index]}))`),
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
      return value(index, each, `lift(&_slots[${start}..${next}])`);
    }),
  ];
}
