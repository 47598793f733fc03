/** Secrets that an MCP server is sent, as it may tell them back: to no agent, and to no log. */

import { EchoWatch, needlesOf } from '../network/echo.ts';

/** Sees the secrets of one server in what that says, in the forms that docs/network.md lists. */
export class ToldSecrets {
  readonly #needles: readonly Buffer[];

  constructor(values: readonly string[]) {
    this.#needles = values.flatMap(needlesOf);
  }

  /** Whether there is none that could be told. */
  get isEmpty(): boolean {
    return this.#needles.length === 0;
  }

  isIn(said: string): boolean {
    return !this.isEmpty && new EchoWatch(this.#needles).pass(Buffer.from(said)) === null;
  }

  /** What the operator may read of it. */
  without(said: string): string {
    return this.isIn(said) ? 'what it said holds a secret that it was sent, and is left out' : said;
  }
}
