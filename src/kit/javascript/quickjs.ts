/** Makes a component of a bundle by the small engine: QuickJS, as componentize-qjs builds it in. */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RingfenceError } from '../../errors.ts';
import { packageFolder } from '../build/package-folder.ts';
import type { EngineInput } from './engine-input.ts';
import { quickJsRuntime } from './quickjs-runtime.ts';

/** What is used of the package's interface. */
interface Componentizer {
  componentize(options: {
    readonly witPath: string;
    readonly world: string;
    readonly jsSource: string;
    readonly runtimeBytes: Buffer;
  }): Promise<{ readonly component: Uint8Array }>;
}

/** How the engine calls the bundle in the places of a trace. */
const BUNDLE_NAME = 'componentize-qjs:user.js';

/**
 * Makes the component: evaluates the bundle and keeps what that leaves.
 *
 * @throws RingfenceError `RF_MODULE_INVALID` with what the guest threw meanwhile, and its place;
 * `RF_COMPILER_MISSING` where the engine is not installed or is of a kind that is not known.
 */
export async function componentizeWithQuickJs(input: EngineInput): Promise<Uint8Array> {
  const { componentize, runtime } = loadEngine(input.base);
  const folder = mkdtempSync(join(tmpdir(), 'ringfence-build-'));
  try {
    const witPath = join(folder, 'world.wit');
    writeFileSync(witPath, input.witSource);
    const { component } = await componentize({
      witPath,
      world: input.world,
      jsSource: input.code,
      runtimeBytes: Buffer.from(runtime),
    });
    return component;
  } catch (error) {
    throw describe(error, input);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function loadEngine(base: string): Pick<Componentizer, 'componentize'> & { runtime: Uint8Array } {
  const name = 'componentize-qjs';
  const entry = join(packageFolder(name, base), 'index.js');
  const require = createRequire(entry);
  const unavailable = (why: string, cause?: unknown) =>
    new RingfenceError(
      'RF_COMPILER_MISSING',
      `Cannot build with the engine quickjs as ${why}: install ${name} 0.4.5, or set "engine": "starlingmonkey".`,
      { package: name },
      { cause },
    );
  let componentizer: Componentizer;
  try {
    componentizer = require(entry) as Componentizer;
  } catch (error) {
    throw unavailable(`its package ${name} has no part for this system`, error);
  }
  const addon = Object.keys(require.cache).find((each) =>
    /componentize-qjs[^/\\]*\.node$/.test(each),
  );
  const runtime = addon === undefined ? null : quickJsRuntime(readFileSync(addon));
  if (runtime === null) throw unavailable(`this version of ${name} is of a kind that is not known`);
  return { componentize: (options) => componentizer.componentize(options), runtime };
}

/** What the guest threw while it was evaluated, out of the report that the package makes of it. */
function describe(error: unknown, { file, placeOf }: EngineInput): unknown {
  const report = error instanceof Error ? error.message : String(error);
  const early = /unknown import: `(.*)` has not been defined/.exec(report)?.[1];
  if (early !== undefined) {
    return invalid(
      `${file}: it calls '${early}' while it is built, where there is no host yet: call it from a function that the host calls.`,
      file,
      error,
    );
  }
  const [, line] = new RegExp(`${BUNDLE_NAME}:(\\d+)`).exec(report) ?? [];
  const place = (line === undefined ? null : placeOf(Number(line))) ?? file;
  const [said = ''] = report
    .replace(/^[: ]*(?:Failed to [\w ]+: )*/, '')
    .trim()
    .split('\n');
  return invalid(`${place}: ${said.replace(/\.$/, '')}.`, file, error);
}

const invalid = (sentence: string, file: string, cause: unknown) =>
  new RingfenceError('RF_MODULE_INVALID', sentence, { file }, { cause });
