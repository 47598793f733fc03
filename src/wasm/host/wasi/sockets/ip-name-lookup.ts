/** wasi:sockets/ip-name-lookup: the addresses of a name, one after another. */

import { err, ok, type Result } from '../../abi/binding.ts';
import type { HostAgent, Subscribe } from '../../agent.ts';
import type { Functions as IpNameLookupFunctions } from '../../generated/wasi-sockets-ip-name-lookup.ts';
import type { ErrorCode, IpAddress } from '../../generated/wasi-sockets-network.ts';
import { implement, releaseHeld } from '../../implement.ts';
import { Held } from '../held.ts';
import { Pollable, type Readiness } from '../io/pollable.ts';
import { ipAddress } from './addresses.ts';
import { type Asked, answerOf, whenAnswered } from './ask.ts';

declare module '../../abi/binding.ts' {
  interface HostResources {
    'wasi:sockets/ip-name-lookup/resolve-address-stream': ResolveAddressStream;
  }
}

/** Characters of a name: no host has more, and none that can be looked up half as many. */
const NAME_CHARACTERS_MAX = 512;

/** One lookup. */
class ResolveAddressStream extends Held implements Readiness {
  readonly #asked: Asked<'resolve'>;
  #next = 0;

  constructor(agent: HostAgent, asked: Asked<'resolve'>) {
    super(agent);
    this.#asked = asked;
  }

  get ready(): boolean {
    return answerOf(this.#asked) !== null;
  }

  get onReady(): Subscribe {
    return whenAnswered(this.#asked);
  }

  next(): Result<IpAddress | undefined, ErrorCode> {
    const answer = answerOf(this.#asked);
    if (answer === null) {
      return err('would-block');
    }
    if (answer.tag === 'err') {
      return answer;
    }
    const address = answer.val[this.#next];
    this.#next += 1;
    return ok(address === undefined ? undefined : ipAddress(address));
  }
}

export const ipNameLookup = implement<IpNameLookupFunctions>('wasi:sockets/ip-name-lookup', null, {
  'resolve-addresses': {
    capability: 'network',
    denied: () => err('access-denied'),
    run: (agent, _network, name) => {
      if (name.length > NAME_CHARACTERS_MAX) {
        return err('invalid-argument');
      }
      const asked = agent.sockets.perform<'resolve'>({ op: 'resolve', name });
      return 'tag' in asked && asked.tag === 'err'
        ? asked
        : ok(new ResolveAddressStream(agent, asked));
    },
  },
  '[method]resolve-address-stream.resolve-next-address': (_agent, self) => self.next(),
  '[method]resolve-address-stream.subscribe': (agent, self) => new Pollable(agent, self),
  '[resource-drop]resolve-address-stream': releaseHeld,
});
