/** Opens the audit log of a program. */

import { type KeyObject, randomBytes } from 'node:crypto';
import { realpathSync } from 'node:fs';
import { RingfenceError } from '../errors.ts';
import { usageError } from '../usage-error.ts';
import { anchorNotes } from './anchors/anchor.ts';
import { readAuditKey, signingKey } from './keys.ts';
import { AuditLog } from './log.ts';
import { type AuditOptions, auditOptionsSchema } from './options.ts';
import { ThreadLink } from './thread-link.ts';

/**
 * Opens the audit log in a directory: goes on with the chain that is there, or begins one.
 *
 * @throws {RingfenceError} `RF_USAGE`, `RF_AUDIT_KEY`, `RF_AUDIT` where another process writes it or the
 * disk does not, `RF_AUDIT_INVALID` where the chain is not what was written, or not what was anchored
 *
 * @example
 * ```ts
 * await using audit = await openAudit({ directory: 'audit', key: 'audit.key' });
 * await audit.recorded({ kind: 'app.event', payload: { name: 'deployed', data: { version: 3 } } });
 * ```
 */
export async function openAudit(options: AuditOptions): Promise<AuditLog> {
  const parsed = auditOptionsSchema.safeParse(options);
  if (!parsed.success) {
    throw usageError('open the audit log', parsed.error);
  }
  const settings = parsed.data;
  const anchors = settings.anchors;
  const keyPath =
    typeof settings.key === 'string' && !settings.key.startsWith('-----BEGIN')
      ? settings.key
      : null;
  const key = keyPath === null ? keyOf(settings.key) : readAuditKey(keyPath);
  if (key === null && settings.retention !== null) {
    throw new RingfenceError(
      'RF_USAGE',
      'Cannot remove events by age or size as the audit chain has no key, and only what is signed may go: give one.',
    );
  }
  const { thread, opened } = await ThreadLink.start({
    directory: settings.directory,
    chain: randomBytes(16).toString('hex'),
    maxBytes: settings.maxBytes,
    checkpointEvents: settings.checkpointEvents,
    checkpointMs: settings.checkpointMs,
    software: settings.software,
    retention: settings.retention,
    key,
    anchored: await anchorNotes(anchors),
  });
  return new AuditLog(thread, opened, {
    directory: settings.directory,
    paths: [settings.directory, ...(keyPath === null ? [] : [keyPath])].map((path) =>
      realpathSync(path),
    ),
    durability: settings.durability,
    intervalMs: settings.intervalMs,
    anchors,
    anchorMs: settings.anchorMs,
    key,
    onWarning: settings.onWarning,
  });
}

/** A key that is there already; null: the chain is not signed. */
function keyOf(key: AuditOptions['key']): KeyObject | null {
  return key === undefined ? null : signingKey(key);
}
