// Why a call of the host failed, in words.

import { WitError } from 'ringfence/agent/types';

/** What went wrong and what to do about it, as one sentence: `denied: …`. */
export function describe(failure: WitError): string {
  return `${failure.name}: ${failure.payload}`;
}
