/**
 * How much of everything a component may have, so that reading, checking and planning one is bounded
 * whatever its bytes say.
 */

/** Caps on what a component declares; everything above them is refused by name. */
export interface ComponentCaps {
  /** Bytes of one name. @default 16384 */
  readonly nameBytes: number;
  /** Elements of any one list: fields, cases, parameters, definitions of a section. @default 10000 */
  readonly listItems: number;
  /** List elements and sections of the whole file together. @default 100000 */
  readonly items: number;
  /** Components and types inside of each other. @default 16 */
  readonly nesting: number;
  /** Imports of one component. @default 1000 */
  readonly imports: number;
  /** Core modules. @default 100 */
  readonly modules: number;
  /** Components inside of the component. @default 200 */
  readonly components: number;
  /**
   * Memories of all core instances that a start makes. V8 reserves 8 GiB of addresses for each, and a
   * process has room for some 16,000. @default 8
   */
  readonly memories: number;
  /** Tables of all core instances that a start makes. @default 100 */
  readonly tables: number;
  /** Core instances that a start makes, of modules and inline ones. @default 200 */
  readonly coreInstances: number;
  /** Core functions made by lowering that a start binds. @default 2000 */
  readonly loweredFunctions: number;
  /** Arguments and inline exports that a start goes through. @default 20000 */
  readonly linkItems: number;
  /** Characters of all names in a link plan together. @default 2000000 */
  readonly planCharacters: number;
  /** Definitions looked at while types are resolved and instances are followed. @default 200000 */
  readonly steps: number;
}

/** The caps that hold where nothing else is said. */
export const DEFAULT_COMPONENT_CAPS: ComponentCaps = {
  nameBytes: 16_384,
  listItems: 10_000,
  items: 100_000,
  nesting: 16,
  imports: 1_000,
  modules: 100,
  components: 200,
  memories: 8,
  tables: 100,
  coreInstances: 200,
  loweredFunctions: 2_000,
  linkItems: 20_000,
  planCharacters: 2_000_000,
  steps: 200_000,
};
