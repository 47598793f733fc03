/** Makes a project for an agent out of a language's template. */

import { randomBytes } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import validateName from 'validate-npm-package-name';
import { RingfenceError } from '../../errors.ts';
import { LANGUAGES, type Language } from './manifest.ts';

/** As deep below the package's root from src/ as from dist/. */
const TEMPLATES = fileURLToPath(new URL('../../../templates/', import.meta.url));
/** What every project has, where its language's own template has no other. */
const COMMON = 'common';
const PACKAGE = new URL('../../../package.json', import.meta.url);

/** Files that npm would take for its own under their names. */
const STORED_AS: ReadonlyMap<string, string> = new Map([
  ['_package.json', 'package.json'],
  ['_gitignore', '.gitignore'],
]);

/** A project that was made. */
export interface CreatedProject {
  readonly folder: string;
  readonly name: string;
  readonly language: Language;
  /** Paths of its files, from its folder. */
  readonly files: readonly string[];
}

/** Whether there is a template for a language. */
export const isLanguage = (text: string): text is Language =>
  LANGUAGES.some((language) => language === text);

/**
 * Makes a project in `folder`, whose last part is its name. The folder appears whole or not at all.
 *
 * @throws {RingfenceError} `RF_USAGE` for a name that no package can have, or a folder that is not empty;
 * `RF_FILE` where it can't be written.
 */
export function createProject(folder: string, language: Language): CreatedProject {
  requireProjectPlace(folder);
  const target = resolve(folder);
  const name = basename(target);
  const words = { name, file: name, wit: witPackage(name), version: ownVersion() };
  const made = join(
    dirname(target),
    `.${name.slice(0, 100)}.${randomBytes(6).toString('hex')}.tmp`,
  );
  try {
    mkdirSync(dirname(target), { recursive: true });
    const files = copyTemplate(filesOf(language), made, words);
    renameSync(made, target);
    return { folder: target, name, language, files };
  } catch (error) {
    rmSync(made, { recursive: true, force: true });
    throw new RingfenceError(
      'RF_FILE',
      `Cannot make the project in '${folder}' (${(error as NodeJS.ErrnoException).code}): check the directory and its rights.`,
      { path: folder },
      { cause: error },
    );
  }
}

/**
 * Whether a project can be made in a folder, by its name and by what is there.
 *
 * @throws {RingfenceError} `RF_USAGE` as {@link createProject}
 */
export function requireProjectPlace(folder: string): void {
  const target = resolve(folder);
  requireName(basename(target));
  requireRoom(target, folder);
}

function requireName(name: string): void {
  const { validForNewPackages, errors = [], warnings = [] } = validateName(name);
  if (validForNewPackages && !name.startsWith('@')) return;
  const why = [...errors, ...warnings][0] ?? 'it has a scope';
  throw new RingfenceError(
    'RF_USAGE',
    `Cannot name a project ${JSON.stringify(name.slice(0, 100))}: ${why}; write lower-case letters, digits and '-'.`,
    { name },
  );
}

function requireRoom(target: string, shown: string): void {
  if (!existsSync(target)) return;
  if (statSync(target).isDirectory() && readdirSync(target).length === 0) return;
  throw new RingfenceError(
    'RF_USAGE',
    `Cannot make a project in '${shown}' as it is there already and not an empty directory: choose another name.`,
    { path: shown },
  );
}

/** A name in WIT is of words of letters and digits, each of which begins with a letter. */
function witPackage(name: string): string {
  const words = name
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .map((word) => (/^[a-z]/.test(word) ? word : `n${word}`))
    .filter((word) => word !== 'n');
  return `my:${words.join('-') || 'agent'}`;
}

function ownVersion(): string {
  return (JSON.parse(readFileSync(PACKAGE, 'utf8')) as { version: string }).version;
}

/** Where the text of each file of a project is, by the file's path in the project, in order. */
function filesOf(language: Language): readonly (readonly [string, string])[] {
  const files = new Map<string, string>();
  for (const template of [COMMON, language]) {
    const folder = join(TEMPLATES, template);
    for (const path of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
      if (statSync(join(folder, path)).isDirectory()) continue;
      const name = STORED_AS.get(basename(path)) ?? basename(path);
      // What is common is JavaScript as well as TypeScript.
      const own = language === 'javascript' ? name.replace(/\.ts$/, '.js') : name;
      files.set(join(dirname(path), own), join(folder, path));
    }
  }
  return [...files].sort(([one], [other]) => (one < other ? -1 : 1));
}

/** Writes the files, with what stands for the words put in; answers their paths. */
function copyTemplate(
  files: ReturnType<typeof filesOf>,
  target: string,
  words: Readonly<Record<string, string>>,
): string[] {
  mkdirSync(target);
  for (const [file, from] of files) {
    const text = readFileSync(from, 'utf8');
    mkdirSync(dirname(join(target, file)), { recursive: true });
    writeFileSync(
      join(target, file),
      text.replace(/\{\{(\w+)\}\}/g, (all, word: string) => words[word] ?? all),
    );
  }
  return files.map(([file]) => file);
}
