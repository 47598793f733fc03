/** Names under which agents can be asked, whoever provides them now. */

/** The services of a kernel: a name leads to one agent. */
export class Services {
  readonly #providers = new Map<string, number>();

  /** False: somebody else provides it. */
  register(name: string, pid: number): boolean {
    const provider = this.#providers.get(name);
    if (provider !== undefined && provider !== pid) {
      return false;
    }
    this.#providers.set(name, pid);
    return true;
  }

  unregister(name: string): boolean {
    return this.#providers.delete(name);
  }

  provider(name: string): number | undefined {
    return this.#providers.get(name);
  }

  list(): { readonly name: string; readonly pid: number }[] {
    return [...this.#providers].map(([name, pid]) => ({ name, pid }));
  }

  /** An agent has ended: what it provided nobody does, until somebody registers. */
  exited(pid: number): void {
    for (const [name, provider] of [...this.#providers]) {
      if (provider === pid) {
        this.#providers.delete(name);
      }
    }
  }
}
