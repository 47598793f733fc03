/** Which backend a spawn is for: by what is to be run, and by the name that is given. */

import { BACKEND_NAMES, type BackendName } from '../backend/backend.ts';
import { RingfenceError } from '../errors.ts';

const usage = (why: string): RingfenceError =>
  new RingfenceError('RF_USAGE', `Cannot spawn the agent ${why}.`);

const has = (given: object, name: string): boolean =>
  (given as Readonly<Record<string, unknown>>)[name] !== undefined;

const isName = (value: unknown): value is BackendName =>
  (BACKEND_NAMES as readonly unknown[]).includes(value);

/**
 * Decides by `module`, `work` and `backend`; the rest is not looked at.
 *
 * @throws {RingfenceError} `RF_USAGE` where they contradict each other or nothing is to be run,
 * `RF_BACKEND_NOT_AVAILABLE` for a backend that this version does not have
 */
export function chooseBackend(given: unknown): 'wasm' | 'native' {
  if (typeof given !== 'object' || given === null) {
    throw usage('without options: give what is to be run, a module or a function');
  }
  const { backend } = given as { readonly backend?: unknown };
  if (backend !== undefined && !isName(backend)) {
    throw usage(`as 'backend' is none: give one of ${BACKEND_NAMES.join(', ')}, or leave it out`);
  }
  if (backend !== undefined && backend !== 'native' && backend !== 'wasm') {
    throw new RingfenceError(
      'RF_BACKEND_NOT_AVAILABLE',
      `Cannot spawn the agent as the backend '${backend}' is not in this version, and nothing configures it: give a 'module' for the backend 'wasm', or 'work' for 'native'.`,
      { backend },
    );
  }
  if (has(given, 'module') && has(given, 'work')) {
    throw usage("as it has a 'module' and 'work': give one of them");
  }
  if (!has(given, 'module') && !has(given, 'work')) {
    throw usage("as there is nothing to run: give a 'module' that load() answered, or 'work'");
  }
  const chosen = has(given, 'work') ? 'native' : 'wasm';
  if (backend !== undefined && backend !== chosen) {
    throw usage(
      chosen === 'native'
        ? "as the backend 'wasm' runs no functions: give a 'module', or leave 'backend' out"
        : "as the backend 'native' runs no modules: give 'work', or leave 'backend' out",
    );
  }
  return chosen;
}
