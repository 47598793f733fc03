/** PLACEHOLDER of the lead: helper "files" replaces this. */
import type { FilesScope } from '../../../capability/grant.ts';
import type { DiskBudget, FileHost } from './host.ts';

export function openFiles(
  _mounts: readonly { readonly scope: FilesScope; readonly root: number | null }[],
  _budget: DiskBudget,
): FileHost {
  return { preopens: [], perform: () => ({ tag: 'err', val: 'unsupported' }), close: () => {} };
}
