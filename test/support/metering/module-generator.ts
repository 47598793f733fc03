/** Random valid modules from binaryen's generator (`wasm-opt --translate-to-fuzz`), the same for the same seed. */

import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compileFunction } from 'node:vm';

/** What ringfence runs: without this list the generator uses what no engine has yet. */
const BASE = [
  '--enable-exception-handling',
  '--enable-simd',
  '--enable-bulk-memory',
  '--enable-bulk-memory-opt',
  '--enable-reference-types',
  '--enable-multivalue',
  '--enable-tail-call',
  '--enable-sign-ext',
  '--enable-nontrapping-float-to-int',
  '--enable-mutable-globals',
  '--enable-extended-const',
];

/** Proposals that a generated module may use besides. */
export const PROPOSALS = ['multimemory', 'memory64', 'gc', 'relaxed-simd'] as const;
export type Proposal = (typeof PROPOSALS)[number];

/** Bytes that look random and are the same for the same seed. */
export function seedBytes(seed: string, size: number): Uint8Array {
  const bytes = Buffer.alloc(size);
  for (let offset = 0, block = 0; offset < size; block++, offset += 32) {
    createHash('sha256').update(`${seed}:${block}`).digest().copy(bytes, offset);
  }
  return bytes;
}

type Tool = (
  module: object,
  webAssembly: object,
  fakeProcess: object,
  require: NodeJS.Require,
  filename: string,
  directory: string,
) => void;

/** Runs `wasm-opt` again and again in this process: to start it each time takes half a second. */
export class ModuleGenerator {
  readonly #directory = mkdtempSync(join(tmpdir(), 'ringfence-generator-'));
  readonly #tool: Tool;
  readonly #path: string;
  readonly #require: NodeJS.Require;
  #compiled: WebAssembly.Module | null = null;

  constructor() {
    this.#require = createRequire(import.meta.url);
    const binaryen = this.#require.resolve('binaryen');
    this.#path = join(binaryen, '..', 'bin', 'wasm-opt');
    const source = readFileSync(this.#path, 'utf8').replace(/^#!.*\n/, '');
    this.#tool = compileFunction(source, [
      'Module',
      'WebAssembly',
      'process',
      'require',
      '__filename',
      '__dirname',
    ]) as Tool;
  }

  /** A module made of `size` bytes of seed, with only the form of exceptions that engines still add to. */
  async generate(
    seed: string,
    size: number,
    proposals: readonly Proposal[] = [],
  ): Promise<Uint8Array<ArrayBuffer>> {
    const features = [...BASE, ...proposals.map((proposal) => `--enable-${proposal}`)];
    const input = join(this.#directory, 'seed');
    const output = join(this.#directory, 'module.wasm');
    writeFileSync(input, seedBytes(seed, size));
    await this.#run([input, '--translate-to-fuzz', ...features, '-q', '-o', output]);
    const translate = ['--translate-to-exnref', '--denan'];
    await this.#run([output, ...translate, ...features, '-q', '-o', output]);
    return new Uint8Array(readFileSync(output));
  }

  #run(parameters: readonly string[]): Promise<void> {
    return new Promise((resolve, reject) => {
      const compiled = this.#compiled;
      const remember = (module: WebAssembly.Module) => {
        this.#compiled = module;
      };
      const webAssembly = Object.create(WebAssembly, {
        instantiate: {
          value: async (binary: Uint8Array<ArrayBuffer>, imports: WebAssembly.Imports) => {
            const module = await WebAssembly.compile(binary);
            remember(module);
            return { module, instance: await WebAssembly.instantiate(module, imports) };
          },
        },
      });
      let output = '';
      const module = {
        printErr: (text: string) => {
          output += `${text}\n`;
        },
        ...(compiled && {
          instantiateWasm: (
            imports: WebAssembly.Imports,
            use: (instance: WebAssembly.Instance) => void,
          ) => use(new WebAssembly.Instance(compiled, imports)),
        }),
      };
      const fakeProcess = Object.create(process, {
        argv: { value: ['node', this.#path, ...parameters] },
        exit: { value: () => {} },
        exitCode: {
          set: (status: number) => {
            if (status === 0) resolve();
            else reject(new Error(`wasm-opt ended with ${status}: ${output}`));
          },
        },
        on: { value: () => {} },
      });
      const directory = join(this.#path, '..');
      this.#tool(module, webAssembly, fakeProcess, this.#require, this.#path, directory);
    });
  }

  [Symbol.dispose](): void {
    rmSync(this.#directory, { recursive: true, force: true });
  }
}
