/** Who has subscribed to which topics. */

/** Topics that one agent may have subscribed to at a time. */
export const TOPICS_PER_AGENT_MAX = 256;

/** The subscriptions of all agents of a kernel. */
export class Topics {
  readonly #subscribers = new Map<string, Set<number>>();
  readonly #topics = new Map<number, Set<string>>();

  /** Subscriptions of all agents. */
  get size(): number {
    return [...this.#subscribers.values()].reduce((sum, { size }) => sum + size, 0);
  }

  /** Subscribes; again is the same. False: it has as many as it may. */
  subscribe(pid: number, topic: string): boolean {
    const topics = this.#topics.get(pid) ?? new Set();
    if (topics.size >= TOPICS_PER_AGENT_MAX && !topics.has(topic)) {
      return false;
    }
    topics.add(topic);
    this.#topics.set(pid, topics);
    const subscribers = this.#subscribers.get(topic) ?? new Set();
    subscribers.add(pid);
    this.#subscribers.set(topic, subscribers);
    return true;
  }

  /** False: it had not subscribed. */
  unsubscribe(pid: number, topic: string): boolean {
    const topics = this.#topics.get(pid);
    if (topics === undefined || !topics.delete(topic)) {
      return false;
    }
    if (topics.size === 0) {
      this.#topics.delete(pid);
    }
    const subscribers = this.#subscribers.get(topic);
    subscribers?.delete(pid);
    if (subscribers?.size === 0) {
      this.#subscribers.delete(topic);
    }
    return true;
  }

  /** In the order in which they have subscribed. */
  subscribers(topic: string): number[] {
    return [...(this.#subscribers.get(topic) ?? [])];
  }

  /** An agent has ended. */
  exited(pid: number): void {
    for (const topic of [...(this.#topics.get(pid) ?? [])]) {
      this.unsubscribe(pid, topic);
    }
  }
}
