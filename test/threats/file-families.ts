/** Families 1 to 18: files. As in families.ts. */

import type { Shown } from './families.ts';

const GUEST = 'test/threats/files.test.ts';
const ESCAPE = 'src/wasm/host/files/escape.test.ts';
const ENGINE = 'src/wasm/host/files/engine.test.ts';
const QUOTA = 'src/wasm/host/files/quota.test.ts';
const FUNCTIONS = 'src/wasm/host/wasi/filesystem/filesystem.test.ts';
const ROOT = 'src/wasm/host/files/root.test.ts';
const ROOTS = 'src/kernel/roots.test.ts';
const REFUSED = 'test/threats/refused-child.test.ts';

const shown = (family: number, act: string, ...tests: string[]): Shown => ({ family, act, tests });

export const FILE_FAMILIES: readonly Shown[] = [
  shown(
    1,
    'dots that lead above the mount',
    `${GUEST}: 01, 02: dots and absolute paths lead nowhere`,
    `${ESCAPE}: any sequence on any paths leaves the outside alone`,
  ),
  shown(
    2,
    'absolute paths, and separators of other systems',
    `${GUEST}: 01, 02: dots and absolute paths lead nowhere`,
    `${ESCAPE}: 2, 15: %j is a name like any other here`,
  ),
  shown(
    3,
    'a link to the outside, made by the guest',
    `${GUEST}: 03: no link to the outside is made, nor moved to where it would be one`,
    `${GUEST}: 03: a link that leads out since its directory was moved is not followed`,
  ),
  shown(
    4,
    'a link to the outside that was there before',
    `${GUEST}: 04, 08: links that were there are not followed out, by no act`,
    `${ESCAPE}: 4, 8: links that are there`,
  ),
  shown(
    5,
    'a link in the place of a directory that is open',
    `${GUEST}: 05: an open directory stays itself when a link takes its place`,
    `${ESCAPE}: 5: a directory that is moved out of the mount is reached by its descriptor alone`,
  ),
  shown(
    6,
    'a race: directories and links are exchanged while a path is followed',
    `${GUEST}: 06: two agents of one directory: what one moves meanwhile leads the other nowhere`,
    `${ESCAPE}: 6: a link that is swapped in at any moment is never followed`,
  ),
  shown(
    7,
    'chains of links, loops, endless ways',
    `${GUEST}: 07: 40 links are followed, 41 and one to itself are not`,
    `${ESCAPE}: 7: a way of too many steps or too deep is refused, whatever it says`,
  ),
  shown(
    8,
    'a link at the end of a path that is made or truncated',
    `${GUEST}: 04, 08: links that were there are not followed out, by no act`,
  ),
  shown(
    9,
    'links and renames from one mount to another',
    `${GUEST}: 09: nothing is linked or renamed from one mount to another`,
    `${FUNCTIONS}: of two descriptors both grants must be in force, and be of one mount`,
  ),
  shown(
    10,
    'slashes after files',
    `${GUEST}: 10, 11: slashes at the end, and the root itself`,
    'src/wasm/host/files/differential.test.ts: do the same',
  ),
  shown(
    11,
    'the mount itself removed or renamed',
    `${GUEST}: 10, 11: slashes at the end, and the root itself`,
    `${ENGINE}: 11: removing %j: %s, %s`,
  ),
  shown(
    12,
    'names that are too long, no text, or commands to a terminal',
    `${GUEST}: 12: names that can be none, and names that a terminal would act on`,
    `${ESCAPE}: 12: a name of the host that is no text is listed as such`,
  ),
  shown(
    13,
    'pipes, sockets, devices, /proc',
    `${GUEST}: 13: pipes and devices are not opened, and nothing waits for them`,
    `${GUEST}: 13: below the root of the host, neither devices nor what the system shows of itself`,
    `${ROOT}: is a view of the system, no place for files`,
  ),
  shown(
    14,
    'lengths, offsets and sizes without measure',
    `${GUEST}: 14: lengths, offsets and sizes of 64 bits`,
    `${ENGINE}: one request moves a bounded number of bytes, whatever length is asked for`,
  ),
  shown(
    15,
    'names that are one on other systems',
    `${GUEST}: 15: names that differ in case or form are different ones`,
  ),
  shown(
    16,
    'a million descriptors',
    `${GUEST}: 16: a million descriptors are not had, and those that are go with the agent`,
    `${ESCAPE}: 16: no refusal keeps anything open`,
  ),
  shown(
    16,
    'a descriptor whose number is another’s by now',
    `${REFUSED}: 16: a child for which there is no thread leaves its parent the mount, and no other directory`,
    `${ROOTS}: stays open for the parent of a child that was given up twice`,
  ),
  shown(
    17,
    'a disk that is filled',
    `${GUEST}: 17: is filled up to the limit and no further, and the report says how far`,
    `${GUEST}: 17: each mount has its own quota, of bytes and of files`,
    `${QUOTA}: counts holes: a size is promised`,
    `${QUOTA}: a file that is removed while it is open counts until it is closed everywhere`,
  ),
  shown(
    18,
    'two mounts, one named like the beginning of the other',
    `${GUEST}: 18: of two mounts, one named like the beginning of the other, each is its own`,
  ),
];
