/** Host functions that keep what they answer: bound instead of the plain ones to agents that are recorded. */

import { type GuestCall, WAIT } from '../../host/abi/binding.ts';
import type { HostFunctions } from '../../host/index.ts';
import type { FuelTank } from '../fuel.ts';
import { mapFunctions } from '../map-functions.ts';
import type { Recorder } from './recorder.ts';

/** An agent that may be recorded. */
interface Recorded {
  readonly recorder: Recorder | null;
  readonly fuel: Pick<FuelTank, 'used'>;
  /** Traps where it has ended. */
  checkAlive(): void;
}

type Call = GuestCall<Recorded>;
type Pass = (call: Call, ...args: unknown[]) => unknown;

/**
 * Puts a recorder before each host function: what is called is the gated function still. A call that waits
 * is kept when it is answered, and so is one in which the agent ends.
 */
export function recordedCalls(host: HostFunctions): HostFunctions {
  let count = 0;
  return mapFunctions(host, (name, fn) => {
    const functionNumber = count;
    count += 1;
    const pass = fn as unknown as Pass;
    return (call: Call, ...args: unknown[]): unknown => {
      const { agent } = call;
      const { recorder, fuel } = agent;
      if (recorder === null || !recorder.isOn) {
        return pass(call, ...args);
      }
      const { used } = fuel;
      recorder.called(name, used, args);
      if (!recorder.isOn) {
        agent.checkAlive();
      }
      let answer: unknown;
      try {
        answer = pass(call, ...args);
      } catch (error) {
        recorder.endedIn(functionNumber, name, used);
        throw error;
      }
      if (answer !== WAIT) {
        recorder.answered(functionNumber, name, used, answer);
        if (!recorder.isOn) {
          agent.checkAlive();
        }
      }
      return answer;
    };
  });
}
