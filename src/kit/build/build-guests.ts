/**
 * Builds guests from source: finds them, skips what hasn't changed, and lets builder processes make
 * the rest, two at a time.
 */

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { RingfenceError } from '../../errors.ts';
import type { BuildAnswer, BuildRequest } from './builder-process.ts';
import { findRecipes, type Recipe } from './recipe.ts';
import { digestOfBuilder, digestOfInputs, isFresh } from './stamp.ts';

/** Builder processes at a time. */
const PROCESSES_MAX = 2;

const BUILDER = fileURLToPath(new URL('./builder-process.ts', import.meta.url));

/** What to build, and from where. */
export interface BuildOptions {
  /** The folder below which the guests are. */
  readonly root: string;
  /** Where the built components go, as `<name>.wasm`. */
  readonly buildFolder: string;
  /** Names of guests; all of them without it. */
  readonly only?: readonly string[];
  /** Hears about each guest that is built; guests that were fresh are not mentioned. */
  readonly onBuilt?: (progress: { name: string; done: number; total: number }) => void;
}

/** What was done. */
export interface BuildReport {
  /** All guests that were asked for, by name: the file of their component. */
  readonly files: ReadonlyMap<string, string>;
  readonly built: readonly string[];
}

/**
 * Builds every guest below a folder, or those named by `only`.
 *
 * Several calls at once, in one process or in many, are safe: files appear whole or not at all.
 *
 * @throws RingfenceError `RF_USAGE` for an unknown name in `only`; `RF_MODULE_INVALID` with one
 * sentence for each guest that can't be built, after all the others have been.
 */
export async function buildGuests(options: BuildOptions): Promise<BuildReport> {
  const recipes = select(await findRecipes(options.root), options.only);
  const requests = staleRequests(recipes, options.buildFolder);
  const failures: string[] = [];
  const waiting = [...requests];
  let done = 0;

  async function drainWithOneProcess(): Promise<void> {
    let builder: Builder | null = null;
    for (let request = waiting.shift(); request !== undefined; request = waiting.shift()) {
      builder ??= new Builder();
      const failure = await builder.build(request);
      if (failure !== null) {
        failures.push(`Cannot build the guest '${request.recipe.name}': ${failure}`);
        await builder.end();
        builder = null;
      }
      done += 1;
      options.onBuilt?.({ name: request.recipe.name, done, total: requests.length });
    }
    await builder?.end();
  }

  mkdirSync(options.buildFolder, { recursive: true });
  await Promise.all(Array.from({ length: PROCESSES_MAX }, drainWithOneProcess));
  if (failures.length > 0) {
    throw new RingfenceError('RF_MODULE_INVALID', failures.join('\n'), { count: failures.length });
  }
  return {
    files: new Map(recipes.map((recipe) => [recipe.name, outputOf(recipe, options.buildFolder)])),
    built: requests.map((request) => request.recipe.name),
  };
}

function select(recipes: Recipe[], only: readonly string[] | undefined): Recipe[] {
  if (only === undefined) return recipes;
  return only.map((name) => {
    const recipe = recipes.find((candidate) => candidate.name === name);
    if (recipe !== undefined) return recipe;
    const known = recipes.map((candidate) => candidate.name).join(', ');
    throw new RingfenceError('RF_USAGE', `There is no guest '${name}': choose from ${known}.`, {
      name,
    });
  });
}

/** The requests for the guests that aren't fresh; AssemblyScript first, because it takes longest. */
function staleRequests(recipes: readonly Recipe[], buildFolder: string): BuildRequest[] {
  const builder = digestOfBuilder();
  const requests: BuildRequest[] = [];
  for (const recipe of recipes) {
    const outputFile = outputOf(recipe, buildFolder);
    const inputs = digestOfInputs(recipe, builder);
    if (!isFresh(outputFile, inputs)) requests.push({ recipe, buildFolder, outputFile, inputs });
  }
  const slowFirst = (request: BuildRequest) =>
    request.recipe.source.kind === 'assemblyscript' ? 0 : 1;
  return requests.sort((a, b) => slowFirst(a) - slowFirst(b));
}

function outputOf(recipe: Recipe, buildFolder: string): string {
  return join(buildFolder, `${recipe.name}.wasm`);
}

/** One builder process, which takes one request at a time. */
class Builder {
  readonly #process = fork(BUILDER, { execPath: process.execPath, stdio: ['ignore', 2, 2, 'ipc'] });

  /** Answers null, or the sentence that says why the guest can't be built. */
  async build(request: BuildRequest): Promise<string | null> {
    const abandoned = new AbortController();
    try {
      const signal = abandoned.signal;
      const answered = once(this.#process, 'message', { signal });
      const ended = once(this.#process, 'exit', { signal });
      // The loser of the race is abandoned below; its rejection is expected.
      answered.catch(() => {});
      ended.catch(() => {});
      this.#process.send(request);
      const first = await Promise.race([
        answered.then(([answer]) => answer as BuildAnswer),
        ended.then(([code, signalName]) => ({
          failure: `the builder process ended early (${signalName ?? `exit code ${code}`}).`,
        })),
      ]);
      return first.failure;
    } finally {
      abandoned.abort();
    }
  }

  /** Ends the process and waits until it is gone. */
  async end(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const ended = once(this.#process, 'exit');
    if (this.#process.connected) this.#process.disconnect();
    await ended;
  }
}
