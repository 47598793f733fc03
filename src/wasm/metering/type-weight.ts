/** How much of the engine a type takes for as long as the process lives: V8 frees no canonical type. */

/**
 * So many parameters, results or fields count as one more type. V8 14 keeps 5.5 bytes for a parameter and
 * 18 for a field of a struct (measured: `WebAssembly.compile` of modules of 20,000 function types with 998
 * parameters and of 3,000 structs with 10,000 fields, each another type): a million types, all that a
 * process may have, then keep 300 MB of these at the most.
 */
const VALUES_PER_TYPE = 16;

/** As how many types one counts, with so many parameters and results, or fields. */
export function typeWeight(values: number): number {
  return 1 + Math.floor(values / VALUES_PER_TYPE);
}
