/**
 * Decides whether a guest must be built again: a stamp beside the built file holds the digest of
 * everything that went into it and the digest of what came out.
 */

import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import type { Recipe } from './recipe.ts';
import { witFiles } from './wit-source.ts';
import { writeAtomically } from './write-atomically.ts';

/** Packages whose version decides what comes out. */
const TOOLS = ['@bytecodealliance/jco', '@bytecodealliance/jco-transpile', 'assemblyscript'];

/** The program that builds; with all it imports it is the builder's own code. */
const BUILDER = fileURLToPath(new URL('./builder-process.ts', import.meta.url));

/** AssemblyScript that goes into guests; it is read, not imported. */
const READ = ['runtime', 'sdk'].map((folder) =>
  fileURLToPath(new URL(`../assemblyscript/${folder}/`, import.meta.url)),
);

const Stamp = z.strictObject({ inputs: z.string(), output: z.string() });

/** Answers whether the built file is there, unchanged, and made of exactly these inputs. */
export function isFresh(file: string, inputs: string): boolean {
  try {
    const stamp = Stamp.parse(JSON.parse(readFileSync(stampOf(file), 'utf8')));
    return stamp.inputs === inputs && stamp.output === digest(readFileSync(file));
  } catch {
    return false; // Missing or torn: it is built again.
  }
}

/** Writes a built file and then its stamp; in this order a crash between them only costs a build. */
export function writeStamped(file: string, content: Uint8Array, inputs: string): void {
  writeAtomically(file, content);
  const stamp = { inputs, output: digest(content) };
  writeAtomically(stampOf(file), `${JSON.stringify(stamp)}\n`);
}

/** The digest of what all guests have in common: the builder's code, the WIT, the tools. */
export function digestOfBuilder(): string {
  const hash = createHash('sha256');
  for (const file of importedModules(BUILDER)) hash.update(digest(readFileSync(file)));
  for (const folder of READ) hash.update(digestOfFolder(folder));
  for (const file of witFiles()) hash.update(digest(readFileSync(file)));
  for (const tool of TOOLS) hash.update(`${tool} ${versionOf(tool)}\n`);
  return hash.digest('hex');
}

/** The digest of everything that goes into one guest. */
export function digestOfInputs(recipe: Recipe, builder: string): string {
  const recipeText = JSON.stringify([recipe.name, recipe.source]);
  return digest(`${builder}\n${digestOfFolder(recipe.folder)}\n${recipeText}`);
}

function digestOfFolder(folder: string): string {
  const hash = createHash('sha256');
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort();
  for (const name of names) {
    const file = join(folder, name);
    if (name.endsWith('.test.ts') || !statSync(file).isFile()) continue;
    hash.update(`${relative(folder, file)} ${digest(readFileSync(file))}\n`);
  }
  return hash.digest('hex');
}

/** A module and all modules of this project that it imports, directly or through others. */
function importedModules(entry: string): string[] {
  const found = new Set([entry]);
  for (const file of found) {
    const text = readFileSync(file, 'utf8');
    for (const [, specifier] of text.matchAll(/from '(\.[^']+\.ts)'/g)) {
      found.add(join(dirname(file), specifier ?? ''));
    }
  }
  return [...found].sort();
}

function versionOf(tool: string): string {
  const require = createRequire(import.meta.url);
  for (const folder of require.resolve.paths(tool) ?? []) {
    try {
      const text = readFileSync(join(folder, tool, 'package.json'), 'utf8');
      return z.object({ version: z.string() }).parse(JSON.parse(text)).version;
    } catch {
      // Not in this folder of packages; the next one up may have it.
    }
  }
  throw new Error(`The package ${tool} isn't installed: run 'npm ci'.`);
}

function stampOf(file: string): string {
  return `${file}.stamp.json`;
}

function digest(content: Uint8Array | string): string {
  return createHash('sha256').update(content).digest('hex');
}
