/** Functions in the place of the host's: they answer out of a recording, and do nothing. */

import type { KeptEnd } from '../../../recording/kept.ts';
import type { GuestCall } from '../../host/abi/binding.ts';
import type { HostFunctions } from '../../host/index.ts';
import type { FuelTank } from '../fuel.ts';
import { mapFunctions } from '../map-functions.ts';
import type { Replayer } from './replayer.ts';

/** An agent that is replayed. */
interface ReplayedAgent {
  readonly replayer: Replayer | null;
  readonly fuel: Pick<FuelTank, 'used'>;
  checkAlive(): void;
  /** Ends it as it had ended, in this call or (`atStop`) before it. Never returns. */
  endAsRecorded(end: KeptEnd, atStop: boolean): never;
  /** Ends it as there is nothing more to replay. Never returns. */
  endReplay(message: string): never;
}

/** Functions that answer for those of a host. */
export function replayedCalls(host: HostFunctions): HostFunctions {
  return mapFunctions(host, (name) => (call: GuestCall<ReplayedAgent>, ...args: unknown[]) => {
    const { agent } = call;
    agent.checkAlive();
    const { replayer, fuel } = agent;
    if (replayer === null) {
      return agent.endReplay('there is no recording to answer out of');
    }
    const replayed = replayer.called(name, fuel.used, args);
    switch (replayed.tag) {
      case 'answer':
        return replayed.answer;
      case 'end':
        return agent.endAsRecorded(replayed.end, replayed.atStop);
      default:
        return agent.endReplay(replayed.message);
    }
  });
}
