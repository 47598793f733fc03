/** Other functions in the place of a host's: what records, replays and traces calls stands before each so. */

import { type GatedFunction, instead } from '../host/abi/binding.ts';
import type { HostFunctions } from '../host/index.ts';

/** Each function of a host, with another in its place. */
export function mapFunctions(
  host: HostFunctions,
  replace: (name: string, fn: GatedFunction) => (call: never, ...args: unknown[]) => unknown,
): HostFunctions {
  return new Map(
    [...host].map(([interfaceName, functions]) => [
      interfaceName,
      new Map(
        [...functions].map(([name, fn]) => [
          name,
          instead(fn, replace(`${interfaceName}#${name}`, fn)),
        ]),
      ),
    ]),
  );
}
