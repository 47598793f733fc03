/** Requests between agents that wait for a reply: who has asked whom, by which id of the asker's. */

/** A request that waits. */
export interface OpenRequest {
  readonly asker: number;
  /** By the asker's own count. */
  readonly correlation: number;
  /** Who was asked. */
  readonly asked: number;
}

/** All that wait: nothing is left of who has ended. */
export class OpenRequests {
  readonly #byAsker = new Map<number, Map<number, OpenRequest>>();
  readonly #byAsked = new Map<number, Set<OpenRequest>>();

  get size(): number {
    return [...this.#byAsker.values()].reduce((sum, { size }) => sum + size, 0);
  }

  /**
   * A request has gone out. The asker's oldest is forgotten for one more than `most`. False: it waits
   * under this id already, which no honest asker gives out twice.
   */
  open(request: OpenRequest, most: number): boolean {
    const { asker, correlation, asked } = request;
    const open = this.#byAsker.get(asker) ?? new Map<number, OpenRequest>();
    if (open.has(correlation)) {
      return false;
    }
    this.#byAsker.set(asker, open.set(correlation, request));
    this.#byAsked.set(asked, (this.#byAsked.get(asked) ?? new Set()).add(request));
    if (open.size > most) {
      for (const oldest of open.keys()) {
        this.close(asker, oldest);
        break;
      }
    }
    return true;
  }

  /** Whether this asker waits under this id for a reply of this one. */
  isOpen({ asker, correlation, asked }: OpenRequest): boolean {
    return this.#byAsker.get(asker)?.get(correlation)?.asked === asked;
  }

  /** It has its reply, was never delivered, or nobody waits for it any more. */
  close(asker: number, correlation: number): void {
    const open = this.#byAsker.get(asker);
    const request = open?.get(correlation);
    if (open === undefined || request === undefined) {
      return;
    }
    open.delete(correlation);
    if (open.size === 0) {
      this.#byAsker.delete(asker);
    }
    const ofAsked = this.#byAsked.get(request.asked);
    ofAsked?.delete(request);
    if (ofAsked?.size === 0) {
      this.#byAsked.delete(request.asked);
    }
  }

  /** An agent has ended: answers the requests that it will not reply to. */
  exited(pid: number): OpenRequest[] {
    for (const correlation of [...(this.#byAsker.get(pid)?.keys() ?? [])]) {
      this.close(pid, correlation);
    }
    const unanswered = [...(this.#byAsked.get(pid) ?? [])];
    for (const { asker, correlation } of unanswered) {
      this.close(asker, correlation);
    }
    return unanswered;
  }
}
