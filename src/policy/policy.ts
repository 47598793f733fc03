/** A policy: what each module may do and use up, as a file says. */

import { realpathSync } from 'node:fs';
import { relative, resolve, sep } from 'node:path';
import type { Isolation } from '../backend/backend.ts';
import type { GrantSpec } from '../capability/grant.ts';
import { type GrantsInput, parseGrants } from '../capability/input.ts';
import { RingfenceError } from '../errors.ts';
import type { KvOptions } from '../kv/options.ts';
import { type Limits, parseLimits } from '../resource/limits.ts';
import type { ExecInput } from '../tools/catalogue/exec-command.ts';
import { type Features, featuresNamed } from '../wasm/metering/features.ts';
import { toKv } from './kv.ts';
import { type PolicyMcpServer, type ToolNaming, toMcpServers } from './mcp.ts';
import type { Entry, ParsedPolicy } from './parse-policy.ts';
import { fitsPath } from './pattern.ts';
import { PolicyError, type PolicyProblem } from './problem.ts';
import type { Restart } from './schema.ts';

/** A module, as a policy sees it. */
export interface ModuleIdentity {
  /** Its file; null: it has none, and only a digest names it. */
  readonly path: string | null;
  /**
   * Where the file is that was read, without links, as `Kernel.load` tells it; null: it has no path.
   * Absent, it is found out now, when the path can lead to another file than the one that was read.
   */
  readonly realPath?: string | null;
  /** Its SHA-256, hexadecimal. */
  readonly digest: string;
}

/** What a module's agents get. */
export interface Decision {
  /** As {@link parseGrants} answers them; directories are absolute. */
  readonly grants: readonly GrantSpec[];
  readonly limits: Limits;
  readonly isolation: Isolation;
  /** What it may use of the features that have to be allowed. */
  readonly features: Features;
  readonly restart: Restart;
  readonly environment: Readonly<Record<string, string>>;
  /** What it reads as `wasi:config`. */
  readonly config: Readonly<Record<string, string>>;
  /** What it is as a tool of an MCP server; null: nothing is said of it. */
  readonly tool: ToolNaming | null;
  /** The entry that it comes from; null: there is none, it is the defaults. */
  readonly entry: { readonly line: number } | null;
}

/** The ways in which an entry can be for a module; a surer one beats the others. */
const RANKS: readonly ((entry: Entry) => boolean)[] = [
  ({ digest }) => digest !== null,
  ({ match }) => match?.isExact === true,
  ({ match }) => match?.isExact === false,
];

/** A relative directory of the host is relative to the policy file's. */
function withDirectories(grants: GrantsInput, directory: string): GrantsInput {
  return {
    ...grants,
    ...(grants.files == null
      ? {}
      : {
          files: grants.files.map((mount) =>
            'host' in mount ? { ...mount, host: resolve(directory, mount.host) } : mount,
          ),
        }),
  };
}

/** Where a module is, whatever links its name is made of: that decides which entry is for it. */
function realPath(path: string): string {
  try {
    return realpathSync.native(path);
  } catch (error) {
    const code = String((error as { code?: unknown }).code);
    throw new RingfenceError(
      'RF_FILE',
      `Cannot tell what the policy says of ${JSON.stringify(path)} as there is no such file to look at (${code}): check the path.`,
      { path },
    );
  }
}

const inSlashes = (path: string): string => (sep === '/' ? path : path.replaceAll(sep, '/'));

/** A policy that was read. @see {@link loadPolicy} */
export class Policy {
  /** The file, as it was named. */
  readonly path: string;
  /** SHA-256 of the file, hexadecimal. */
  readonly digest: string;
  /** What whoever wrote it should know. */
  readonly warnings: readonly PolicyProblem[];
  /** How many entries it has. */
  readonly entries: number;
  /** Commands that it offers as tools called `exec.NAME`, for {@link openKernel}. */
  readonly exec: ExecInput;
  /** Where values of agents are kept, for {@link openKernel}; null: it says nothing of that. */
  readonly kv: KvOptions | null;
  /** MCP servers whose tools it offers, for {@link Kernel.offerMcp}. */
  readonly mcp: readonly PolicyMcpServer[];
  readonly #directory: string;
  readonly #parsed: ParsedPolicy;

  /** Use {@link loadPolicy}. `directory` is the file's, absolute and without links. */
  constructor(path: string, directory: string, parsed: ParsedPolicy, digest: string) {
    this.path = path;
    this.digest = digest;
    this.warnings = parsed.warnings;
    this.entries = parsed.entries.length;
    this.exec = parsed.exec;
    this.kv = parsed.kv === null ? null : toKv(parsed.kv, directory);
    this.mcp = toMcpServers(parsed.mcp, directory);
    this.#directory = directory;
    this.#parsed = parsed;
  }

  /**
   * Decides what a module gets: what the entry for it says, and where it says nothing the defaults.
   *
   * An entry with its digest comes before one with its path, and that before one with a pattern.
   *
   * @throws {RingfenceError} `RF_MODULE_REFUSED` where no entry is for it and the policy does not say
   * `unmatched = "run"`; `RF_POLICY` where two entries are, equally; `RF_FILE` for a path that leads
   * nowhere
   */
  decide(module: ModuleIdentity): Decision {
    const entry = this.#entryFor(module);
    const { defaults, unmatched } = this.#parsed;
    if (entry === null && unmatched === 'refuse') {
      throw new RingfenceError(
        'RF_MODULE_REFUSED',
        `Cannot run the module as no entry of the policy ${this.path} is for it: add one with its path, or with digest = "sha256:${digestOf(module)}".`,
        { file: this.path },
      );
    }
    const own = entry?.settings;
    const grants = { ...defaults.grants, ...own?.grants };
    return {
      grants: parseGrants(withDirectories(grants, this.#directory)),
      limits: parseLimits({ ...defaults.limits, ...own?.limits }),
      isolation: own?.isolation ?? defaults.isolation ?? 'shared',
      features: featuresNamed(own?.features ?? defaults.features ?? []),
      restart: own?.restart ?? defaults.restart ?? 'temporary',
      environment: { ...defaults.environment, ...own?.environment },
      config: { ...defaults.config, ...own?.config },
      tool: entry?.tool ?? null,
      entry: entry && { line: entry.line },
    };
  }

  #entryFor(module: ModuleIdentity): Entry | null {
    const digest = `sha256:${digestOf(module)}`;
    const { path, realPath: known } = module;
    const absolute = known !== undefined ? known : path === null ? null : realPath(path);
    const fromHere = absolute === null ? null : relative(this.#directory, absolute);
    const fitting = this.#parsed.entries.filter((entry) =>
      entry.match === null
        ? entry.digest === digest
        : absolute !== null &&
          fromHere !== null &&
          fitsPath(entry.match, inSlashes(absolute), inSlashes(fromHere)),
    );
    for (const isOfRank of RANKS) {
      const [first, second] = fitting.filter(isOfRank);
      if (first !== undefined && second !== undefined) {
        const message = `the entries in lines ${first.line} and ${second.line} are both for this module: name its path or digest in one, or make the patterns differ`;
        throw new PolicyError(this.path, [{ line: second.line, column: 1, message }]);
      }
      if (first !== undefined) {
        return first;
      }
    }
    return null;
  }
}

/** The digest without its algorithm's name. */
function digestOf({ digest }: ModuleIdentity): string {
  return digest.replace(/^sha256:/, '');
}
