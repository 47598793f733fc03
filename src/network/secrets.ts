/** The secrets of a program that agents may use: the host adds them to requests, and no agent sees one. */

import type { Field } from '../http/exchange.ts';
import { plainName } from '../http/syntax.ts';
import { EchoWatch, needlesOf } from './echo.ts';

/** What is added to a request, and who looks that it does not come back. */
export interface AddedSecrets {
  readonly fields: readonly Field[];
  readonly watch: EchoWatch;
}

/** Bodies that are coded (RFC 3229), and parts of bodies, could hold one that nobody sees. */
const HIDING_FIELDS: readonly string[] = ['a-im', 'if-range', 'range'];

/** Secrets by their names. */
export class Secrets {
  readonly #values: Readonly<Record<string, string>>;

  constructor(values: Readonly<Record<string, string>>) {
    this.#values = values;
  }

  /**
   * What uses, as `NAME:header`, add to a request of these fields. 'missing': the program has no value for
   * one; 'forbidden': the agent writes such a header itself, or one that would hide an echo.
   */
  addTo(
    fields: readonly Field[],
    uses: ReadonlySet<string>,
  ): AddedSecrets | 'missing' | 'forbidden' {
    const secrets: Field[] = [];
    const values: string[] = [];
    for (const use of uses) {
      const [name = '', header = ''] = use.split(':');
      const value = Object.hasOwn(this.#values, name) ? this.#values[name] : undefined;
      if (value === undefined) {
        return 'missing';
      }
      secrets.push([header, value]);
      values.push(value);
    }
    const taken = new Set([...HIDING_FIELDS, ...secrets.map(([header]) => plainName(header))]);
    if (fields.some(([name]) => taken.has(plainName(name)))) {
      return 'forbidden';
    }
    const kept = fields.filter(([name]) => plainName(name) !== 'accept-encoding');
    return {
      fields: [...kept, ['accept-encoding', 'identity'], ...secrets],
      watch: new EchoWatch(values.flatMap(needlesOf)),
    };
  }
}
