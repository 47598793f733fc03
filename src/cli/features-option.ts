/** `--wasm-features`: what a module may use of the features of WebAssembly that have to be allowed. */

import type { Option } from 'commander';
import { ALL_FEATURE_NAMES, type FeatureName, type Features, featuresNamed } from '../index.ts';
import { RUN_GROUPS } from './help-text.ts';
import { option, usage } from './option.ts';
import { quoted } from './printable.ts';

const FLAG = '--wasm-features';

const isFeature = (name: string): name is FeatureName =>
  (ALL_FEATURE_NAMES as readonly string[]).includes(name);

/** Reads names that commas divide; an empty text is none. */
function readFeatures(value: string, previous: Features | undefined): Features {
  if (previous !== undefined) {
    throw usage(`Cannot use ${FLAG} twice: write all names in one, with commas between them.`);
  }
  const names = value === '' ? [] : value.split(',');
  const unknown = names.find((name) => !isFeature(name));
  if (unknown !== undefined) {
    throw usage(
      `Cannot use ${FLAG} with ${quoted(unknown)}: write names out of ${ALL_FEATURE_NAMES.join(', ')}.`,
    );
  }
  return featuresNamed(names.filter(isFeature));
}

/** The option, for all commands that prepare a module or say what one gets. */
export function featuresOption(): Option {
  return option(
    FLAG,
    ' NAME,…',
    `features of WebAssembly that it may use: ${ALL_FEATURE_NAMES.join(', ')}`,
    RUN_GROUPS.run,
  ).argParser(readFeatures);
}
