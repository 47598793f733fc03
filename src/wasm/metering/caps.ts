/** The static caps: what a module may have at most, so that no engine's compiler explodes on it. */

/** Every cap is inclusive. */
export interface MeterCaps {
  /** Bytes of the whole core module. @default 64 MiB */
  readonly moduleBytes: number;
  /** @default 20,000 */
  readonly types: number;
  /** Fields of one struct type. @default 10,000 (V8's own) */
  readonly fields: number;
  /** Bytes of structs and arrays that constant expressions allocate, each instance anew. @default 1 MiB */
  readonly allocatedBytes: number;
  /** Parameters of one function type. @default 998 (V8's own, less the two that are added) */
  readonly parameters: number;
  /** Results of one function type. @default 256 */
  readonly results: number;
  /** Parameters of an exception tag; each live exception holds them on the host's heap. @default 8 */
  readonly tagParameters: number;
  /** Tables that hold exceptions, each of which keeps its values on the host's heap. @default 0 */
  readonly exceptionTables: number;
  /** Globals that hold exceptions. @default 0 */
  readonly exceptionGlobals: number;
  /** @default 10,000 */
  readonly imports: number;
  /** Functions that the module defines. @default 200,000 */
  readonly functions: number;
  /** Defined and imported; each takes 8 GiB of the addresses of the process (16 where its own are 64 bits long), whatever its size. @default 16 */
  readonly memories: number;
  /** Pages that one memory has from the start on. @default 65,536 (4 GiB) */
  readonly memoryPages: number;
  /** @default 1,000 */
  readonly tables: number;
  /** Defined and imported; each takes 8 or 16 bytes an instance, which no limit counts. @default 10,000 */
  readonly globals: number;
  /** @default 10,000 */
  readonly tags: number;
  /** @default 100,000 */
  readonly exports: number;
  /** Element segments. @default 10,000 */
  readonly elementSegments: number;
  /** Elements of all element segments; each instance of the module copies the active ones. @default 200,000 */
  readonly elements: number;
  /** @default 100,000 */
  readonly dataSegments: number;
  /** Functions that are injected: one for each function that is exported, each imported one in a table and each kind of bulk operation. @default 120,000 */
  readonly helpers: number;
  /** Bytes of one function body, before and after the rewriting. @default 7,654,321 (V8's own) */
  readonly bodyBytes: number;
  /** Bytes of all function bodies after the rewriting, which makes an empty loop 15 times as long. Large real programs grow by half. @default 192 MiB */
  readonly meteredCodeBytes: number;
  /** Parameters and locals of one function, with the three or four that are added. @default 50,000 (V8's own) */
  readonly locals: number;
  /** Locals of all functions together. @default 10,000,000 */
  readonly localsTotal: number;
  /** Blocks, loops, ifs and tries inside each other. @default 4,096 */
  readonly nesting: number;
  /** Handlers of one try. The engine asks each of them whether an exception is its own, which takes 15 ns and is not charged. @default 16 */
  readonly handlers: number;
  /** Operands on a function's stack, a v128 counted twice. @default 10,000 */
  readonly operands: number;
  /** Entries of all `br_table`s of one function. @default 200,000 */
  readonly branchTargets: number;
  /** Branches to one label, returns, and calls that lead to one handler. V8 aborts above 65,535. @default 20,000 */
  readonly ways: number;
  /** (locals + operands) × (blocks, loops, branches, branch targets, handlers) of one function; what compiling it takes grows with this. Large real programs stay below 1,000,000. @default 20,000,000 */
  readonly merges: number;
  /** Parameters and results over all calls of one function. @default 400,000 */
  readonly callOperands: number;
  /** Injected questions of one function: behind calls of imports, at loops (two each) and handlers. What compiling it takes grows with their square: 10,000 take some 2 s. @default 10,000 */
  readonly questions: number;
  /** Above so many bytes a function body is doubtful. @default 262,144 */
  readonly doubtfulBodyBytes: number;
  /** Above this `callOperands` a function body is doubtful. @default 60,000 */
  readonly doubtfulCallOperands: number;
  /** Above this `ways` a function body is doubtful. @default 4,000 */
  readonly doubtfulWays: number;
  /** Above this `questions` a function body is doubtful. @default 4,000 */
  readonly doubtfulQuestions: number;
  /** Above this product of `questions` and bytes a function body is doubtful: whatever it computes twice may be kept past all of them. 700 million take 2.7 s, large real functions come to 100 million. @default 250,000,000 */
  readonly doubtfulQuestionBytes: number;
  /** Above this sum of squares of `questions` a module is doubtful. @default 50,000,000 */
  readonly doubtfulQuestionsSquared: number;
  /** Above this sum of `merges` a module is doubtful. @default 30,000,000 */
  readonly doubtfulMergesTotal: number;
  /** Above this `merges` a function body is doubtful. @default 2,000,000 */
  readonly doubtfulMerges: number;
}

export const DEFAULT_METER_CAPS: MeterCaps = {
  moduleBytes: 64 * 1024 * 1024,
  types: 20_000,
  fields: 10_000,
  allocatedBytes: 1 << 20,
  parameters: 998,
  results: 256,
  tagParameters: 8,
  exceptionTables: 0,
  exceptionGlobals: 0,
  imports: 10_000,
  functions: 200_000,
  memories: 16,
  memoryPages: 65_536,
  tables: 1_000,
  globals: 10_000,
  tags: 10_000,
  exports: 100_000,
  elementSegments: 10_000,
  elements: 200_000,
  dataSegments: 100_000,
  helpers: 120_000,
  bodyBytes: 7_654_321,
  meteredCodeBytes: 192 * 1024 * 1024,
  locals: 50_000,
  localsTotal: 10_000_000,
  nesting: 4_096,
  handlers: 16,
  operands: 10_000,
  branchTargets: 200_000,
  ways: 20_000,
  merges: 20_000_000,
  callOperands: 400_000,
  questions: 10_000,
  doubtfulBodyBytes: 262_144,
  doubtfulCallOperands: 60_000,
  doubtfulWays: 4_000,
  doubtfulQuestions: 4_000,
  doubtfulQuestionBytes: 250_000_000,
  doubtfulQuestionsSquared: 50_000_000,
  doubtfulMergesTotal: 30_000_000,
  doubtfulMerges: 2_000_000,
};
