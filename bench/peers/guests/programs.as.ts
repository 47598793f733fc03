// The programs of the benchmark of metering, by their place in KERNELS of bench/metering/kernels.ts.

import * as kernels from '../../metering/kernels.as';

/** What a program answers, as a number that holds each of their kinds. */
export function program(index: i32, argument: i32): f64 {
  switch (index) {
    case 0:
      return kernels.fibonacci(argument);
    case 1:
      return kernels.sieve(argument);
    case 2:
      return kernels.matrices(argument);
    case 3:
      return kernels.hash(argument);
    case 4:
      return kernels.interpreter(argument);
    case 5:
      return kernels.trees(argument);
    case 6:
      return kernels.strings(argument);
    case 7:
      return kernels.garbage(argument);
    case 8:
      return kernels.sort(argument);
    case 9:
      return kernels.bodies(argument);
    default:
      return NaN;
  }
}

/** The bits of a program's answer: two numbers are the same where these are. */
export function bitsOf(index: i32, argument: i32): u64 {
  return reinterpret<u64>(program(index, argument));
}
