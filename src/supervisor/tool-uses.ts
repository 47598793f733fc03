/** What an agent has used of each tool, as its report says it. */

/** Tools that a report names. */
const REPORTED_TOOLS_MAX = 64;

/** How often an agent has called a tool, and how that came out. */
export interface ToolUse {
  /** Null: tools that are not offered, and those past the first 64. */
  readonly name: string | null;
  readonly calls: number;
  /** Of them, those that the agent was told had failed or were refused. */
  readonly failed: number;
  /** Milliseconds from the calls to their answers, waiting for a turn included. */
  readonly wall_time_ms: number;
}

/** The tools that one agent has called, a bounded number of them by name. */
export class ToolUses {
  /** Null until it calls one: most agents call none. */
  #byName: Map<string | null, { calls: number; failed: number; tookMs: number }> | null = null;

  /** A call begins; `name` null: there is no such tool. Answers what to tell when it has come out. */
  begin(name: string | null): (failed: boolean, tookMs: number) => void {
    this.#byName ??= new Map();
    const isNamed = this.#byName.has(name) || this.#byName.size < REPORTED_TOOLS_MAX;
    const key = isNamed ? name : null;
    const use = this.#byName.get(key) ?? { calls: 0, failed: 0, tookMs: 0 };
    use.calls += 1;
    this.#byName.set(key, use);
    return (failed, tookMs) => {
      use.failed += failed ? 1 : 0;
      use.tookMs += tookMs;
    };
  }

  /** In the order of their first calls. */
  list(): ToolUse[] {
    return [...(this.#byName ?? [])].map(([name, { calls, failed, tookMs }]) => ({
      name,
      calls,
      failed,
      wall_time_ms: Math.round(tookMs),
    }));
  }
}
