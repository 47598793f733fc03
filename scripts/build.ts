/**
 * Builds what is published: JavaScript and type declarations, in dist/ or the folder that is named.
 *
 * What starts a thread or a process becomes one file, and what a program imports a few: Node takes longer to
 * find and link 500 small modules than to run them, and every thread does so again.
 */

import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type OutputChunk, type Plugin, rolldown } from 'rolldown';

const root = fileURLToPath(new URL('..', import.meta.url));
const compiler = fileURLToPath(new URL('../node_modules/typescript/bin/tsc', import.meta.url));

/** What programs import and people start; they share what they have in common. */
const PROGRAM = ['index', 'cli/main', 'kit/index', 'testing/index'];
/** What is started by its file as a thread or a process: each has all that it needs, and shares no file. */
const STARTED = [
  'audit/store/thread',
  'kv/thread',
  'wasm/component/prepare/child',
  'wasm/component/prepare/optimise-child',
  'wasm/component/prepare/plain-child',
  'wasm/component/prepare/symbolize-child',
  'wasm/component/prepare/tool-host',
  'wasm/component/prepare/watchdog',
  'wasm/worker/child/entry',
  'wasm/worker/task',
];
/** Stays as it is: it goes into guests, file by file. */
const GUESTS = join('kit', 'javascript', 'guest');
/**
 * What parts have in common, and what is loaded only when it is used. The key of prepared modules is made of
 * it: cache/key.ts.
 */
const CHUNKS = 'chunks';

/** Stands for the URL of a module as it was before it became a part of a chunk. */
const placeholder = (module: string): string =>
  `__ringfence_module_url__(${JSON.stringify(module)})`;
const PLACEHOLDER = /__ringfence_module_url__\("([^"]+)"\)/g;

const target = resolve(process.argv[2] ?? join(root, 'dist'));

/** Modules find their files by their own place: it stays what it was. */
const places: Plugin = {
  name: 'places',
  transform: (code, id) =>
    code.includes('import.meta.url')
      ? code.replaceAll('import.meta.url', placeholder(slashed(relative(target, id))))
      : null,
};

function slashed(path: string): string {
  return path.split(sep).join('/');
}

async function bundled(names: readonly string[]): Promise<readonly OutputChunk[]> {
  const bundle = await rolldown({
    cwd: target,
    input: Object.fromEntries(names.map((name) => [name, join(target, `${name}.js`)])),
    platform: 'node',
    // Packages stay packages: npm installs them, and can mend them.
    external: (id) => !id.startsWith('.') && !isAbsolute(id),
    plugins: [places],
  });
  const { output } = await bundle.generate({
    format: 'esm',
    chunkFileNames: `${CHUNKS}/[name]-[hash].js`,
  });
  await bundle.close();
  return output.filter((each) => each.type === 'chunk');
}

function write({ fileName, code }: OutputChunk): void {
  const file = join(target, fileName);
  mkdirSync(dirname(file), { recursive: true });
  const here = dirname(fileName);
  writeFileSync(
    file,
    code.replace(PLACEHOLDER, (_, module: string) => {
      const place = slashed(relative(here, module));
      return `new URL(${JSON.stringify(place.startsWith('.') ? place : `./${place}`)}, import.meta.url).href`;
    }),
  );
}

rmSync(target, { recursive: true, force: true });
execFileSync(process.execPath, [compiler, '-p', 'tsconfig.build.json', '--outDir', target], {
  cwd: root,
  stdio: 'inherit',
});
const chunks = await bundled(PROGRAM);
const alone: OutputChunk[] = [];
for (const name of STARTED) alone.push(...(await bundled([name])));
for (const name of readdirSync(target, { recursive: true, encoding: 'utf8' })) {
  if (name.endsWith('.js') && !name.startsWith(GUESTS)) rmSync(join(target, name));
}
for (const chunk of [...chunks, ...alone]) write(chunk);
// What guests are compiled with is read by their compilers, not imported.
for (const folder of ['assemblyscript/runtime', 'assemblyscript/sdk', 'rust/runtime']) {
  cpSync(
    new URL(`../src/kit/${folder}`, import.meta.url),
    join(target, 'kit', ...folder.split('/')),
    { recursive: true },
  );
}
// The declarations name WebAssembly's JavaScript API, which Node's types don't have.
cpSync(new URL('../src/webassembly.d.ts', import.meta.url), join(target, 'webassembly.d.ts'));
