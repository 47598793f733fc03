/** Loading a module with a progress line, and an end to it when somebody presses Ctrl-C. */

import { basename } from 'node:path';
import type { Kernel, LoadedModule } from '../index.ts';
import type { Environment } from './environment.ts';
import type { Interruption } from './interruption.ts';
import { ProgressLine } from './progress.ts';

/**
 * Loads a module.
 *
 * @throws what {@link Kernel.load} throws; the signal's reason where the interruption came first.
 */
export async function loadWithProgress(
  kernel: Kernel,
  path: string,
  environment: Environment,
  interruption: Interruption,
): Promise<LoadedModule> {
  using progress = new ProgressLine(environment, `preparing ${basename(path)}`);
  return await kernel.load(path, {
    onProgress: (stage) => progress.update(stage),
    signal: interruption.signal,
  });
}
