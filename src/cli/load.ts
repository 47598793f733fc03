/** Loading a module with a progress line, and an end to it when somebody presses Ctrl-C. */

import { basename } from 'node:path';
import {
  type Decision,
  type Kernel,
  type LoadedModule,
  type LoadOptions,
  type ModuleSource,
  type Policy,
  RingfenceError,
} from '../index.ts';
import type { Environment } from './environment.ts';
import type { Interruption } from './interruption.ts';
import type { AskedPermissions } from './permission-options.ts';
import { permissionsFor, warningsAbout } from './permissions.ts';
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

/** What decides what a module may, and where that is shown. */
export interface Permitting {
  readonly asked: AskedPermissions;
  readonly policy: Policy | null;
  readonly environment: Environment;
  readonly interruption: Interruption;
}

/** A module, what it may, and what of that is not as somebody may think. */
export interface PermittedModule {
  readonly module: LoadedModule;
  readonly decision: Decision;
  readonly warnings: readonly string[];
}

/**
 * Loads a module that options and a policy decide about.
 *
 * @throws {RingfenceError} as {@link loadWithProgress} and {@link permissionsFor}
 */
export async function loadPermitted(
  kernel: Kernel,
  path: string,
  { asked, policy, environment, interruption }: Permitting,
): Promise<PermittedModule> {
  const decide = ({ realPath, digest }: ModuleSource): Decision =>
    permissionsFor(asked, policy, { path, realPath, digest }, (by, about) =>
      kernel.decide(by, about),
    );
  // What it may use has to be known before it is prepared: by the file that was read.
  const features = (source: ModuleSource) => decide(source).features;
  const module = await loadWithProgress(kernel, path, environment, interruption, features);
  interruption.signal.throwIfAborted();
  const decision = decide(module);
  return { module, decision, warnings: warningsAbout(decision, Date.now(), asked.secrets) };
}

/** A file that the user never named, such as the cache's: the usage was right. */
function isFileOfOurs(error: unknown, path: string): error is RingfenceError {
  return error instanceof RingfenceError && error.code === 'RF_FILE' && error.fields.path !== path;
}
