/**
 * Sources of Debian's packages, as the authors released them (without Debian's patches).
 *
 * apt works on folders and lists of its own, so that neither root nor a change of the machine's lists
 * is needed. It verifies what it gets by Debian's signatures.
 */

import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { command, Unavailable } from './command.ts';

/** A source package that was unpacked. */
export interface Source {
  readonly folder: string;
  /** The authors' version, such as `3.40.1`. */
  readonly version: string;
}

const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';

/** A line for each of Debian's repositories that this machine uses, of sources. */
const SOURCE_LINE = `deb-src [signed-by=${KEYRING}] $(REPO_URI) $(RELEASE) $(COMPONENT)`;

/** The registry may be slow; it may not hold up everything. */
const DOWNLOAD_DEADLINE_MS = 120_000;

/** Debian's source packages, kept below one folder. */
export class DebianSources {
  readonly #folder: string;
  #configured: Promise<string> | undefined;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /**
   * Gets and unpacks a source package.
   *
   * @throws {Unavailable} where there is no apt, or Debian can't be reached.
   */
  async get(name: string): Promise<Source> {
    this.#configured ??= this.#configure();
    const configuration = await this.#configured;
    const download = join(this.#folder, 'downloads', name);
    rmSync(download, { recursive: true, force: true });
    mkdirSync(download, { recursive: true });
    await this.#apt(configuration, ['source', '--download-only', name], download);
    const archive = readdirSync(download).find((file) => /\.orig\.tar\.[a-z0-9]+$/.test(file));
    const version = archive?.match(/_([^_]+)\.orig\.tar\./)?.[1];
    if (archive === undefined || version === undefined) {
      throw new Error(`Debian's source package ${name} has no archive of the authors`);
    }
    const folder = join(this.#folder, name);
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder);
    await command('tar', [
      '-xf',
      join(download, archive),
      '-C',
      folder,
      '--strip-components=1',
      '--no-same-owner',
    ]);
    return { folder, version };
  }

  /** Writes apt's configuration and fetches the lists of sources; answers the configuration's path. */
  async #configure(): Promise<string> {
    const base = join(this.#folder, 'apt');
    for (const folder of ['state/lists/partial', 'cache/archives/partial']) {
      mkdirSync(join(base, folder), { recursive: true });
    }
    const lines = await command('apt-get', [
      'indextargets',
      '--format',
      SOURCE_LINE,
      'Created-By: Packages',
      'Origin: Debian',
    ]);
    if (lines.trim() === '') {
      throw new Unavailable("Debian's package lists aren't here (apt-get update, as root)");
    }
    const configuration = join(base, 'configuration');
    writeFileSync(join(base, 'sources.list'), lines);
    writeFileSync(join(base, 'status'), '');
    writeFileSync(
      configuration,
      `Dir::State "${base}/state";
Dir::State::status "${base}/status";
Dir::Cache "${base}/cache";
Dir::Etc::sourcelist "${base}/sources.list";
Dir::Etc::sourceparts "-";
APT::Sandbox::User "root";
Acquire::Languages "none";
`,
    );
    await this.#apt(configuration, ['update', '--error-on=any'], base);
    return configuration;
  }

  async #apt(configuration: string, args: readonly string[], cwd: string): Promise<void> {
    try {
      await command('apt-get', ['-qq', ...args], {
        cwd,
        environment: { APT_CONFIG: configuration },
        deadlineMs: DOWNLOAD_DEADLINE_MS,
      });
    } catch (error) {
      throw new Unavailable(`Debian's sources can't be had: ${(error as Error).message}`);
    }
  }
}
