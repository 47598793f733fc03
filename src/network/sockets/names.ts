/** Names that an agent looks up: by a grant, and answered as far as one reaches what was found. */

import {
  addressOfHost,
  canonicalAddress,
  canonicalHost,
  isLocalName,
} from '../../capability/host.ts';
import { type Answer, failed } from './answer.ts';
import { deny } from './denied.ts';
import { Later } from './later.ts';
import type { Lookups } from './lookups.ts';
import type { SocketOwner } from './owner.ts';
import type { Reach } from './reach.ts';
import type { SocketAnswer } from './request.ts';

const LOOPBACK = ['127.0.0.1', '::1'] as const;

/** The names of one agent. */
export class Names {
  readonly #owner: SocketOwner;
  readonly #reach: Reach;
  readonly #lookups: Lookups;

  constructor(owner: SocketOwner, reach: Reach, lookups: Lookups) {
    this.#owner = owner;
    this.#reach = reach;
    this.#lookups = lookups;
  }

  resolve(written: string): Answer<'resolve'> {
    const literal = canonicalAddress(written);
    if (literal !== null) {
      return this.#reach.any() === null
        ? deny(this.#owner, 'resolve')
        : { tag: 'ok', val: [literal] };
    }
    const name = canonicalHost(written);
    if (name === null || addressOfHost(name) !== null) {
      return failed('invalid-argument');
    }
    if (this.#reach.lookingUp(name) === null) {
      return deny(this.#owner, 'resolve');
    }
    if (isLocalName(name)) {
      return this.#reached(name, LOOPBACK);
    }
    const looked = this.#lookups.begin(name);
    if (looked === null) {
      return failed('temporary-resolver-failure');
    }
    const later = new Later<SocketAnswer<'resolve'>>();
    void looked.then((found) => {
      this.#reach.look();
      later.settle(found.tag === 'err' ? found : this.#reached(name, found.val));
    });
    return later;
  }

  /** Only what may be reached is told: where else a name leads is nobody's business. */
  #reached(name: string, addresses: readonly string[]): SocketAnswer<'resolve'> {
    const reached = this.#reach.found(name, addresses);
    return reached.length === 0 ? failed('name-unresolvable') : { tag: 'ok', val: reached };
  }
}
