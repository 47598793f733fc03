// The seed of `Math.random`. The build puts it beside the generated modules as `wit/seed.ts`.

import { getInsecureRandomU64 } from 'wasi/random/insecure';

/** 64 random bits, as what the library takes. */
export function seed(): f64 {
  return reinterpret<f64>(getInsecureRandomU64());
}
