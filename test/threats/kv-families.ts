/** Which test shows what of each family of hostile acts on the store of values. */

import type { Shown } from './families.ts';

const GUEST = 'test/kernel/keyvalue.test.ts';
const FILE = 'test/kernel/kv-file.test.ts';
const TABLE = 'src/kv/table.test.ts';
const WRITER = 'src/kv/file.test.ts';

const shown = (family: number, act: string, ...tests: string[]): Shown => ({ family, act, tests });

/** Families that the store of values has a part in. */
export const KV_FAMILIES: readonly Shown[] = [
  shown(
    4,
    'a link or a second name in the place of the file of values, or of one beside it',
    `${FILE}: as its name%s is a link is not written`,
    `${FILE}: as it has two names is not written`,
    `${FILE}: as its %s is a link is not written`,
    `${FILE}: is closed to others, and so are those beside it, under any umask`,
  ),
  shown(
    17,
    'values that fill the store, or the disk that it is on',
    `${TABLE}: keys and bytes of an owner: bytes are counted, not characters, and what is deleted makes room`,
    `${TABLE}: bytes and owners of all`,
    `${FILE}: of an owner and of all hold after a restart too`,
    `${FILE}: a disk that takes no more is a typed error for the agent and a warning; the kernel goes on`,
    `${WRITER}: an agent that fills the disk again and again is told of once a minute`,
  ),
  shown(
    33,
    'another agent’s bucket, another owner’s values, a cursor that is made up',
    `${GUEST}: another agent’s number for its bucket is one’s own, or none`,
    `${GUEST}: keys are listed a page at a time, and a cursor that is made up is a place in one’s own`,
    `${TABLE}: an owner has its own keys, whatever they are called`,
    `${FILE}: by their agentId agents without an owner keep what they have, whatever their children are called`,
  ),
  shown(36, 'keys that are anything', `${GUEST}: keys may be anything that is text`),
  shown(
    38,
    'values whose grant is gone, or whose tool',
    `${GUEST}: without a grant nothing is reached, with one what it names, and a revoked one ends it`,
    `${GUEST}: a tool that is taken away is a store that is not there`,
  ),
  shown(
    41,
    'batches by which one call is many',
    `${GUEST}: a batch takes its calls of the limit, and stops where nothing is left`,
    `${GUEST}: a batch of more keys than a call may have, or of more than the host holds, is refused`,
  ),
];
