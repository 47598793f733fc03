/** What entries hold, from end to end: nothing of it is made, and others have their turn meanwhile. */

import { setImmediate as others } from 'node:timers/promises';
import { RingfenceError } from '../errors.ts';
import { EntryReader } from './entries.ts';

/** Bytes of entries after which others have their turn: some milliseconds. */
const TURN_BYTES = 256 * 1024;

/** How far entries go. */
interface Extent {
  readonly bytes: number;
  readonly calls: number;
  /** Used at the last call. */
  readonly fuel: number;
}

/** What can be read of some entries. */
export interface Survey extends Extent {
  /** Without the call in which the agent has ended, if there is one. */
  readonly answered: Extent;
  /** Whether there is. */
  readonly hasLast: boolean;
  /** Why what is behind them can't be read; null: nothing is. */
  readonly damage: RingfenceError | null;
}

/** Reads entries as far as they can be read. */
export async function surveyEntries(entries: Uint8Array): Promise<Survey> {
  const reader = new EntryReader(entries);
  let all: Extent = { bytes: 0, calls: 0, fuel: 0 };
  let answered = all;
  let damage: RingfenceError | null = null;
  let turn = TURN_BYTES;
  try {
    for (let entry = reader.peek(); entry !== null; entry = reader.peek()) {
      reader.pass();
      const bytes = reader.at;
      all =
        entry.kind === 'refused'
          ? { ...all, bytes }
          : { bytes, calls: all.calls + 1, fuel: entry.fuel };
      answered = entry.kind === 'last' ? answered : all;
      if (bytes >= turn) {
        await others();
        turn = bytes + TURN_BYTES;
      }
    }
  } catch (error) {
    if (!(error instanceof RingfenceError)) {
      throw error;
    }
    damage = error;
  }
  return { ...all, answered, hasLast: answered !== all, damage };
}
