/** The text of the module that a bundle begins with: the world's exports, out of the guest's own. */

import type { ComponentType, ExternType, InstanceType } from '../../wasm/component/types.ts';
import { camelCase, pascalCase } from '../bindings/naming.ts';

/** What a guest exports for an export of its world; for `my:agent/word-counts@1.0.0` that is `wordCounts`. */
export const exportedName = (name: string): string =>
  camelCase(name.replace(/@.*/, '').replace(/^.*\//, ''));

/** Whether what a function throws is a text for the host, as of `result<_, string>`. */
const failsWithText = (type: ExternType): boolean =>
  type.kind === 'func' && type.result?.kind === 'result' && type.result.err?.kind === 'string';

/**
 * The text of the entry: each function that the host calls, and each class that it makes objects of, goes through
 * the module of globals.
 *
 * @param guest - The guest's own file.
 * @param globals - The module that tells the guest's exceptions, and when it is no longer being built.
 */
export function entryText(
  exports: ComponentType['exports'],
  guest: string,
  globals: string,
): string {
  const names = [...exports].flatMap(([name, { kind }]) =>
    kind === 'func' || kind === 'instance' ? [exportedName(name)] : [],
  );
  const values = [...exports].flatMap(([name, type]) => {
    const own = exportedName(name);
    if (type.kind === 'func') {
      return [`const ${own}_called = called(${own}_, ${failsWithText(type)});`];
    }
    return type.kind === 'instance' ? [interfaceText(own, type)] : [];
  });
  return [
    `import { called, calledClass } from ${JSON.stringify(globals)};`,
    `import { ${names.map((name) => `${name} as ${name}_`).join(', ')} } from ${JSON.stringify(guest)};`,
    ...values,
    `export { ${names.map((name) => `${name}_called as ${name}`).join(', ')} };`,
    '',
  ].join('\n');
}

/** An object of an exported interface: the guest's own, with what the host calls in place of its functions. */
function interfaceText(own: string, { exports }: InstanceType): string {
  const functions: string[] = [];
  const classes = new Map<string, { methods: string[]; statics: string[] }>();
  for (const [name, type] of exports) {
    const [, kind, rest = name] = /^\[(constructor|method|static)\](.*)$/.exec(name) ?? [];
    const fails = failsWithText(type);
    if (kind === undefined) {
      if (type.kind !== 'func') continue;
      const key = camelCase(name);
      functions.push(`${key}: called((...values) => ${own}_.${key}(...values), ${fails})`);
      continue;
    }
    const [resource = '', member = ''] = rest.split('.');
    const found = classes.get(resource) ?? { methods: [], statics: [] };
    classes.set(resource, found);
    const entry = `${camelCase(member)}: ${fails}`;
    if (kind === 'method') found.methods.push(entry);
    if (kind === 'static') found.statics.push(entry);
  }
  const made = [...classes].map(([resource, { methods, statics }]) => {
    const key = pascalCase(resource);
    return `${key}: calledClass(${own}_.${key}, { ${methods.join(', ')} }, { ${statics.join(', ')} })`;
  });
  return `const ${own}_called = { ...${own}_, ${[...functions, ...made].join(', ')} };`;
}
