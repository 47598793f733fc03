/**
 * The program of a builder process: it builds what its parent sends it, one guest after another,
 * and ends after the first failure, because jco's tools can't be trusted after one.
 */

import { RingfenceError } from '../../errors.ts';
import { buildRecipe } from './build-recipe.ts';
import type { Recipe } from './recipe.ts';
import { writeStamped } from './stamp.ts';

/** What the parent asks for. */
export interface BuildRequest {
  readonly recipe: Recipe;
  readonly buildFolder: string;
  readonly outputFile: string;
  readonly inputs: string;
}

/** What the parent hears: null for success, or the sentence that says why not. */
export interface BuildAnswer {
  readonly failure: string | null;
}

process.on('message', (request: BuildRequest) => void answer(request));

async function answer(request: BuildRequest): Promise<void> {
  const failure = await failureOf(request);
  const message: BuildAnswer = { failure };
  process.send?.(message, () => {
    if (failure !== null) process.exit(1);
  });
}

async function failureOf(request: BuildRequest): Promise<string | null> {
  try {
    const component = await buildRecipe(request.recipe, request.buildFolder);
    writeStamped(request.outputFile, component, request.inputs);
    return null;
  } catch (error) {
    if (error instanceof RingfenceError) return error.message;
    return error instanceof Error ? (error.stack ?? error.message) : String(error);
  }
}
