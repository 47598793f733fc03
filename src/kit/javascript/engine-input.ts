/** What an engine makes a component of. */

/** A bundle, and the world that it is for. */
export interface EngineInput {
  readonly code: string;
  readonly witSource: string;
  readonly world: string;
  /** Whether the world has anything of `wasi:http`. */
  readonly usesHttp: boolean;
  /** The project's folder. */
  readonly base: string;
  /** The guest's own file, as an error shall give it. */
  readonly file: string;
  /** Where in the project a line of the bundle comes from, as `file:line`; null: nowhere. */
  placeOf(line: number): string | null;
}
