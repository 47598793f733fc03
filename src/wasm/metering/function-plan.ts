/** What the rewriter must know of a body besides its edits. */

/** Which indices of tables must be kept in a local while a call through one is made. */
export interface KeptIndex {
  readonly of32: boolean;
  readonly of64: boolean;
}

/** One function of the module's own. */
export interface FunctionPlan {
  readonly type: number;
  /** Where the body begins, with its local declarations. */
  readonly start: number;
  /** Groups of locals in the declarations. */
  readonly localGroups: number;
  /** Where the first group begins, after their count. */
  readonly localsStart: number;
  /** Where the instructions begin. */
  readonly codeStart: number;
  /** After the last `end`. */
  readonly end: number;
  /** Parameters and locals. */
  readonly locals: number;
  /** Whether it is charged where it is called, and else as it was. */
  readonly leaf: boolean;
  /** Parameters: the index of the first that is added. */
  readonly parameters: number;
  /** What a call of it takes off the depth; 0: nothing, the depth isn't counted. */
  readonly frameBytes: number;
  /** Whether it calls through tables, and needs locals for that. */
  readonly keepsIndex: KeptIndex;
  /** Whether a branch goes to the function's own label. */
  readonly targeted: boolean;
  /** Whether an exception handler goes there. */
  readonly caught: boolean;
  /** (locals + operands) × merges: what compiling it may cost. */
  readonly merges: number;
  /** The most ways that lead to one place in it. */
  readonly ways: number;
  /** Parameters and results over all its calls. */
  readonly callOperands: number;
  /** Whether it may change a table, or drop a segment: no host can put that back. */
  readonly leavesTraces: boolean;
  /** Injected questions for the sign of fuel, those of a loop that suspends outside of itself twice. */
  readonly questions: number;
}
