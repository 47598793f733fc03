/** Which compilers of guests' languages this machine has: tests that need one that is not there are skipped. */

import { findCToolchain } from '../../src/kit/c/toolchain.ts';
import { findRustToolchain } from '../../src/kit/rust/toolchain.ts';

async function whyNot(find: () => Promise<unknown>): Promise<string | null> {
  try {
    await find();
    return null;
  } catch (error) {
    return (error as Error).message;
  }
}

/** Why nothing in C can be compiled here; null: it can. */
export const WHY_NO_C = await whyNot(findCToolchain);

/** Why nothing in Rust can be compiled here; null: it can. */
export const WHY_NO_RUST = await whyNot(findRustToolchain);
