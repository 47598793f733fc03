/** What is made of a project, and where that goes. */

/** What a language's compiler makes of a project. */
export interface Compiled {
  readonly component: Uint8Array;
  /** Of the component's first core module, as JSON; null: the language has none. */
  readonly sourceMap: string | null;
  /** What its compiler had to say without refusing it, a line each: `src/agent.c:3:7: unused variable 'x'`. */
  readonly warnings: readonly string[];
}

/** Where all that is built goes, from the project's folder. */
export const BUILD_FOLDER = 'build';

/** Where the generated bindings go, from the project's folder. */
export const BINDINGS_FOLDER = `${BUILD_FOLDER}/bindings`;
