/** The options of a run that is recorded in an audit chain. */

import type { Option } from 'commander';
import type { AuditOptions } from '../index.ts';
import { RUN_GROUPS } from './help-text.ts';
import { option, usage } from './option.ts';

/** Where a run is recorded. */
export interface AuditChoice {
  readonly options: AuditOptions;
  /** The file that its receipt is written to; null: none. */
  readonly receipt: string | null;
}

/** The values of the options, as the library keeps them. */
export interface AuditChoiceOptions {
  readonly audit?: string;
  readonly auditKey?: string;
  readonly receipt?: string;
}

export function auditChoiceOptions(): Option[] {
  const group = RUN_GROUPS.run;
  return [
    option('--audit', ' DIR', 'record the run in the audit chain of this directory', group),
    option(
      '--audit-key',
      ' FILE',
      "the key that signs it: 'ringfence audit key FILE' makes one",
      group,
    ),
    option('--receipt', ' FILE', 'write a signed receipt of the run', group),
  ];
}

/** @throws {RingfenceError} `RF_USAGE` for an option without those that it needs */
export function readAuditChoice({
  audit: directory,
  auditKey: key,
  receipt,
}: AuditChoiceOptions): AuditChoice | null {
  if (directory === undefined) {
    if (key !== undefined || receipt !== undefined) {
      throw usage(
        `Cannot use --${key === undefined ? 'receipt' : 'audit-key'} without a chain: name its directory by --audit.`,
      );
    }
    return null;
  }
  if (receipt !== undefined && key === undefined) {
    throw usage('Cannot write a receipt that nobody has signed: give the key by --audit-key.');
  }
  return {
    options: { directory, ...(key !== undefined && { key }) },
    receipt: receipt ?? null,
  };
}
