/** Writes src/wasm/host/generated from wit/ and jco's WASI texts: `node scripts/generate-bindings.ts`. */

import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { hostBindings } from '../src/kit/bindings/host-bindings.ts';

const root = new URL('../', import.meta.url);
const target = new URL('src/wasm/host/generated/', root);

const files = await hostBindings({
  agentWit: new URL('wit/agent.wit', root),
  wasiFolder: new URL('node_modules/@bytecodealliance/jco/lib/wit/builtin/', root),
  draftsFolder: new URL('wit/deps/', root),
});
await mkdir(target, { recursive: true });
for (const name of await readdir(target)) {
  if (!files.has(name)) {
    await rm(new URL(name, target));
  }
}
for (const [name, text] of files) {
  await writeFile(new URL(name, target), text);
}
console.log(`${files.size} files in src/wasm/host/generated.`);
