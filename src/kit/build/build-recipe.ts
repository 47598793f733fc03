/** Builds one guest by its recipe, in this process. */

import { readFileSync } from 'node:fs';
import { relative } from 'node:path';
import { compileAssemblyScript } from '../assemblyscript/compile.ts';
import { assemble, componentFromCore } from './make-component.ts';
import { type Recipe, readVariants } from './recipe.ts';

/**
 * Builds a guest and answers the bytes of its component.
 *
 * @param buildFolder - Where generated sources go, for people to read.
 * @throws RingfenceError `RF_MODULE_INVALID` with file and line of what can't be compiled.
 */
export async function buildRecipe(recipe: Recipe, buildFolder: string): Promise<Uint8Array> {
  const source = recipe.source;
  const shownFile = relative(process.cwd(), recipe.file);
  switch (source.kind) {
    case 'assemblyscript': {
      const core = await compileAssemblyScript({ ...recipe, world: source.world, buildFolder });
      return await componentFromCore(core, source.world, 'utf16');
    }
    case 'core-text': {
      const core = await assemble(readFileSync(recipe.file, 'utf8'), shownFile);
      return await componentFromCore(core, source.world, 'utf8');
    }
    case 'component-text':
      return await assemble(readFileSync(recipe.file, 'utf8'), shownFile);
    case 'variant':
      return await buildVariant(recipe, shownFile);
  }
}

async function buildVariant(recipe: Recipe, shownFile: string): Promise<Uint8Array> {
  const variant = (await readVariants(recipe.file))[recipe.name];
  if (variant === undefined) throw new Error(`${shownFile} makes no guest '${recipe.name}'.`);
  const textName = `${shownFile} (${recipe.name})`;
  switch (variant.kind) {
    case 'core-text':
      return await componentFromCore(
        await assemble(variant.make(), textName),
        variant.world,
        'utf8',
      );
    case 'core-binary':
      return await componentFromCore(variant.make(), variant.world, 'utf8');
    case 'component-text':
      return await assemble(variant.make(), textName);
  }
}
