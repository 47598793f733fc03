/** Runs the checks of the program that runs the kernel: each within its time, and never twice at once. */

import * as z from 'zod';
import type { HealthPart, PartStatus } from './health.ts';

/** What a check answers; nothing means healthy. One that throws is unhealthy. */
export type CheckAnswer =
  | undefined
  | { readonly status: Exclude<PartStatus, 'unknown'>; readonly message?: string };

/** A check of the program's own. */
export type HealthCheck = () => CheckAnswer | Promise<CheckAnswer>;

/** How long a check has to answer: the reference gives none, and one that hangs holds up all others. */
const CHECK_MS = 5_000;

/** Checks by name. */
export class HealthChecks {
  readonly #checks: ReadonlyMap<string, HealthCheck>;
  readonly #withinMs: number;
  /** Those that have not answered yet: who hangs is asked again when it has. */
  readonly #underWay = new Map<string, Promise<HealthPart>>();

  constructor(checks: Readonly<Record<string, HealthCheck>> = {}, withinMs = CHECK_MS) {
    this.#checks = new Map(Object.entries(checks));
    this.#withinMs = withinMs;
  }

  /** Asks all at once. */
  run(): Promise<HealthPart[]> {
    return Promise.all(Array.from(this.#checks, ([name, check]) => this.#run(name, check)));
  }

  #run(name: string, check: HealthCheck): Promise<HealthPart> {
    let underWay = this.#underWay.get(name);
    if (underWay === undefined) {
      underWay = ask(name, check).finally(() => this.#underWay.delete(name));
      this.#underWay.set(name, underWay);
    }
    const { promise: late, resolve } = Promise.withResolvers<HealthPart>();
    const timer = setTimeout(() => {
      const message = `it has not answered within ${this.#withinMs} ms`;
      resolve({ name, status: 'unknown', message });
    }, this.#withinMs);
    return Promise.race([underWay, late]).finally(() => clearTimeout(timer));
  }
}

const answerSchema = z
  .strictObject({
    status: z.enum(['healthy', 'degraded', 'unhealthy']),
    message: z.string().optional(),
  })
  .optional();

async function ask(name: string, check: HealthCheck): Promise<HealthPart> {
  try {
    const parsed = answerSchema.safeParse(await check());
    if (!parsed.success) {
      const message = 'its check has answered no status: answer healthy, degraded or unhealthy';
      return { name, status: 'unhealthy', message };
    }
    const { status = 'healthy', message = null } = parsed.data ?? {};
    return { name, status, message };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { name, status: 'unhealthy', message };
  }
}
