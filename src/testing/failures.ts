/** What a test's own handlers have thrown: it fails the test, wherever that is by then. */

/**
 * Whether it is an expectation that was not met, of vitest, Chai, `node:assert` or Jest: other errors a tool may
 * throw for its agent.
 */
export const isAssertion = (error: unknown): boolean =>
  error instanceof Error && (/AssertionError$/.test(error.name) || 'matcherResult' in error);

/** The first thing that a handler has thrown. */
export class Failures {
  readonly #happened = Promise.withResolvers<never>();
  #first: { readonly error: unknown } | null = null;
  #told = false;

  constructor() {
    // Nobody need be waiting when it happens: then it is thrown at the end.
    this.#happened.promise.catch(() => {});
  }

  /** Fails the test; false: it has failed before. */
  add(error: unknown): boolean {
    if (this.#first !== null) return false;
    this.#first = { error };
    this.#happened.reject(error);
    return true;
  }

  /** Resolves as `work` does, or rejects with what a handler throws, whichever is first. */
  async beside<Value>(work: Promise<Value>): Promise<Value> {
    try {
      return await Promise.race([this.#happened.promise, work]);
    } catch (error) {
      if (error === this.#first?.error) this.#told = true;
      throw error;
    }
  }

  /** Throws what a handler has thrown, unless somebody was told of it already. */
  throwUntold(): void {
    if (this.#first === null || this.#told) return;
    this.#told = true;
    throw this.#first.error;
  }
}
