/** What is asked of a store of values, and what it answers: plain data, which passes between threads. */

/** A value as it is kept. */
export interface Entry {
  /** No other value had it or will have it, of whatever key and owner. */
  readonly version: number;
  /** Null: it was not asked for. */
  readonly value: Uint8Array | null;
}

interface Asked {
  readonly owner: string;
}

interface AskedOfKey extends Asked {
  readonly key: string;
}

/** What can be asked. */
export type KvRequest =
  | (AskedOfKey & { readonly op: 'get'; readonly withValue: boolean })
  | (AskedOfKey & { readonly op: 'set'; readonly value: Uint8Array })
  | (AskedOfKey & {
      readonly op: 'swap';
      readonly value: Uint8Array;
      /** The version that is there still; 0: nothing is. */
      readonly expected: number;
    })
  | (AskedOfKey & { readonly op: 'delete' })
  | (AskedOfKey & { readonly op: 'increment'; readonly delta: bigint })
  | (Asked & {
      readonly op: 'list';
      readonly prefix: string;
      /** Keys that come behind this one, whether it is there or not; null: from the first on. */
      readonly after: string | null;
      readonly limit: number;
    })
  | (Asked & { readonly op: 'forget' });

/** Names of what can be asked. */
export type KvOperation = KvRequest['op'];

/** The request of an operation. */
export type RequestOf<Op extends KvOperation> = Extract<KvRequest, { readonly op: Op }>;

/** What each is answered with. */
export interface KvAnswers {
  /** Null: nothing is kept under the key. */
  readonly get: Entry | null;
  /** The new version. */
  readonly set: number;
  /** The version that is there now, 0 for none: the new one where it was done. */
  readonly swap: { readonly isDone: boolean; readonly version: number };
  /** Whether there was one. */
  readonly delete: boolean;
  /** The sum. */
  readonly increment: bigint;
  /** In the order of their bytes in UTF-8. */
  readonly list: { readonly keys: readonly string[]; readonly more: boolean };
  readonly forget: null;
}

/** Why something was not done; nothing has changed then. */
export type KvProblem =
  /** The owner has as many keys or bytes as it may. */
  | 'owner full'
  /** All owners together have. */
  | 'store full'
  /** What is kept under the key is no whole number of 64 bits, written in decimal. */
  | 'no number'
  /** The sum is none. */
  | 'overflow'
  /** The disk does not take it. */
  | 'unwritable';

/** How it came out. */
export type KvOutcome<Op extends KvOperation = KvOperation> =
  | { readonly tag: 'ok'; readonly val: KvAnswers[Op] }
  | { readonly tag: 'err'; readonly why: KvProblem };
