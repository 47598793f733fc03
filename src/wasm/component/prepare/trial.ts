/**
 * Compiles metered modules whole, in a process that may die of it.
 *
 * The compiler is Liftoff, and TurboFan in a process that runs under `--no-liftoff`. Afterwards the
 * kernel may compile the same bytes lazily, function by function, without a surprise.
 */

import { setFlagsFromString } from 'node:v8';
import { RingfenceError } from '../../../errors.ts';
import { reasonOf } from './sentence.ts';

/**
 * Compiles each module and drops the result.
 *
 * @throws RingfenceError `RF_MODULE_REFUSED` where the engine refuses a module. The original was valid,
 * so this is one of the engine's own limits, which metering brought it over.
 */
export function compileAll(modules: readonly Uint8Array[]): void {
  // Only now: with this flag from the start, jco's tools and Node's own WebAssembly would be compiled
  // whole as well, which takes TurboFan seconds. `--no-liftoff` can't be set so late, V8 aborts then.
  setFlagsFromString('--no-wasm-lazy-compilation');
  for (const [index, bytes] of modules.entries()) {
    try {
      new WebAssembly.Module(bytes as Uint8Array<ArrayBuffer>);
    } catch (error) {
      if (!(error instanceof WebAssembly.CompileError) && !(error instanceof RangeError))
        throw error;
      throw new RingfenceError(
        'RF_MODULE_REFUSED',
        `Core module ${index} passes a limit of the engine once it is metered (${reasonOf(error)}): split its largest functions.`,
        { module: index },
      );
    }
  }
}
