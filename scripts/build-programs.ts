/**
 * Builds whole programs that others wrote into `guest-examples/build/programs/`:
 * `node scripts/build-programs.ts`. What can't be built on this machine is skipped, and said.
 *
 * Their sources come from Debian, or they come from npm ready-made. What is fresh is left alone.
 */

import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { command, requireTools, Unavailable } from './programs/command.ts';
import { compilations, compilerVersion } from './programs/compile.ts';
import { DebianSources } from './programs/debian-source.ts';
import { npmPackage } from './programs/npm-package.ts';
import { type CRecipe, type NpmRecipe, RECIPES, type Recipe } from './programs/recipes.ts';

const PROGRAMS = fileURLToPath(new URL('../guest-examples/build/programs/', import.meta.url));
const SOURCES = join(PROGRAMS, 'sources');
const SUPPORT = fileURLToPath(new URL('programs/support/', import.meta.url));
const STATUS = join(PROGRAMS, 'status.json');

/** Compilers at a time. */
const BUILDS_AT_A_TIME = 2;

/** What became of a program; tests read it. */
export type ProgramStatus =
  | { readonly built: true; readonly version: string; readonly stamp: string }
  | { readonly built: false; readonly why: string };

function digestOf(parts: readonly string[]): string {
  const hash = createHash('sha256');
  for (const part of parts) {
    hash.update(`${part.length}:`).update(part);
  }
  return hash.digest('hex');
}

function supportFiles(): string[] {
  return readdirSync(SUPPORT, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
    .map((path) => readFileSync(path, 'utf8'));
}

/** Builds programs, and remembers what was built. */
class Builder {
  readonly #before: Readonly<Record<string, ProgramStatus>>;
  readonly #sources = new DebianSources(SOURCES);
  #compiler: Promise<string> | undefined;

  constructor(before: Readonly<Record<string, ProgramStatus>>) {
    this.#before = before;
  }

  /** Builds one, unless it is fresh. */
  async build(recipe: Recipe): Promise<ProgramStatus> {
    const output = join(PROGRAMS, `${recipe.name}.wasm`);
    const stamp = await this.#stamp(recipe, output);
    const before = this.#before[recipe.name];
    if (before?.built && before.stamp === stamp && existsSync(output)) {
      return before;
    }
    const version =
      recipe.kind === 'c' ? await this.#compile(recipe, output) : await this.#fetch(recipe, output);
    return { built: true, version, stamp };
  }

  async #stamp(recipe: Recipe, output: string): Promise<string> {
    if (recipe.kind === 'npm') {
      return digestOf([JSON.stringify(recipe)]);
    }
    this.#compiler ??= compilerVersion();
    return digestOf([
      JSON.stringify(recipe),
      await this.#compiler,
      ...compilations(recipe, output).flat(),
      ...supportFiles(),
    ]);
  }

  async #compile(recipe: CRecipe, output: string): Promise<string> {
    requireTools(recipe.tools ?? []);
    const { folder, version } = await this.#sources.get(recipe.package);
    if (recipe.prepare !== undefined) {
      const [name, ...args] = recipe.prepare;
      await command(name, args, { cwd: folder });
    }
    const cwd = recipe.folder === undefined ? folder : join(folder, recipe.folder);
    for (const args of compilations(recipe, output)) {
      await command('clang', args, { cwd });
    }
    return version;
  }

  async #fetch(recipe: NpmRecipe, output: string): Promise<string> {
    const folder = join(SOURCES, recipe.name);
    await npmPackage(recipe.package, folder);
    copyFileSync(join(folder, recipe.module), output);
    return recipe.package.version;
  }
}

function readStatus(): Record<string, ProgramStatus> {
  return existsSync(STATUS) ? JSON.parse(readFileSync(STATUS, 'utf8')) : {};
}

/**
 * Builds them all and writes down what became of each.
 *
 * @throws {AggregateError} when one can't be built though everything that it needs is there.
 */
export async function buildPrograms(say: (line: string) => void): Promise<void> {
  mkdirSync(SOURCES, { recursive: true });
  const status = readStatus();
  const builder = new Builder({ ...status });
  const failures: Error[] = [];
  const waiting = [...RECIPES];
  const work = async () => {
    for (let recipe = waiting.shift(); recipe !== undefined; recipe = waiting.shift()) {
      const { name } = recipe;
      const started = performance.now();
      try {
        const before = status[name];
        const result = await builder.build(recipe);
        status[name] = result;
        const seconds = Math.round((performance.now() - started) / 1000);
        say(result === before ? `${name}: fresh` : `${name}: built (${seconds} s)`);
      } catch (error) {
        const why = (error as Error).message;
        status[name] = { built: false, why };
        const skipped = error instanceof Unavailable;
        say(`${name}: ${skipped ? 'skipped' : 'FAILED'}: ${why}`);
        if (!skipped) {
          failures.push(error as Error);
        }
      }
      writeFileSync(STATUS, `${JSON.stringify(status, null, 2)}\n`);
    }
  };
  await Promise.all(Array.from({ length: BUILDS_AT_A_TIME }, work));
  rmSync(SOURCES, { recursive: true, force: true });
  if (failures.length > 0) {
    throw new AggregateError(failures, `${failures.length} programs can't be built`);
  }
}

if (import.meta.main) {
  try {
    await buildPrograms((line) => console.log(`programs: ${line}`));
  } catch (error) {
    console.error(`programs: ${(error as Error).message}`);
    process.exitCode = 1;
  }
}
