/** Builds what is published: JavaScript and type declarations, in dist/ or the folder that is named. */

import { execFileSync } from 'node:child_process';
import { cpSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const compiler = fileURLToPath(new URL('../node_modules/typescript/bin/tsc', import.meta.url));

const target = resolve(process.argv[2] ?? join(root, 'dist'));

rmSync(target, { recursive: true, force: true });
execFileSync(process.execPath, [compiler, '-p', 'tsconfig.build.json', '--outDir', target], {
  cwd: root,
  stdio: 'inherit',
});
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
