// The seed of `Math.random`. The build puts it beside the generated modules as `wit/seed.ts`.

import { getRandomU64 } from 'wasi/random/random';

/** 64 random bits, as what the library takes. */
export function seed(): f64 {
  return reinterpret<f64>(getRandomU64());
}
