/** The text of the module that a bundle begins with: the world's exports, out of the guest's own. */

import type { ComponentType, ExternType } from '../../wasm/component/types.ts';
import { camelCase } from '../bindings/naming.ts';

/** What a guest exports for an export of its world; for `my:agent/word-counts@1.0.0` that is `wordCounts`. */
export const exportedName = (name: string): string =>
  camelCase(name.replace(/@.*/, '').replace(/^.*\//, ''));

/** Whether what a function throws is a text for the host, as of `result<_, string>`. */
const failsWithText = (type: ExternType): boolean =>
  type.kind === 'func' && type.result?.kind === 'result' && type.result.err?.kind === 'string';

/**
 * The text of the entry.
 *
 * @param guest - The guest's own file.
 * @param globals - The module that tells the guest's exceptions.
 */
export function entryText(
  exports: ComponentType['exports'],
  guest: string,
  globals: string,
): string {
  const functions = [...exports].filter(([, { kind }]) => kind === 'func');
  const interfaces = [...exports].filter(([, { kind }]) => kind === 'instance');
  const callable = functions.map(([name]) => exportedName(name));
  const objects = interfaces.map(([name]) => exportedName(name));
  const names = [...callable, ...objects];
  return [
    `import { called } from ${JSON.stringify(globals)};`,
    `import { ${names.map((name) => `${name} as ${name}_`).join(', ')} } from ${JSON.stringify(guest)};`,
    ...functions.map(([name, type]) => {
      const own = exportedName(name);
      return `const ${own}_called = called(${own}_, ${failsWithText(type)});`;
    }),
    `export { ${callable.map((name) => `${name}_called as ${name}`).join(', ')} };`,
    `export { ${objects.map((name) => `${name}_ as ${name}`).join(', ')} };`,
    '',
  ].join('\n');
}
