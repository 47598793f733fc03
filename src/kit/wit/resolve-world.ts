/**
 * Resolves a world out of WIT text: the text of all packages goes to jco's tools as one, and what they make
 * of it is decoded by our reader. Packages that the text uses and doesn't bring, of WASI and ringfence,
 * are taken from those that ringfence has.
 */

import { readFileSync } from 'node:fs';
import { RingfenceError } from '../../errors.ts';
import { decodeWorld, type World, worldSection } from '../../wasm/component/reader.ts';
import { witFiles } from '../build/wit-source.ts';
import { Docs } from './docs.ts';
import { type Mention, type ParsedFile, parseWit } from './parse.ts';
import { placesOf } from './places.ts';
import type { WitFolder, WitPackage } from './read-folder.ts';
import { placeOf, witError } from './tokens.ts';
import { findLargeType } from './type-bounds.ts';

/** A world out of WIT. */
export interface ResolvedWorld {
  readonly world: World;
  /** Its doc comments, by the keys of `Docs`. */
  readonly docs: ReadonlyMap<string, string>;
  /** All packages as one text, and the world's name in it, for the tools that make a component. */
  readonly witSource: string;
  readonly worldName: string;
}

/** A package by its name with its version, the parts of its text put together. */
interface Package {
  readonly name: string;
  body: string;
  readonly worlds: string[];
}

/**
 * Resolves a world.
 *
 * After a failure jco's tools may be of no more use in this process: do what comes after it in another.
 *
 * @param worldName - Null: the only one that the folder's own package has.
 * @throws RingfenceError `RF_WIT_INVALID` with file, line and column of what is wrong where the text has it.
 */
export async function resolveWorld(
  folder: WitFolder,
  worldName: string | null = null,
): Promise<ResolvedWorld> {
  const packages = new Map<string, Package>();
  const own = folderOf(folder.root, packages);
  const root = packages.get(own.name)!;
  const chosen = chooseWorld(root, worldName);
  const files = [...own.files];
  for (const each of folder.deps) files.push(...folderOf(each, packages).files);
  for (const file of witFiles()) {
    const shipped: WitPackage = [{ name: file, text: readFileSync(file, 'utf8') }];
    const known = new Map<string, Package>();
    const { name, files: parsed } = folderOf(shipped, known);
    if (packages.has(name)) continue;
    packages.set(name, known.get(name)!);
    files.push(...parsed);
  }
  const witSource = sourceOf(root, packages);
  const world = await decode(witSource, chosen, files);
  return { world, docs: docsOf(files, world.name), witSource, worldName: chosen };
}

/** Reads the files of one package, and puts it and those nested in it among the packages. */
function folderOf(
  files: WitPackage,
  packages: Map<string, Package>,
): { readonly name: string; readonly files: readonly ParsedFile[] } {
  const name = files
    .map((file) => parseWit(file).parts[0]?.name ?? null)
    .find((each) => each !== null);
  if (name === undefined || name === null) {
    const [first] = files;
    throw witError(
      { file: first?.name ?? '', line: 1, column: 1 },
      `the file has to begin with the package's name, as in 'package my:agent;'.`,
    );
  }
  const parsed = files.map((file) => parseWit(file, name));
  for (const { parts } of parsed) {
    for (const [index, part] of parts.entries()) {
      const partName = index === 0 ? name : (part.name ?? name);
      const known = packages.get(partName);
      if (known === undefined) {
        packages.set(partName, { name: partName, body: part.body, worlds: [...part.worlds] });
      } else {
        known.body += `\n${part.body}`;
        known.worlds.push(...part.worlds);
      }
    }
  }
  return { name, files: parsed };
}

function chooseWorld(root: Package, wanted: string | null): string {
  const list = root.worlds.map((each) => `'${each}'`).join(', ');
  const [only] = root.worlds;
  if (only === undefined) {
    throw noWorld(`The package ${root.name} has no world: add one, as in 'world my-agent { }'.`);
  }
  if (wanted === null) {
    if (root.worlds.length === 1) return only;
    throw noWorld(`The package ${root.name} has several worlds: name one of ${list}.`);
  }
  if (root.worlds.includes(wanted)) return wanted;
  throw noWorld(`The package ${root.name} has no world '${wanted}': name one of ${list}.`);
}

function noWorld(sentence: string): RingfenceError {
  return new RingfenceError('RF_WIT_INVALID', sentence);
}

function sourceOf(root: Package, packages: ReadonlyMap<string, Package>): string {
  const nested = [...packages.values()].filter((each) => each !== root);
  return [
    `package ${root.name};`,
    root.body,
    ...nested.map((each) => `package ${each.name} {\n${each.body}\n}`),
  ].join('\n');
}

async function decode(
  witSource: string,
  world: string,
  files: readonly ParsedFile[],
): Promise<World> {
  // The tools take long to load, and who imports ringfence for its kernel doesn't need them.
  const { componentEmbed } = await import('@bytecodealliance/jco');
  let module: Uint8Array;
  try {
    module = await componentEmbed({ witSource, world, dummy: true, stringEncoding: 'utf16' });
  } catch (error) {
    throw describe(error instanceof Error ? error.message : String(error), files);
  }
  const section = worldSection(module.slice());
  if (section === null) throw new Error(`jco embedded no world '${world}'.`);
  try {
    const decoded = decodeWorld(section);
    requireModestTypes(decoded, files);
    return decoded;
  } catch (error) {
    if (!(error instanceof RingfenceError) || error.code === 'RF_WIT_INVALID') throw error;
    const problem = error.message.replace('The component', `The world '${world}'`);
    throw new RingfenceError('RF_WIT_INVALID', problem.replace(/ \(at byte \d+\)/, ''));
  }
}

/** A type that generators would not get to the end of is told with its place. */
function requireModestTypes(world: World, files: readonly ParsedFile[]): void {
  const large = findLargeType(placesOf(world, new Docs()));
  if (large === null) return;
  const { name, place, problem } = large;
  const sentence = `the type '${name}' ${problem}: make it flatter, or smaller.`;
  const mentions = files.flatMap((file) => file.mentions);
  const mention = placeOfName(name, false, mentions);
  if (mention !== null) throw witError(placeOf(mention.file, mention.offset), sentence);
  throw new RingfenceError('RF_WIT_INVALID', `${place || world.name}: ${sentence}`);
}

/** The tools say what is wrong and not where: the names that they give say it. */
function describe(message: string, files: readonly ParsedFile[]): RingfenceError {
  const [first = ''] = message.replaceAll('`', "'").split(/\. known packages|\n/);
  const missing = /^package '.*' not found$/.test(first) ? ': put its WIT into deps/' : '';
  const keyword = /found keyword '(.*)'$/.exec(first)?.[1];
  const escaped = keyword === undefined ? '' : `: as a name it is written '%${keyword}'`;
  const problem = `${first.replace(/\.$/, '')}${missing}${escaped}`;
  const all = files.flatMap((file) => file.mentions);
  const mentions = keyword === undefined ? all : all.filter((each) => !each.escaped);
  const unknown = /not exist|not found|unknown|undefined/i.test(problem);
  for (const [, name] of problem.matchAll(/'([^']+)'/g)) {
    const mention = placeOfName(name ?? '', unknown, mentions);
    if (mention !== null) return witError(placeOf(mention.file, mention.offset), `${problem}.`);
  }
  return new RingfenceError('RF_WIT_INVALID', `${files[0]?.file.name ?? 'The WIT'}: ${problem}.`);
}

/** Of a name that isn't there its first use; of one that is wrong where it was last defined. */
function placeOfName(name: string, unknown: boolean, mentions: readonly Mention[]): Mention | null {
  const all = mentions.filter((each) => each.name === name);
  const uses = all.filter((each) => !each.defines);
  const definitions = all.filter((each) => each.defines);
  const ordered = unknown ? [...uses, ...definitions] : [...definitions.reverse(), ...uses];
  return ordered[0] ?? null;
}

/** All comments, those of the world itself by its own keys. */
function docsOf(files: readonly ParsedFile[], worldName: string): ReadonlyMap<string, string> {
  const docs = new Map<string, string>();
  for (const file of files) {
    for (const [key, text] of file.docs) {
      docs.set(key, text);
      if (key !== worldName && !key.startsWith(`${worldName}#`)) continue;
      const own = key.slice(worldName.length);
      docs.set(own, text);
      // An interface that stands in the world has no other name than its own.
      const [, inline, ...rest] = own.split('#');
      if (inline !== undefined) docs.set([inline, ...rest].join('#'), text);
    }
  }
  return docs;
}
