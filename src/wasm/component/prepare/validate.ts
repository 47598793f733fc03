/** Validates a component by tools that are not ours: its structure by jco's, its code by V8. */

import { RingfenceError } from '../../../errors.ts';
import type { Features } from '../../metering/features.ts';
import { DEFAULT_METER_CAPS, meter } from '../../metering/meter.ts';
import { decodeModule } from '../../metering/module.ts';
import { reasonOf } from './sentence.ts';
import type { ComponentTools } from './tools.ts';
import { requireFewTypes } from './type-account.ts';

/**
 * Refuses by name what has too much of something, from the outside of each core module: before jco's
 * tools, which have other limits and say less.
 *
 * @throws RingfenceError `RF_MODULE_REFUSED`, or `RF_MODULE_INVALID` for what can't be decoded.
 */
export function checkCounts(modules: readonly Uint8Array[], features: Features): void {
  let types = 0;
  for (const bytes of modules) {
    types += decodeModule(bytes, DEFAULT_METER_CAPS, features).typesWeight;
    requireFewTypes(types);
  }
}

/**
 * Checks a component's structure: sections, links, canonical options, types.
 *
 * @throws RingfenceError `RF_MODULE_INVALID`.
 */
export async function validateStructure(bytes: Uint8Array, tools: ComponentTools): Promise<void> {
  try {
    await tools.componentWit(bytes);
  } catch (error) {
    throw new RingfenceError(
      'RF_MODULE_INVALID',
      `The component is not valid (${reasonOf(error)}): build it again with its tools.`,
    );
  }
}

/**
 * Checks the code of each core module.
 *
 * @throws RingfenceError `RF_MODULE_INVALID`, or `RF_MODULE_REFUSED` for what V8 knows as little as we
 * do.
 */
export function validateCode(modules: readonly Uint8Array[], features: Features): void {
  for (const [index, module] of modules.entries()) {
    const bytes = module as Uint8Array<ArrayBuffer>;
    if (WebAssembly.validate(bytes)) continue;
    // What is too large or not offered is often invalid for V8 as well; metering has its name.
    meter(bytes, {}, { features });
    throw new RingfenceError(
      'RF_MODULE_INVALID',
      `Core module ${index} is not valid WebAssembly (${engineReason(bytes)}): build it again with its tools.`,
      { module: index },
    );
  }
}

/** V8 says why only when it is asked to compile; on invalid bytes it gets no further than that. */
function engineReason(bytes: Uint8Array<ArrayBuffer>): string {
  try {
    new WebAssembly.Module(bytes);
    return 'the engine does not say why';
  } catch (error) {
    return reasonOf(error);
  }
}
