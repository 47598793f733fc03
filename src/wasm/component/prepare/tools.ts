/** Loads jco's tools for the child process, with a host of ours that shows them nothing. */

import { readFileSync } from 'node:fs';
import { createRequire, registerHooks } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** What is used of jco's tools. They are WebAssembly: a call that failed leaves them unusable. */
export interface ComponentTools {
  /** The WIT of a component, or an error where its structure, links or types are wrong. */
  componentWit(bytes: Uint8Array): Promise<string>;
  /** A module with a world added to it, as a custom section at its end. */
  componentEmbed(options: {
    readonly binary: Uint8Array;
    readonly witSource: string;
    readonly world: string;
  }): Promise<Uint8Array>;
  /** A component of a core module and its adapters. */
  componentNew(bytes: Uint8Array, adapters: [string, Uint8Array][]): Promise<Uint8Array>;
}

const SHIM = '@bytecodealliance/preview2-shim/';

/** The file of jco that import resolves to; the others are found from there. */
function jcoFile(): string {
  return createRequire(import.meta.url).resolve('@bytecodealliance/jco');
}

/** The version of jco that is installed. */
export function jcoVersion(): string {
  const manifest: unknown = JSON.parse(
    readFileSync(fileURLToPath(new URL('../package.json', pathToFileURL(jcoFile()))), 'utf8'),
  );
  if (typeof manifest === 'object' && manifest !== null && 'version' in manifest) {
    return String(manifest.version);
  }
  throw new Error("jco's package.json names no version");
}

/** The component that adapts wasip1 commands, as jco ships it. */
export function commandAdapter(): Uint8Array {
  const url = new URL('../lib/wasi_snapshot_preview1.command.wasm', pathToFileURL(jcoFile()));
  return new Uint8Array(readFileSync(url));
}

/** Loads the tools. To be called once, in a process that does nothing else. */
export async function loadTools(): Promise<ComponentTools> {
  const host = new URL(
    import.meta.url.endsWith('.ts') ? './tool-host.ts' : './tool-host.js',
    import.meta.url,
  ).href;
  registerHooks({
    resolve: (specifier, context, next) =>
      specifier.startsWith(SHIM) ? { url: host, shortCircuit: true } : next(specifier, context),
  });
  // The small package behind jco has the tools alone; jco's own entry would load its bundler as well.
  const tools = createRequire(jcoFile()).resolve('@bytecodealliance/jco-transpile/wasm-tools');
  return (await import(pathToFileURL(tools).href)) as ComponentTools;
}
