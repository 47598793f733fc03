/** The directories of an agent inside its worker: its mounts, and its limit of disk. */

import type { HeldGrant } from '../../capability/held.ts';
import { ACCOUNT } from '../../resource/quota-accounts.ts';
import { openFiles } from '../host/files/engine.ts';
import type { DiskBudget, FileHost } from '../host/files/host.ts';
import type { SyncQueue } from '../host/files/sync-queue.ts';
import type { FileOwner } from './parts.ts';
import type { Mount } from './protocol.ts';

/** Bytes that an agent has added to its directories, within its limit. */
function diskBudget(owner: FileOwner): DiskBudget {
  const { limits, block } = owner;
  let used = 0;
  return {
    take(bytes) {
      block.setDiskBytes(used + bytes);
      if (limits.diskBytes !== 0 && used + bytes + block.toolDiskBytes > limits.diskBytes) {
        block.setDiskBytes(used);
        return false;
      }
      used += bytes;
      owner.noteDisk(used);
      return true;
    },
    give(bytes) {
      used -= bytes;
      block.setDiskBytes(used);
    },
  };
}

/** Most agents have none. */
const NO_FILES: FileHost = openFiles([], { take: () => false, give: () => {} });

/** Opens the directories that are mounted for an agent. Agents that share `syncs` sync in turn. */
export function openAgentFiles(
  owner: FileOwner,
  mounts: readonly Mount[],
  syncs?: SyncQueue,
): FileHost {
  if (mounts.length === 0) {
    return NO_FILES;
  }
  const opened = mounts.map(({ index, root }) => {
    const grant = owner.grants.of.files.find((held: HeldGrant<'files'>) => held.index === index);
    if (grant === undefined) {
      throw new Error(`the mount of grant ${index} came without its grant`);
    }
    return { scope: grant.scope, root };
  });
  const { held } = owner.block;
  return openFiles(opened, diskBudget(owner), syncs, {
    hasRoom: () => held.hasRoom(ACCOUNT.descriptors),
    count: (more) => held.add(ACCOUNT.descriptors, more),
  });
}
