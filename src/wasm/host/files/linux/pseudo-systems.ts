/**
 * File systems that are no places for files but views of the system itself: through `/proc` a guest
 * would read the memory and the environment of the host's own process. None of them is ever entered,
 * not even where a mount has one below it.
 */

import { statfsSync } from 'node:fs';

/** The numbers that Linux has for them (`include/uapi/linux/magic.h`, `man 2 statfs`). */
const KINDS: ReadonlySet<number> = new Set([
  0x9fa0, // proc
  0x62656572, // sysfs
  0x1cd1, // devpts
  0x27e0eb, // cgroup
  0x63677270, // cgroup2
  0x64626720, // debugfs
  0x74726163, // tracefs
  0x73636673, // securityfs
  0xf97cff8c, // selinuxfs
  0x43415d53, // smackfs
  0x5a3c69f0, // apparmorfs
  0xcafe4a11, // bpf
  0x62656570, // configfs
  0x6165676c, // pstore
  0xde5e81e4, // efivarfs
  0x19800202, // mqueue
  0x42494e4d, // binfmt_misc
  0x65735543, // fusectl
  0x6e736673, // nsfs
  0x67596969, // rpc_pipefs
  0x7655821, // resctrl
]);

/** Whether the object behind a path is in one of them. */
export function isPseudoSystem(path: string): boolean {
  // What Node answers is signed on some machines.
  return KINDS.has(Number(statfsSync(path).type) >>> 0);
}
