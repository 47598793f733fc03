/** The store of values of a kernel. */

import { DatabaseSync } from 'node:sqlite';
import { KV_QUOTA_DEFAULT, type KvQuota } from './quota.ts';
import type { KvOperation, KvOutcome, KvRequest, RequestOf } from './request.ts';
import { KV_SCHEMA, KvTable } from './table.ts';

/** Keeps values in the host's memory, until it is closed. */
export class KvStore {
  readonly #quota: KvQuota;
  readonly #failed: (error: unknown) => void;
  /** Made when it is first needed: most kernels keep nothing. */
  #memory: KvTable | null = null;

  /** `failed` is told what SQLite throws. */
  constructor(failed: (error: unknown) => void, quota: KvQuota = KV_QUOTA_DEFAULT) {
    this.#failed = failed;
    this.#quota = quota;
  }

  /** Does what is asked. */
  async perform<Op extends KvOperation>(request: RequestOf<Op>): Promise<KvOutcome<Op>> {
    this.#memory ??= this.#inMemory();
    // A table answers each request with the answer of its operation.
    const [outcome] = this.#memory.perform([request as KvRequest], this.#failed) as [KvOutcome<Op>];
    return outcome;
  }

  /** An owner without a name is gone, and will not come back. */
  forget(owner: string): void {
    this.#memory?.perform([{ op: 'forget', owner }], this.#failed);
  }

  #inMemory(): KvTable {
    const database = new DatabaseSync(':memory:');
    database.exec(KV_SCHEMA);
    return new KvTable(database, this.#quota);
  }
}
