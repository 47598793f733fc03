/** Writes the traits that the guest implements, and the macro that exports what it does. */

import { snakeCase } from '../bindings/naming.ts';
import { type ExportEntry, type Exported, exportedText, methodText } from './exports-text.ts';
import { doc, indent, type ModuleText } from './module-text.ts';
import type { RustTypes } from './types-text.ts';

/** A resource of the guest, and what the guest does for it. */
export interface GuestResource {
  /** What WIT calls it, and what Rust does. */
  readonly name: string;
  readonly written: string;
  readonly exportName: string;
  readonly about: string | null;
  readonly members: readonly Exported[];
}

/** Writes the traits of a place; answers what the macro has to export. */
export function writeGuest(
  functions: readonly Exported[],
  resources: readonly GuestResource[],
  path: readonly string[],
  types: RustTypes,
  module: ModuleText,
): readonly ExportEntry[] {
  if (functions.length === 0 && resources.length === 0) return [];
  const kinds = resources.map(({ written }) => `type ${written}: Guest${written};`);
  const methods = functions.map((each) => methodText(each, types, module));
  module.declare(
    `/// What the guest does: see \`export!\`.\npub trait Guest {\n${indent([...kinds, ...methods].join('\n'))}\n}`,
  );
  const entries = functions.flatMap((each) => writeExport(each, '$guest', path, types, module));
  for (const { name, written, exportName, about, members } of resources) {
    const own = members.map((each) => methodText(each, types, module));
    module.declare(
      `${doc(about)}pub trait Guest${written}: Sized + 'static {\n${indent(own.join('\n'))}\n}`,
    );
    const trait = ['$($path)*', ...path, 'Guest'].join('::');
    const type = `<$guest as ${trait}>::${written}`;
    entries.push(...members.flatMap((each) => writeExport(each, type, path, types, module)), {
      exportName,
      params: ['i32'],
      result: null,
      does: [...path, `_drop_${snakeCase(name)}`].join('::'),
      forType: type,
    });
  }
  return entries;
}

function writeExport(
  exported: Exported,
  forType: string,
  path: readonly string[],
  types: RustTypes,
  module: ModuleText,
): readonly ExportEntry[] {
  const { text, head, keepsResult } = exportedText(exported, types, module);
  module.declare(text);
  const entry: ExportEntry = { ...head, does: [...path, exported.caller].join('::'), forType };
  if (!keepsResult) return [entry];
  const release: ExportEntry = {
    exportName: `cabi_post_${exported.exportName}`,
    params: ['i32'],
    result: null,
    does: '_rt::release_kept',
    forType: null,
  };
  return [entry, release];
}

/** The macro that exports a guest's functions. */
export function exportMacro(entries: readonly ExportEntry[]): string {
  const functions = entries.map(({ exportName, params, result, does, forType }, index) => {
    const head = params.map((each, position) => `_core${position}: ${each}`).join(', ');
    const arrow = result === null ? '' : ` -> ${result}`;
    const args = params.map((_, position) => `_core${position}`).join(', ');
    const call = forType === null ? `${does}()` : `${does}::<${forType}>(${args})`;
    return `#[export_name = "${exportName}"]\nunsafe extern "C" fn export${index}(${head})${arrow} {\n    $($path)*::${call}\n}`;
  });
  return [
    '/// Exports what a type does: `export!(MyAgent with_types_in bindings)`, where this module is `bindings`.',
    'macro_rules! __export {',
    '    ($guest:ident with_types_in $($path:tt)*) => {',
    '        const _: () = {',
    indent(indent(indent(functions.join('\n')))),
    '        };',
    '    };',
    '}',
    'pub(crate) use __export as export;',
  ].join('\n');
}
