/** What requests and answers are in the terms of WASI. */

import type { HostAgent } from '../../agent.ts';
import type { FileIdentity, FileStat, FileTime, NewTime } from '../../files/request.ts';
import type {
  DescriptorStat,
  MetadataHashValue,
  NewTimestamp,
} from '../../generated/wasi-filesystem-types.ts';

interface Datetime {
  readonly seconds: bigint;
  readonly nanoseconds: number;
}

const NANOSECONDS_PER_SECOND = 1_000_000_000n;

/**
 * A time of a file, as coarse as the agent's clocks: to write a file and to look at its time is to
 * read a clock.
 */
function datetime(time: FileTime | null, resolution: bigint): Datetime | undefined {
  if (time === null) {
    return undefined;
  }
  const step = Number(resolution > NANOSECONDS_PER_SECOND ? NANOSECONDS_PER_SECOND : resolution);
  return {
    seconds: BigInt(time.seconds),
    nanoseconds: step <= 1 ? time.nanoseconds : time.nanoseconds - (time.nanoseconds % step),
  };
}

export function descriptorStat(agent: HostAgent, stat: FileStat): DescriptorStat {
  const { resolution } = agent.clocks;
  return {
    type: stat.type,
    linkCount: BigInt(stat.linkCount),
    size: BigInt(stat.size),
    dataAccessTimestamp: datetime(stat.accessed, resolution),
    dataModificationTimestamp: datetime(stat.modified, resolution),
    statusChangeTimestamp: datetime(stat.changed, resolution),
  };
}

export function newTime(timestamp: NewTimestamp): NewTime {
  return timestamp.tag === 'timestamp'
    ? { seconds: Number(timestamp.val.seconds), nanoseconds: timestamp.val.nanoseconds }
    : timestamp.tag;
}

/** Hexadecimal digits of 64 bits. */
const HALF = 16;

export function metadataHash(identity: FileIdentity): MetadataHashValue {
  return {
    lower: BigInt(`0x${identity.slice(0, HALF)}`),
    upper: BigInt(`0x${identity.slice(HALF, 2 * HALF)}`),
  };
}
