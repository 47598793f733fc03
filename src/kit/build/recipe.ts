/**
 * How a guest is made: the recipes that follow from the files of a guest's folder.
 *
 * | file | what it is |
 * |---|---|
 * | `agent.ts`, `command.ts`, `handler.ts` | AssemblyScript for the world of that name |
 * | `agent.wat`, `command.wat`, `handler.wat` | the text of a core module for the world of that name |
 * | `component.wat` | the text of a whole component |
 * | `variants.ts` | a program that writes the texts or bytes of several guests |
 */

import { existsSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { GuestWorld } from './wit-source.ts';

/** A guest that a `variants.ts` makes. */
export type Variant =
  | { readonly kind: 'core-text'; readonly world: GuestWorld; make(): string }
  | { readonly kind: 'core-binary'; readonly world: GuestWorld; make(): Uint8Array }
  | { readonly kind: 'component-text'; make(): string };

/** What a `variants.ts` exports as `guests`, by the name of the guest. */
export type Variants = Readonly<Record<string, Variant>>;

/** How one guest is made. It is plain data: it travels to the process that builds. */
export interface Recipe {
  /** The guest's name, and that of its file in `build/`. */
  readonly name: string;
  /** Everything in this folder is an input. */
  readonly folder: string;
  /** The file that the guest is made from. */
  readonly file: string;
  readonly source:
    | { readonly kind: 'assemblyscript'; readonly world: GuestWorld }
    | { readonly kind: 'core-text'; readonly world: GuestWorld }
    | { readonly kind: 'component-text' }
    | { readonly kind: 'variant' };
}

const SOURCES: Readonly<Record<string, Recipe['source']>> = {
  'agent.ts': { kind: 'assemblyscript', world: 'agent' },
  'command.ts': { kind: 'assemblyscript', world: 'command' },
  'handler.ts': { kind: 'assemblyscript', world: 'handler' },
  'agent.wat': { kind: 'core-text', world: 'agent' },
  'command.wat': { kind: 'core-text', world: 'command' },
  'handler.wat': { kind: 'core-text', world: 'handler' },
  'component.wat': { kind: 'component-text' },
};

/**
 * Finds the guests in a folder and in the folders below it, sorted by name. A folder that is a guest
 * holds no others; `build` is skipped.
 */
export async function findRecipes(root: string): Promise<Recipe[]> {
  const recipes: Recipe[] = [];
  const waiting = [root];
  for (let folder = waiting.pop(); folder !== undefined; folder = waiting.pop()) {
    const found = await recipesOf(folder);
    recipes.push(...found);
    if (found.length > 0) continue;
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      if (entry.isDirectory() && entry.name !== 'build') waiting.push(join(folder, entry.name));
    }
  }
  recipes.sort((a, b) => (a.name < b.name ? -1 : 1));
  assertNamesDiffer(recipes);
  return recipes;
}

async function recipesOf(folder: string): Promise<Recipe[]> {
  const variants = join(folder, 'variants.ts');
  if (existsSync(variants)) {
    const names = Object.keys(await readVariants(variants));
    return names.map((name) => ({ name, folder, file: variants, source: { kind: 'variant' } }));
  }
  for (const [fileName, source] of Object.entries(SOURCES)) {
    const file = join(folder, fileName);
    if (existsSync(file)) return [{ name: basename(folder), folder, file, source }];
  }
  return [];
}

/** The guests that a `variants.ts` makes. */
export async function readVariants(file: string): Promise<Variants> {
  const module = (await import(pathToFileURL(file).href)) as { guests: Variants };
  return module.guests;
}

function assertNamesDiffer(recipes: readonly Recipe[]): void {
  for (const [index, recipe] of recipes.entries()) {
    const next = recipes[index + 1];
    if (next?.name === recipe.name) {
      throw new Error(`Two guests are named '${recipe.name}': ${recipe.file} and ${next.file}.`);
    }
  }
}
