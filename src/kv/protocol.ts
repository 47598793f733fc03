/** What the program's thread and the one that writes a file of values say to each other. */

import type { KvQuota } from './quota.ts';
import type { KvOutcome, KvRequest } from './request.ts';

/** How the thread is started. */
export interface ThreadSettings {
  readonly path: string;
  readonly quota: KvQuota;
  /** Bytes that the file may have, whatever the quota: what SQLite needs besides is not counted there. */
  readonly fileMaxBytes: number;
}

/** To the thread. */
export type ToThread =
  | { readonly tag: 'ask'; readonly id: number; readonly request: KvRequest }
  | { readonly tag: 'close' };

/** From the thread. */
export type FromThread =
  | { readonly tag: 'open' }
  | { readonly tag: 'failed to open'; readonly why: string }
  | { readonly tag: 'answers'; readonly answers: readonly (readonly [number, KvOutcome])[] }
  /** Nothing can be written (null: again it can), to be read after "as". */
  | { readonly tag: 'failing'; readonly why: string | null };
