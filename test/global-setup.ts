/** Builds all guests once, before the first test. */

import { buildGuests } from '../scripts/build-guests.ts';

export async function setup(): Promise<void> {
  await buildGuests();
}
