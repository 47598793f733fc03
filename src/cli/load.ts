/** Loading a module with a progress line, and an end to it when somebody presses Ctrl-C. */

import { basename } from 'node:path';
import { type Kernel, type LoadedModule, type LoadOptions, RingfenceError } from '../index.ts';
import type { Environment } from './environment.ts';
import type { Interruption } from './interruption.ts';
import { ProgressLine } from './progress.ts';

/**
 * Loads a module, which may use `features`.
 *
 * @throws {RingfenceError} what {@link Kernel.load} throws, where `RF_FILE` is always the module's;
 * the signal's reason where the interruption came first.
 */
export async function loadWithProgress(
  kernel: Kernel,
  path: string,
  environment: Environment,
  interruption: Interruption,
  features: LoadOptions['features'],
): Promise<LoadedModule> {
  const progress = new ProgressLine(environment, `preparing ${basename(path)}`);
  try {
    return await kernel.load(path, {
      features,
      onProgress: (stage) => progress.update(stage),
      signal: interruption.signal,
    });
  } catch (error) {
    throw isFileOfOurs(error, path)
      ? new RingfenceError('RF_INTERNAL', error.message, error.fields, { cause: error })
      : error;
  } finally {
    progress.erase();
  }
}

/** A file that the user never named, such as the cache's: the usage was right. */
function isFileOfOurs(error: unknown, path: string): error is RingfenceError {
  return error instanceof RingfenceError && error.code === 'RF_FILE' && error.fields.path !== path;
}
