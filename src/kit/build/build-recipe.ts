/** Builds one guest by its recipe, in this process. */

import { readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { compileAssemblyScript } from '../assemblyscript/compile.ts';
import { resolveWorld } from '../wit/resolve-world.ts';
import { assemble, componentFromCore } from './make-component.ts';
import { type Recipe, readVariants } from './recipe.ts';
import { readWitSource } from './wit-source.ts';

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
      const { core } = await compileAssemblyScript({
        file: recipe.file,
        world: await resolveWorld(
          { root: [{ name: 'guests.wit', text: readWitSource() }], deps: [] },
          source.world,
        ),
        folder: join(buildFolder, recipe.name),
        base: process.cwd(),
      });
      return await componentFromCore(core, {
        world: source.world,
        stringEncoding: 'utf16',
        file: shownFile,
      });
    }
    case 'core-text': {
      const core = await assemble(readFileSync(recipe.file, 'utf8'), shownFile);
      return await componentFromCore(core, {
        world: source.world,
        stringEncoding: 'utf8',
        file: shownFile,
      });
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
  const file = `${shownFile} (${recipe.name})`;
  if (variant.kind === 'component-text') return await assemble(variant.make(), file);
  const core = variant.kind === 'core-text' ? await assemble(variant.make(), file) : variant.make();
  return await componentFromCore(core, { world: variant.world, stringEncoding: 'utf8', file });
}
