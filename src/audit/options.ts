/** What an audit log is opened with. */

import { KeyObject } from 'node:crypto';
import * as z from 'zod';
import type { Anchor } from './anchors/anchor.ts';

/**
 * When events are on disk: each at once, each within `intervalMs`, or with the next exit of an agent and
 * within a second. What must not happen without its record is on disk before it happens, with all three.
 */
export type Durability = 'event' | 'interval' | 'exit';

/** Ways to open an audit log. */
export interface AuditOptions {
  /** Where the chain is; made where it is not there. */
  readonly directory: string;
  /**
   * The key that signs: a file (`ringfence audit key FILE` makes one; mode 600), PEM, or a private Ed25519
   * key object. Without one the chain is not signed, and proves nothing to who does not have an anchor.
   */
  readonly key?: string | KeyObject;
  /**
   * When events are on disk: what a power cut can take.
   *
   * @default 'interval'
   */
  readonly durability?: Durability;
  /**
   * With durability `interval`: milliseconds until an event is on disk at the latest.
   *
   * @default 10
   */
  readonly intervalMs?: number;
  /**
   * Events from one signature to the next.
   *
   * @default 1000
   */
  readonly checkpointEvents?: number;
  /**
   * Milliseconds until an event is signed at the latest.
   *
   * @default 1000
   */
  readonly checkpointMs?: number;
  /** Where the head is kept outside of the store. */
  readonly anchors?: readonly Anchor[];
  /**
   * Milliseconds from one anchoring to the next.
   *
   * @default 60000
   */
  readonly anchorMs?: number;
  /**
   * How long what events say is kept: after `ageMs`, or where the file has more than `bytes` in use, the
   * oldest is removed but for their hashes, as by `prune`. It is looked at each `everyMs` (60,000). The
   * chain has to have a key.
   *
   * @default all is kept
   */
  readonly retention?: {
    readonly ageMs?: number;
    readonly bytes?: number;
    readonly everyMs?: number;
  };
  /**
   * Bytes that the file may have; when it is full, nothing is done that must be recorded.
   *
   * @default 1 TiB
   */
  readonly maxBytes?: number;
  /** Told what its operator should know: one sentence each. */
  readonly onWarning?: (text: string) => void;
  /**
   * Who writes it, in the first event.
   *
   * @default 'ringfence'
   */
  readonly software?: string;
}

/** Events from one signature to the next, at most. */
export const CHECKPOINT_EVENTS_MAX = 100_000;

/** Events that wait longer are none that were recorded as they happened. */
const DURABILITY_MS_MAX = 60_000;

/** Intervals above this are not what `setTimeout` can wait for. */
const INTERVAL_MS_MAX = 86_400_000;

/** Less than this an empty chain has, more or less. */
const RETENTION_BYTES_MIN = 256 * 1024;

const isFunction = (value: unknown): boolean => typeof value === 'function';

const anchorSchema = z.custom<Anchor>(
  (value) =>
    typeof value === 'object' &&
    value !== null &&
    typeof (value as Anchor).name === 'string' &&
    isFunction((value as Anchor).put),
  'an anchor has a name and a function put: see fileAnchor, httpAnchor, gitAnchor',
);

/** {@link AuditOptions} as callers give them, and their defaults. */
export const auditOptionsSchema = z.strictObject({
  directory: z.string().min(1).max(4096),
  key: z
    .union([
      z.string().min(1).max(4096),
      z.custom<KeyObject>((value) => value instanceof KeyObject, 'no key object'),
    ])
    .optional(),
  durability: z.enum(['event', 'interval', 'exit']).default('interval'),
  intervalMs: z.int().min(1).max(DURABILITY_MS_MAX).default(10),
  checkpointEvents: z.int().min(1).max(CHECKPOINT_EVENTS_MAX).default(1000),
  checkpointMs: z.int().min(10).max(INTERVAL_MS_MAX).default(1000),
  anchors: z.array(anchorSchema).max(16).default([]),
  anchorMs: z.int().min(100).max(INTERVAL_MS_MAX).default(60_000),
  retention: z
    .strictObject({
      ageMs: z.int().min(1).optional(),
      bytes: z.int().min(RETENTION_BYTES_MIN).optional(),
      everyMs: z.int().min(10).max(INTERVAL_MS_MAX).default(60_000),
    })
    .nullable()
    .default(null),
  maxBytes: z
    .int()
    .min(64 * 1024)
    .default(2 ** 40),
  onWarning: z.custom<(text: string) => void>(isFunction, 'no function').default(() => () => {}),
  software: z.string().min(1).max(100).default('ringfence'),
});
