/** Host functions that tell of their calls: bound instead of the plain ones to agents whose calls are looked at. */

import { type GuestCall, WAIT } from '../../host/abi/binding.ts';
import type { HostFunctions } from '../../host/index.ts';
import type { FuelTank } from '../fuel.ts';
import { mapFunctions } from '../map-functions.ts';
import type { CallObserver } from './call-observer.ts';

/** An agent whose calls may be looked at. */
interface Observed {
  readonly observer: CallObserver | null;
  readonly fuel: Pick<FuelTank, 'used'>;
}

type Call = GuestCall<Observed>;
type Pass = (call: Call, ...args: unknown[]) => unknown;

/** Puts an observer before each function: what is called is the same function still. */
export function observedCalls(host: HostFunctions): HostFunctions {
  return mapFunctions(host, (name, fn) => {
    const pass = fn as unknown as Pass;
    return (call: Call, ...args: unknown[]): unknown => {
      const { observer, fuel } = call.agent;
      if (observer === null) {
        return pass(call, ...args);
      }
      observer.called(name, fuel.used, args);
      let answer: unknown;
      try {
        answer = pass(call, ...args);
      } catch (error) {
        observer.endedIn();
        throw error;
      }
      if (answer === WAIT) {
        observer.waits();
      } else {
        observer.answered(answer);
      }
      return answer;
    };
  });
}
