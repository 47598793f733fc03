/**
 * Makes one module of a guest's: its own files, the packages that it imports, `ringfence/javascript`. What
 * stays an import is an interface of its world.
 */

import { readFileSync } from 'node:fs';
import { join, relative, resolve, sep } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type * as Rolldown from 'rolldown';
import { RingfenceError } from '../../errors.ts';
import type { ComponentType } from '../../wasm/component/types.ts';
import { camelCase, isReserved } from '../bindings/naming.ts';
import { packageFolder } from '../build/package-folder.ts';
import type { Engine } from './engines.ts';
import { entryText, exportedName } from './entry-text.ts';
import type { LineMap } from './line-table.ts';

/** What guests import from ringfence, and what goes before them: source here, built files in the package. */
const GUEST_FOLDER = fileURLToPath(new URL('./guest/', import.meta.url));
const EXTENSION = import.meta.url.endsWith('.ts') ? '.ts' : '.js';

/** The name that guests import it by. */
const GUEST_PACKAGE = 'ringfence/javascript';
/** Before names of modules that are no files of the project: a convention of Rollup and Rolldown. */
const VIRTUAL = '\0';
const ENTRY = `${VIRTUAL}ringfence/entry`;
/** Before the name of a function of the world itself, which the small engine has among its globals. */
const WORLD_FUNCTION = `${VIRTUAL}ringfence/world/`;

/** The guest to bundle. */
export interface BundleOptions {
  /** The guest's own file. */
  readonly file: string;
  /** The project's folder: names of files are told from it. */
  readonly base: string;
  readonly world: Pick<ComponentType, 'imports' | 'exports'>;
  /** What the world is called in an error. */
  readonly worldName: string;
  readonly engine: Engine;
}

/** A guest as one module. */
export interface Bundle {
  readonly code: string;
  readonly map: LineMap;
  /** What a source of the map is called: a path from the project's folder, or a module of ringfence's. */
  nameOf(source: string): string;
}

/**
 * Bundles a guest, into the same text wherever the project lies.
 *
 * @throws RingfenceError `RF_MODULE_INVALID` with file, line and column of what is wrong; `RF_COMPILER_MISSING`
 * where the bundler is not installed.
 */
export async function bundleGuest(options: BundleOptions): Promise<Bundle> {
  const { base } = options;
  const entry = join(packageFolder('rolldown', base), 'dist', 'index.mjs');
  const { rolldown } = (await import(pathToFileURL(entry).href)) as typeof Rolldown;
  const unresolved: string[] = [];
  try {
    const bundle = await rolldown({
      cwd: base,
      input: ENTRY,
      // Neither a browser's nor Node's: what a package has for one of these need not work in an agent.
      platform: 'neutral',
      resolve: { mainFields: ['module', 'main'] },
      plugins: [worldPlugin(options)],
      onLog(_level, { code, message }) {
        // Rolldown would leave an import that it can't find to the engine, which has no files.
        if (code === 'UNRESOLVED_IMPORT') unresolved.push(message);
      },
    });
    const { output } = await bundle.generate({
      format: 'esm',
      sourcemap: 'hidden',
      codeSplitting: false,
      file: join(base, 'bundle.js'),
    });
    await bundle.close();
    const [first] = unresolved;
    if (first !== undefined) throw new Error(first);
    const [{ code, map, imports }] = output;
    requireImports(imports, options);
    if (map === null) throw new Error('Rolldown made no source map.');
    return { code, map, nameOf: (source) => nameOf(source, base) };
  } catch (error) {
    throw describe(error, options);
  }
}

/** Rolldown gives sources as paths from the bundle's, which has the project's folder. */
function nameOf(source: string, base: string): string {
  const virtual = source.indexOf(VIRTUAL);
  if (virtual !== -1) return source.slice(virtual + VIRTUAL.length);
  return relative(base, resolve(base, source)).split(sep).join('/');
}

/** Resolves what is no file of the project, and says what can't be. */
function worldPlugin(options: BundleOptions): Rolldown.Plugin {
  const { file, world, engine } = options;
  const hasLog = interfaceName('ringfence:agent/log', world.imports) !== null;
  const chosen: Readonly<Record<string, string>> = {
    [GUEST_PACKAGE]: 'index',
    [`${GUEST_PACKAGE}/engine`]: engine,
    [`${GUEST_PACKAGE}/sink`]: hasLog ? 'sink-log' : 'sink-stderr',
  };
  const folder = `${VIRTUAL}${GUEST_PACKAGE}/`;
  return {
    name: 'ringfence',
    resolveId(source, importer) {
      if (source === ENTRY || source === `${folder}globals`) return source;
      const own = chosen[source];
      if (own !== undefined) return `${folder}${own}`;
      if (importer?.startsWith(folder) && source.startsWith('./')) {
        return `${folder}${source.slice(2).replace(/\.[jt]s$/, '')}`;
      }
      if (engine === 'quickjs' && world.imports.get(source)?.kind === 'func') {
        return `${WORLD_FUNCTION}${source}`;
      }
      const name = interfaceName(source, world.imports);
      if (name !== null) return { id: name, external: true, moduleSideEffects: false };
      // Of what ringfence/javascript imports that much is looked for as the guest uses.
      if (importer?.startsWith(folder))
        return { id: source, external: true, moduleSideEffects: false };
      if (!/^[a-z][a-z\d-]*:/.test(source)) return null;
      throw new RingfenceError(
        'RF_MODULE_INVALID',
        `${placeOfImport(source, importer, options)}: ${whyNotImported(source, options)}`,
      );
    },
    load(id) {
      if (id === ENTRY) return entryText(world.exports, file, `${folder}globals`);
      if (id.startsWith(WORLD_FUNCTION)) {
        const name = camelCase(id.slice(WORLD_FUNCTION.length));
        return `export default globalThis[${JSON.stringify(name)}];`;
      }
      if (!id.startsWith(folder)) return null;
      const path = join(GUEST_FOLDER, `${id.slice(folder.length)}${EXTENSION}`);
      const moduleType = EXTENSION === '.ts' ? 'ts' : 'js';
      const moduleSideEffects = !UNUSED_IS_LEFT_OUT.test(id);
      return { code: readFileSync(path, 'utf8'), moduleType, moduleSideEffects };
    },
  };
}

/** Modules of ringfence's that do nothing by themselves. */
const UNUSED_IS_LEFT_OUT =
  /\/(agent|capabilities|errors|index|log|mailbox|payload|processes|timers|tools)$/;

/** What is used of ringfence/javascript has to be in the world. */
function requireImports(
  names: readonly string[],
  { file, base, world, worldName }: BundleOptions,
): void {
  const missing = names.find((name) => !world.imports.has(name));
  if (missing === undefined) return;
  throw new RingfenceError(
    'RF_MODULE_INVALID',
    `${nameOf(file, base)}: it uses '${missing}' by ${GUEST_PACKAGE}, which the world '${worldName}' does not import: add it in the WIT.`,
  );
}

/** The world's own name of what a guest imports, with or without its version; null: it does not import it. */
function interfaceName(source: string, imports: ComponentType['imports']): string | null {
  for (const [name, { kind }] of imports) {
    if (kind === 'type') continue;
    if (name === source || name.replace(/@.*/, '') === source) return name;
  }
  return null;
}

/** Names that a sentence lists. */
const NAMES_MAX = 8;

function whyNotImported(source: string, { world, worldName }: BundleOptions): string {
  if (source.startsWith('node:')) {
    return `'${source}' is a module of Node's, which no agent has: import what the world '${worldName}' imports.`;
  }
  const names = [...world.imports].flatMap(([name, { kind }]) =>
    kind === 'instance' ? [name] : [],
  );
  const near = names.filter((name) => name.startsWith(source.replace(/\/.*/, '/')));
  const list = (near.length > 0 ? near : names).slice(0, NAMES_MAX).join(', ');
  return `the world '${worldName}' does not import '${source}': add it in the WIT, or use one of ${list}.`;
}

/** Where a file imports something, as `file:line:column`: the bundler's plugins are not told. */
function placeOfImport(
  source: string,
  importer: string | undefined,
  { base, file }: BundleOptions,
): string {
  if (importer === undefined || importer.startsWith(VIRTUAL)) return nameOf(file, base);
  const name = nameOf(importer, base);
  const text = readFileSync(importer, 'utf8');
  const offset = ["'", '"', '`']
    .map((quote) => text.indexOf(`${quote}${source}${quote}`))
    .find((each) => each !== -1);
  if (offset === undefined) return name;
  const before = text.slice(0, offset).split('\n');
  return `${name}:${before.length}:${(before.at(-1)?.length ?? 0) + 1}`;
}

/** The first thing that is wrong, as `file:line:column: sentence`. */
function describe(error: unknown, options: BundleOptions): unknown {
  const first = (error as { errors?: readonly unknown[] }).errors?.[0] ?? error;
  const own = ownProblem(first);
  if (own !== null) return own;
  const message = first instanceof Error ? first.message : String(first);
  const missing = /"([^"]+)" is not exported by "([^"]+)"/.exec(message);
  if (missing !== null && message.includes('ringfence/entry')) {
    return new RingfenceError('RF_MODULE_INVALID', notExported(missing[1] ?? '', options));
  }
  const said = /\[[A-Z_]+\] (.*)/.exec(message)?.[1];
  if (said === undefined) return error;
  const place = /╭─\[ (.*?:\d+:\d+) \]/.exec(message)?.[1];
  const sentence = said.replace(/ in [^\s]+$/, '').replace(/\.$/, '');
  const todo = message.includes('[UNRESOLVED_IMPORT]')
    ? ': install its package, or name a file of the project'
    : '';
  return new RingfenceError(
    'RF_MODULE_INVALID',
    `${place === undefined ? nameOf(options.file, options.base) : place}: ${sentence}${todo}.`,
    {},
    { cause: error },
  );
}

/** What this file threw; the bundler writes a code of its own into what a plugin throws. */
function ownProblem(error: unknown): RingfenceError | null {
  if (!(error instanceof RingfenceError)) return null;
  return error.code === 'RF_MODULE_INVALID'
    ? error
    : new RingfenceError('RF_MODULE_INVALID', error.message);
}

function notExported(name: string, { file, base, world, worldName }: BundleOptions): string {
  const found = [...world.exports].find(([each]) => exportedName(each) === name);
  const isFunction = found?.[1].kind === 'func';
  const declaration = isFunction ? `function ${name}() { … }` : `const ${name} = { … }`;
  const example = isReserved(name) ? `export { yours as ${name} }` : `export ${declaration}`;
  return `${nameOf(file, base)}: it does not export '${name}', which the world '${worldName}' exports: write '${example}'.`;
}
