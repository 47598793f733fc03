/** Declares functions of the host in a module. */

import type { CoreSignature } from '../bindings/layout.ts';
import { pascalCase } from '../bindings/naming.ts';
import type { ModuleText } from './module-text.ts';

/**
 * Declares a function of the host and answers its name in the module. What a resource of the guest's
 * own needs is asked of the module `[export]` and the interface's name.
 */
export function declareHost(
  module: ModuleText,
  importedModule: string,
  name: string,
  signature: Pick<CoreSignature, 'params' | 'results'>,
): string {
  const local = module.reserve(`_host${pascalCase(name)}`);
  const parameters = signature.params.map((each, index) => `core${index}: ${each}`).join(', ');
  const result = signature.results[0] ?? 'void';
  module.declare(
    `// @ts-ignore: a decorator of AssemblyScript\n@external('${importedModule}', '${name}')\n` +
      `declare function ${local}(${parameters}): ${result};`,
  );
  return local;
}
