/** Names under which agents can be asked, whoever provides them now. */

/** The services of a kernel: a name leads to one agent. */
export class Services {
  readonly #providers = new Map<string, number>();
  /** Their names by who provides them: most agents that end provide none. */
  readonly #provided = new Map<number, Set<string>>();

  /** False: somebody else provides it. */
  register(name: string, pid: number): boolean {
    const provider = this.#providers.get(name);
    if (provider !== undefined && provider !== pid) {
      return false;
    }
    this.#providers.set(name, pid);
    this.#provided.set(pid, (this.#provided.get(pid) ?? new Set()).add(name));
    return true;
  }

  /** False: nobody provided it. */
  unregister(name: string): boolean {
    const provider = this.#providers.get(name);
    if (provider === undefined) {
      return false;
    }
    this.#providers.delete(name);
    const names = this.#provided.get(provider);
    names?.delete(name);
    if (names?.size === 0) {
      this.#provided.delete(provider);
    }
    return true;
  }

  provider(name: string): number | undefined {
    return this.#providers.get(name);
  }

  list(): { readonly name: string; readonly pid: number }[] {
    return [...this.#providers].map(([name, pid]) => ({ name, pid }));
  }

  /** An agent has ended: what it provided nobody does, until somebody registers. */
  exited(pid: number): void {
    for (const name of [...(this.#provided.get(pid) ?? [])]) {
      this.unregister(name);
    }
  }
}
