/** A kernel that also runs modules without metering, for `ringfence bench` to compare with. */

import type { KernelOptions, LoadedModule } from '../kernel/spawn-options.ts';
import { Kernel, openParts } from '../kernel.ts';

/** A kernel, and what only its owner can have of it. */
export interface PlainKernel {
  readonly kernel: Kernel;
  /**
   * One that does the same as a module and counts nothing; it is refused with any isolation but `process`.
   *
   * @throws {RingfenceError} `RF_FILE` for a file that is another by now; as {@link Kernel.load}
   */
  loadPlain(module: LoadedModule, signal: AbortSignal): Promise<LoadedModule>;
}

/** @throws {RingfenceError} as `openKernel` */
export async function openPlainKernel(options: KernelOptions): Promise<PlainKernel> {
  const parts = await openParts(options);
  return {
    kernel: new Kernel(parts),
    loadPlain: (module, signal) => parts.modules.loadPlain(module, signal),
  };
}
