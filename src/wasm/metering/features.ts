/** Which features a module may use that not everybody allows, and which of them it was seen to use. */

/** What is refused by name unless it is allowed. */
export interface MeterFeatures {
  /**
   * Types of the garbage collector. Its heap is the process's: no limit of an agent bounds it, so allow
   * this only where an agent has a process of its own. @default false
   */
  readonly gc?: boolean;
  /** SIMD instructions whose results differ between machines. @default false */
  readonly relaxedSimd?: boolean;
}

/** One module's features: allowed ones, and what readers of its bytes came upon. */
export class FeatureUse {
  readonly gc: boolean;
  readonly relaxedSimd: boolean;
  /**
   * Whether functions are told apart by their types, by references: then bodies must keep the types that
   * the module gave them, and fuel can't be passed as a parameter.
   */
  typedReferences = false;

  constructor({ gc = false, relaxedSimd = false }: MeterFeatures = {}) {
    this.gc = gc;
    this.relaxedSimd = relaxedSimd;
  }
}
