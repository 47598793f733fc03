/** The store of values of a kernel: in a file what is kept by a name, in memory all else. */

import { DatabaseSync } from 'node:sqlite';
import { KvFile } from './file.ts';
import type { KvSettings } from './options.ts';
import type { KvQuota } from './quota.ts';
import type { KvOperation, KvOutcome, KvRequest, RequestOf } from './request.ts';
import { KV_SCHEMA, KvTable } from './table.ts';

/**
 * What a file may have for each byte of its quota, and besides: rows and their index take some dozen bytes, and
 * an owner's name stands in both.
 */
const FILE_FACTOR = 4;
const FILE_BYTES = 16 * 1024 * 1024;

/** By whom something is kept: an owner with a name, or an agentId; no name of either is one of the other. */
export const keptByOwner = (name: string): string => `=${name}`;
export const keptByAgentId = (name: string): string => `@${name}`;

/** Takes what the operator should know. */
type Warn = (text: string) => void;

const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);

/** The values of all agents. */
export class KvStore {
  /** Whether what agents without an owner keep is kept by their agentId. */
  readonly byAgentId: boolean;
  readonly #quota: KvQuota;
  readonly #file: KvFile | null;
  readonly #warn: Warn;
  /** Made when it is first needed: most kernels keep nothing. */
  #memory: KvTable | null = null;

  private constructor(quota: KvQuota, file: KvFile | null, byAgentId: boolean, warn: Warn) {
    this.byAgentId = byAgentId;
    this.#quota = quota;
    this.#file = file;
    this.#warn = warn;
  }

  /** @throws {RingfenceError} `RF_STORE` for a file that can't be opened, or that another kernel has */
  static async open({ path, byAgentId, ...quota }: KvSettings, warn: Warn): Promise<KvStore> {
    const fileMaxBytes = quota.maxBytes * FILE_FACTOR + FILE_BYTES;
    const file = path === undefined ? null : await KvFile.open({ path, quota, fileMaxBytes }, warn);
    return new KvStore(quota, file, byAgentId, warn);
  }

  /** The file that values are kept in; null: they are kept in memory. */
  get path(): string | null {
    return this.#file?.path ?? null;
  }

  /** Does what is asked; `owner` is what {@link keptByOwner} and the like have made, or that of one without a name. */
  async perform<Op extends KvOperation>(request: RequestOf<Op>): Promise<KvOutcome<Op>> {
    // Each operation is answered with an answer of its own.
    return (await this.#perform(request)) as KvOutcome<Op>;
  }

  async #perform(request: KvRequest): Promise<KvOutcome> {
    if (this.#file !== null && /^[=@]/.test(request.owner)) {
      return this.#file.perform(request);
    }
    this.#memory ??= this.#inMemory();
    return this.#inTable(this.#memory, request);
  }

  /** An owner without a name is gone, and will not come back. */
  forget(owner: string): void {
    if (this.#memory !== null) {
      this.#inTable(this.#memory, { op: 'forget', owner });
    }
  }

  /** What was kept in a file is there when this has resolved. */
  async close(): Promise<void> {
    await this.#file?.close();
  }

  #inTable(table: KvTable, request: KvRequest): KvOutcome {
    const failed = (error: unknown): void =>
      this.#warn(`values can not be kept in memory: ${messageOf(error)}`);
    return table.perform([request], failed)[0] as KvOutcome;
  }

  #inMemory(): KvTable {
    const database = new DatabaseSync(':memory:');
    database.exec(KV_SCHEMA);
    return new KvTable(database, this.#quota);
  }
}
