/** The secrets of a program that agents may use: the host adds them to requests, and no agent sees one. */

import type { Field } from '../http/exchange.ts';
import { EchoWatch, needlesOf } from './echo.ts';

/** What is added to a request, and who looks that it does not come back. */
export interface AddedSecrets {
  readonly fields: readonly Field[];
  readonly watch: EchoWatch;
}

/** Bodies that are coded, and parts of bodies, could hold one that nobody sees. */
const HIDING_FIELDS: ReadonlySet<string> = new Set(['range', 'if-range']);

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
    const taken = new Set([...HIDING_FIELDS, ...secrets.map(([header]) => header)]);
    if (fields.some(([name]) => taken.has(name.toLowerCase()))) {
      return 'forbidden';
    }
    const kept = fields.filter(([name]) => name.toLowerCase() !== 'accept-encoding');
    return {
      fields: [...kept, ['accept-encoding', 'identity'], ...secrets],
      watch: new EchoWatch(values.flatMap(needlesOf)),
    };
  }
}
