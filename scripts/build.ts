/** Builds what is published: JavaScript and type declarations in dist/. */

import { execFileSync } from 'node:child_process';
import { cpSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const compiler = fileURLToPath(new URL('../node_modules/typescript/bin/tsc', import.meta.url));

rmSync(new URL('../dist', import.meta.url), { recursive: true, force: true });
execFileSync(process.execPath, [compiler, '-p', 'tsconfig.build.json'], {
  cwd: root,
  stdio: 'inherit',
});
// What guests are compiled with is read by their compilers, not imported.
for (const folder of ['assemblyscript/runtime', 'assemblyscript/sdk', 'rust/runtime']) {
  cpSync(
    new URL(`../src/kit/${folder}`, import.meta.url),
    new URL(`../dist/kit/${folder}`, import.meta.url),
    { recursive: true },
  );
}
// The declarations name WebAssembly's JavaScript API, which Node's types don't have.
cpSync(
  new URL('../src/webassembly.d.ts', import.meta.url),
  new URL('../dist/webassembly.d.ts', import.meta.url),
);
