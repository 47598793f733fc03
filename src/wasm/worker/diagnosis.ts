/** Finds out of one agent what was asked for. */

import {
  type Diagnosis,
  type Findings,
  type MeteredPlace,
  PROFILE_NODES_MAX,
  type ProfileNode,
} from '../../process/diagnosis.ts';
import { placesHere, placesOf, unwantTraces, wantTraces } from './backtrace.ts';

interface CountedNode {
  readonly parent: number;
  readonly place: MeteredPlace;
  fuel: number;
}

/** Where one agent stands, found out while it runs. Traces are kept from its making until `end`. */
export class AgentDiagnosis {
  readonly #wanted: Diagnosis;
  readonly #keepsTraces: boolean;
  readonly #nodes: CountedNode[] = [];
  readonly #known = new Map<string, number>();
  #backtrace: readonly MeteredPlace[] = [];
  #elsewhere = 0;
  #counted = 0;

  constructor(wanted: Diagnosis) {
    this.#wanted = wanted;
    this.#keepsTraces = wanted.backtrace || wanted.profileEvery > 0;
    if (this.#keepsTraces) {
      wantTraces();
    }
  }

  /** Units used at which it is looked at next; infinite: never. */
  get nextLook(): number {
    const { profileEvery } = this.#wanted;
    return profileEvery === 0
      ? Number.POSITIVE_INFINITY
      : (Math.floor(this.#counted / profileEvery) + 1) * profileEvery;
  }

  /** It asks for fuel, having used so much: what it has used since the last look is counted where it stands. */
  look(used: number): void {
    const node = this.#nodeOf(placesHere());
    const fuel = used - this.#counted;
    this.#counted = used;
    if (node === null) {
      this.#elsewhere += fuel;
    } else {
      node.fuel += fuel;
    }
  }

  /** What has left the guest, where it did not return. */
  trapped(error: unknown): void {
    if (this.#wanted.backtrace) {
      this.#backtrace = placesOf(error);
    }
  }

  /** It has ended, having used so much. */
  end(used: number): Pick<Findings, 'backtrace' | 'profile'> {
    if (this.#keepsTraces) {
      unwantTraces();
    }
    const { profileEvery: every } = this.#wanted;
    const elsewhere = this.#elsewhere + Math.max(0, used - this.#counted);
    const nodes: readonly ProfileNode[] = this.#nodes;
    return {
      backtrace: this.#backtrace,
      profile: every === 0 ? null : { every, nodes, elsewhere },
    };
  }

  #nodeOf(places: readonly MeteredPlace[]): CountedNode | null {
    let parent = -1;
    for (let index = places.length - 1; index >= 0; index -= 1) {
      const place = places[index]!;
      const key = `${parent} ${place.module} ${place.offset}`;
      let node = this.#known.get(key);
      if (node === undefined) {
        if (this.#nodes.length === PROFILE_NODES_MAX) {
          return null;
        }
        node = this.#nodes.push({ parent, place, fuel: 0 }) - 1;
        this.#known.set(key, node);
      }
      parent = node;
    }
    return this.#nodes[parent] ?? null;
  }
}
