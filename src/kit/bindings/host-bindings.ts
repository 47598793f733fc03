/** Everything in src/wasm/host/generated: the bindings of what is offered, and the offered world. */

import { RingfenceError } from '../../errors.ts';
import { decodeWorld, worldSection } from '../../wasm/component/world.ts';
import { generateBindings } from './generate.ts';
import { embedWorld, offeredWit, offeredWorldText } from './offered.ts';

/** Where the WIT texts are. */
export interface WitSources {
  /** The contract with guests. */
  readonly agentWit: URL;
  /** The folder with a folder for each version of WASI. */
  readonly wasiFolder: URL;
  /** The folder with drafts of WASI, a file a package. */
  readonly draftsFolder: URL;
}

/** The files of src/wasm/host/generated, by name. The same texts give the same files. */
export async function hostBindings(sources: WitSources): Promise<ReadonlyMap<string, string>> {
  const wit = await offeredWit(sources.agentWit, sources.wasiFolder, sources.draftsFolder);
  const section = worldSection(await embedWorld(wit, 'offered'));
  if (section === null) {
    throw new RingfenceError('RF_INTERNAL', 'jco embedded a world without describing it.');
  }
  const files = generateBindings(decodeWorld(section));
  return new Map([...files, ['offered-world.ts', offeredWorldText(section)]]);
}
