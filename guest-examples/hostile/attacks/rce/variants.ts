/**
 * A core export whose name would be code if it were pasted into generated JavaScript. The code that it
 * carries does nothing but set a global variable.
 *
 * Nothing that links a component may generate text from its names, so this runs like its control.
 */

import type { Variants } from '../../../../src/kit/build/recipe.ts';

const HOSTILE_NAME = "y']||(globalThis.ESCAPED=1,()=>1)||exports0['x";

function componentWithExport(name: string): string {
  const quoted = JSON.stringify(name);
  return `(component
    (core module $guest
      (memory (export "memory") 1)
      (func (export ${quoted}) (result i32) (i32.const 16)))
    (core instance $guest (instantiate $guest))
    (alias core export $guest ${quoted} (core func $run))
    (func (export "run") (result (result (error string)))
      (canon lift (core func $run) (memory (core memory $guest "memory")))))`;
}

export const guests: Variants = {
  'attack-rce': { kind: 'component-text', make: () => componentWithExport(HOSTILE_NAME) },
  'attack-rce-control': { kind: 'component-text', make: () => componentWithExport('y') },
};
