/** Writes the types of resources: of the host's, which have its functions, and of the guest's own. */

import type { ResourceType } from '../../wasm/component/types.ts';
import { snakeCase } from '../bindings/naming.ts';
import { membersOf, type Place } from '../wit/places.ts';
import type { Exported } from './exports-text.ts';
import { hostFunction, importedText } from './imports-text.ts';
import { doc, indent, type ModuleText } from './module-text.ts';
import { distinct, memberName } from './names.ts';
import { declareMoves, type RustTypes } from './types-text.ts';

/** The type of a resource of the host, with its functions. */
export function writeHostResource(
  place: Place,
  name: string,
  resource: ResourceType,
  written: string,
  types: RustTypes,
  module: ModuleText,
): void {
  const from = place.name === '' ? '$root' : place.name;
  const members = membersOf(place.instance, name);
  const names = distinct(
    members.map((each) => each.own),
    (own) => (own === '' ? 'new' : memberName(own)),
  );
  const methods = members.map(({ kind, fullName, type }, index) =>
    importedText(
      {
        from: [from, fullName],
        name: names[index] ?? '',
        type,
        kind: kind === 'static' ? 'function' : kind,
        about: place.docs.of(fullName),
      },
      types,
      module,
    ),
  );
  const rt = (item: string) => module.runtime(item);
  module.declare(
    [
      `${doc(place.docs.type(name).of(null))}#[derive(Debug)]\npub struct ${written}(${rt('Handle')});`,
      `impl ${written} {\n${indent(methods.join('\n\n'))}\n}`,
      dropText(written, [from, `[resource-drop]${name}`]),
      [
        `impl ${rt('Resource')} for ${written} {`,
        `    unsafe fn from_handle(handle: u32) -> ${written} {\n        ${written}(${rt('Handle')}::new(handle))\n    }`,
        '    fn handle(&self) -> u32 {\n        self.0.get()\n    }',
        '}',
      ].join('\n'),
    ].join('\n\n'),
  );
  declareHandleMoves(resource, written, module);
}

/** The types of handles to a resource of the guest: one that it owns, and one that it is lent. */
export function writeGuestResource(
  place: Place,
  name: string,
  resource: ResourceType,
  written: string,
  module: ModuleText,
): void {
  const rt = (item: string) => module.runtime(item);
  const from = `[export]${place.name}`;
  const host = (verb: string) =>
    indent(hostFunction([from, `[resource-${verb}]${name}`], ONE_TO_ONE).join('\n'));
  const trait = `Guest${written}`;
  const borrow = `${written}Borrow`;
  const get = (pointer: string) =>
    `/// What it stands for. It has to be of the type that is exported.\npub fn get<T: ${trait}>(&self) -> &T {\n${pointer}\n}`;
  module.declare(
    [
      `${doc(place.docs.type(name).of(null))}#[derive(Debug)]\npub struct ${written}(${rt('Handle')});`,
      `impl ${written} {\n${indent(
        [
          `/// A handle to give to the host.\npub fn new<T: ${trait}>(value: T) -> ${written} {\n${host('new')}\n    let value = Box::into_raw(Box::new(value));\n    ${written}(${rt('Handle')}::new(unsafe { _host(value as i32) } as u32))\n}`,
          get(`${host('rep')}\n    unsafe { &*(_host(self.0.get() as i32) as *const T) }`),
        ].join('\n\n'),
      )}\n}`,
      dropText(written, [from, `[resource-drop]${name}`]),
      `/// A handle that is lent for a call.\n#[derive(Debug)]\npub struct ${borrow}(u32);`,
      `impl ${borrow} {\n${indent(get('    unsafe { &*(self.0 as *const T) }'))}\n}`,
      `#[doc(hidden)]\npub unsafe fn _drop_${snakeCase(name)}<T: ${trait}>(value: i32) {\n    drop(Box::from_raw(value as *mut T))\n}`,
    ].join('\n\n'),
  );
  declareHandleMoves(resource, written, module);
  declareMoves({ kind: 'borrow', resource }, borrow, module, {
    store: ['self.0.store(to, arena);'],
    lower: ['self.0.lower(slots, arena);'],
    load: [`${borrow}(load_at(from, 0))`],
    lift: [`${borrow}(Load::lift(slots))`],
  });
}

/** What the guest has to do for a resource of its own. */
export function resourceExports(
  place: Place,
  name: string,
  resource: ResourceType,
  written: string,
): readonly Exported[] {
  const members = membersOf(place.instance, name);
  const names = distinct(
    members.map((each) => each.own),
    (own) => (own === '' ? 'new' : memberName(own)),
  );
  return members.map(({ kind, fullName, type }, index) => ({
    exportName: `${place.name}#${fullName}`,
    trait: `Guest${written}`,
    name: names[index] ?? '',
    caller: `_export_${snakeCase(fullName)}`,
    type,
    about: place.docs.of(fullName),
    kind: kind === 'static' ? 'function' : kind,
    resource,
  }));
}

const ONE_TO_ONE = { params: ['i32'], results: ['i32'] } as const;

function dropText(written: string, from: readonly [string, string]): string {
  const host = hostFunction(from, { params: ['i32'], results: [] });
  return [
    `impl Drop for ${written} {`,
    '    fn drop(&mut self) {',
    indent(indent(host.join('\n'))),
    '        if let Some(handle) = self.0.take() {',
    '            unsafe { _host(handle as i32) }',
    '        }',
    '    }',
    '}',
  ].join('\n');
}

/** A handle that is stored is given away. */
function declareHandleMoves(resource: ResourceType, written: string, module: ModuleText): void {
  const handle = `${module.runtime('Handle')}::new`;
  declareMoves({ kind: 'own', resource }, written, module, {
    store: ['self.0.give().store(to, arena);'],
    lower: ['self.0.give().lower(slots, arena);'],
    load: [`${written}(${handle}(load_at(from, 0)))`],
    lift: [`${written}(${handle}(Load::lift(slots)))`],
  });
}
