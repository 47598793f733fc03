/** The length of a body, as its head declares it. */

import type { Field } from './exchange.ts';

/** The length that fields declare; null: none; undefined: no one length. */
export function declaredLength(fields: readonly Field[]): number | null | undefined {
  const values = fields.filter(([name]) => name.toLowerCase() === 'content-length');
  const [first] = values;
  if (first === undefined) {
    return null;
  }
  return values.length === 1 && /^[0-9]{1,15}$/.test(first[1]) ? Number(first[1]) : undefined;
}
