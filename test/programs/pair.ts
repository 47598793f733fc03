/**
 * A program that others wrote, run twice on the same: as a guest in a mounted folder, and natively in
 * a folder of its own.
 */

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { LoadedModule, SpawnOptions } from '../../src/index.ts';
import type { LimitsInput } from '../../src/resource/limits.ts';
import type { Report } from '../../src/supervisor/report.ts';
import type { TestKernel } from '../support/kernel.ts';

const PROGRAMS = new URL('../../guest-examples/build/programs/', import.meta.url);

/** What the build says became of each program. */
export const STATUS_FILE = new URL('status.json', PROGRAMS);

/** What a program left behind when it ended. */
export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** What a guest and its native twin left behind. */
export interface Outcomes {
  readonly guest: Outcome;
  readonly native: Outcome;
}

/** Mounts, as a caller writes them. */
type FilesInput = NonNullable<Extract<SpawnOptions['grants'], { files?: unknown }>['files']>;

/** How a program is run. */
export interface RunOptions {
  readonly stdin?: string | Uint8Array;
  readonly limits?: LimitsInput;
  /** What the guest may reach. @default its folder, as its root, with all modes */
  readonly files?: FilesInput;
  readonly isolation?: SpawnOptions['isolation'];
}

/** A program, as the tests know it. */
export interface Program {
  /** Of the module, and what the program is told is its name. */
  readonly name: string;
  /** The same program, native. */
  readonly native: string;
}

/** All that a program sees of its surroundings; Python is told not to write its caches. */
const ENVIRONMENT = { HOME: '/', TZ: 'UTC', LC_ALL: 'C.UTF-8', PYTHONDONTWRITEBYTECODE: '1' };

/** A file of the workloads beside this one. */
export const workload = (name: string): Buffer =>
  readFileSync(new URL(`workloads/${name}`, import.meta.url));

/** A title for the tests of a program, which tells why they are skipped where they are. */
export const titleOf = (program: Program): string => {
  const why = whyNot(program);
  return why === null ? program.name : `${program.name} (skipped: ${why})`;
};

/** Why a program can't be compared on this machine, in words; null where it can. */
export function whyNot({ name, native }: Program): string | null {
  if (!existsSync(STATUS_FILE)) {
    return 'no program was built; run .ci/programs, or node scripts/build-programs.ts';
  }
  const status = JSON.parse(readFileSync(STATUS_FILE, 'utf8'))[name];
  if (status?.built !== true) {
    return `${name}.wasm was not built: ${status?.why ?? 'unknown to the build'}`;
  }
  if (spawnSync(native, ['--version'], { stdio: 'ignore', input: '' }).error !== undefined) {
    return `there is no native ${native} to compare with`;
  }
  return null;
}

/** Every name below a folder: what it is, and what is in it. */
export function treeOf(folder: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort()) {
    const path = join(folder, name);
    const status = lstatSync(path);
    if (status.isSymbolicLink()) {
      found[name] = `link to ${readlinkSync(path)}`;
    } else if (status.isFile()) {
      const sha256 = createHash('sha256').update(readFileSync(path)).digest('hex');
      found[name] = `${status.size} bytes, ${status.nlink} names, ${sha256}`;
    } else {
      found[name] = status.isDirectory() ? 'folder' : 'something else';
    }
  }
  return found;
}

/** Two folders with the same in them, one for the guest and one for the native program. */
export class Pair {
  readonly program: Program;
  readonly folders: Readonly<Record<'guest' | 'native', string>>;
  readonly #host: TestKernel;
  readonly #module: LoadedModule;
  readonly #base = mkdtempSync(join(tmpdir(), 'ringfence-program-'));

  private constructor(host: TestKernel, module: LoadedModule, program: Program) {
    this.#host = host;
    this.#module = module;
    this.program = program;
    this.folders = { guest: join(this.#base, 'guest'), native: join(this.#base, 'native') };
    mkdirSync(this.folders.guest);
    mkdirSync(this.folders.native);
  }

  /** Loads the program's module, by default the one that was built, and makes the folders. */
  static async of(
    host: TestKernel,
    program: Program,
    module: URL | Uint8Array = new URL(`${program.name}.wasm`, PROGRAMS),
  ): Promise<Pair> {
    return new Pair(host, await host.kernel.load(module), program);
  }

  /** Puts a file into both folders, with a time where one is given. */
  put(path: string, content: string | Uint8Array, modified?: Date): void {
    for (const folder of Object.values(this.folders)) {
      const file = join(folder, path);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, content);
      if (modified !== undefined) {
        utimesSync(file, modified, modified);
      }
    }
  }

  /** Makes a folder in both. */
  folder(path: string): void {
    for (const folder of Object.values(this.folders)) {
      mkdirSync(join(folder, path), { recursive: true });
    }
  }

  /** Runs the program in both folders. */
  async run(args: readonly string[], options: RunOptions = {}): Promise<Outcomes> {
    const native = this.runNative(args, options);
    const { outcome } = await this.runGuest(args, options);
    return { guest: outcome, native };
  }

  /** Runs the guest alone; `report` is what the kernel says about it. */
  async runGuest(
    args: readonly string[],
    options: RunOptions = {},
  ): Promise<{ outcome: Outcome; report: Report }> {
    const { kernel } = this.#host;
    const output: Record<'stdout' | 'stderr', Buffer[]> = { stdout: [], stderr: [] };
    const agent = await kernel.spawn({
      module: this.#module,
      arguments: [this.program.name, ...args],
      environment: ENVIRONMENT,
      grants: {
        files: options.files ?? [
          { host: this.folders.guest, guest: '/', modes: ['read', 'write', 'create'] },
        ],
      },
      stdin: options.stdin ?? '',
      stdout: (chunk) => void output.stdout.push(Buffer.from(chunk)),
      stderr: (chunk) => void output.stderr.push(Buffer.from(chunk)),
      ...(options.limits === undefined ? {} : { limits: options.limits }),
      ...(options.isolation === undefined ? {} : { isolation: options.isolation }),
    });
    const report = await agent.exited;
    const text = (stream: Buffer[]): string => Buffer.concat(stream).toString('latin1');
    const outcome = {
      code: report.exit.code,
      stdout: text(output.stdout),
      stderr: text(output.stderr),
    };
    return { outcome, report };
  }

  /** Runs the native program alone, in its folder or in the guest's. */
  runNative(
    args: readonly string[],
    options: RunOptions & { readonly where?: 'guest' | 'native' } = {},
  ): Outcome {
    const { name, native } = this.program;
    const ended = spawnSync(native, args, {
      argv0: name,
      cwd: this.folders[options.where ?? 'native'],
      env: { ...ENVIRONMENT, PATH: process.env.PATH },
      input: options.stdin ?? '',
      encoding: 'latin1',
      maxBuffer: 64 * 1024 * 1024,
    });
    return { code: ended.status, stdout: ended.stdout, stderr: ended.stderr };
  }

  /** What is in the folders now. */
  trees(): { guest: Record<string, string>; native: Record<string, string> } {
    return { guest: treeOf(this.folders.guest), native: treeOf(this.folders.native) };
  }

  remove(): void {
    rmSync(this.#base, { recursive: true, force: true });
  }
}
