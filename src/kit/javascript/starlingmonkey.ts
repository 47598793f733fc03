/** Makes a component of a bundle by the large engine: SpiderMonkey, as componentize-js builds it in. */

import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { RingfenceError } from '../../errors.ts';
import { packageFolder } from '../build/package-folder.ts';
import type { EngineInput } from './engine-input.ts';

/** What is used of the package's interface. */
interface Componentizer {
  componentize(
    source: string,
    witSource: string,
    options: {
      readonly worldName: string;
      readonly sourceName: string;
      readonly disableFeatures: readonly string[];
    },
  ): Promise<{ readonly component: Uint8Array }>;
}

/** How the engine calls the bundle in the places of a trace; `guest/globals.ts` knows it. */
const BUNDLE_NAME = 'ringfence-bundle.js';

/**
 * Makes the component: evaluates the bundle and keeps what that leaves. What the engine draws meanwhile of
 * random numbers and paths stays in it, so that no two builds are the same.
 *
 * @throws RingfenceError `RF_MODULE_INVALID` with what the guest threw meanwhile, and its place;
 * `RF_COMPILER_MISSING` where the engine is not installed.
 */
export async function componentizeWithStarlingMonkey(input: EngineInput): Promise<Uint8Array> {
  const entry = join(
    packageFolder('@bytecodealliance/componentize-js', input.base),
    ...['src', 'componentize.js'],
  );
  const { componentize } = (await import(pathToFileURL(entry).href)) as Componentizer;
  try {
    return await awayFromTemporary(input.base, async () => {
      const { component } = await componentize(input.code, input.witSource, {
        worldName: input.world,
        sourceName: BUNDLE_NAME,
        disableFeatures: input.usesHttp ? [] : ['http', 'fetch-event'],
      });
      return component;
    });
  } catch (error) {
    throw describe(error, input);
  }
}

/**
 * Componentize-js mistakes the path of its own temporary file where that lies below the working directory
 * (its 0.22.0 cuts the directory's length off a path that does not have it).
 */
async function awayFromTemporary<Made>(base: string, make: () => Promise<Made>): Promise<Made> {
  const from = process.cwd();
  if (!resolve(tmpdir()).startsWith(from)) return make();
  process.chdir(base);
  try {
    return await make();
  } finally {
    process.chdir(from);
  }
}

function describe(error: unknown, { file, placeOf }: EngineInput): unknown {
  const report = error instanceof Error ? error.message : String(error);
  const said = /^\s*([A-Z]\w*Error: .*)$/m.exec(report)?.[1];
  const [, line, inline] =
    new RegExp(`${BUNDLE_NAME}:(\\d+)(?::\\d+)?(?: ([A-Z].*))?`).exec(report) ?? [];
  const problem = inline ?? said;
  if (problem === undefined) return error;
  const place = (line === undefined ? null : placeOf(Number(line))) ?? file;
  return new RingfenceError(
    'RF_MODULE_INVALID',
    `${place}: ${problem.replace(/\.$/, '')}.`,
    { file },
    { cause: error },
  );
}
