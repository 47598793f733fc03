/**
 * Quotas: what all agents of a kernel have together, and what those of one owner have.
 *
 * Agents and stacks are counted here alone, where agents are spawned. Memory and descriptors are taken in
 * workers too, so their accounts stand in the shared memory behind the control blocks, and what each
 * agent has taken of them stands in its own block: that survives the death of its worker, and is given
 * back once, at its exit.
 */

import * as z from 'zod';
import { RingfenceError } from '../errors.ts';
import type { ControlBlock } from './control-blocks.ts';
import { ACCOUNT, type QuotaAccounts } from './quota-accounts.ts';

/** Bounds on what several agents have together; 0 is unlimited. */
export interface Quotas {
  /** Bytes of their memories and tables. With isolation `process`: their limits. @default 0 */
  readonly memoryBytes: number;
  /** Agents that have not exited. @default 0 */
  readonly agents: number;
  /** Descriptors: directories of the host that are mounted, and what is open in mounts. @default 0 */
  readonly descriptors: number;
  /** Stacks in this process: one for each agent but those with isolation `process`. @default 0 */
  readonly stacks: number;
}

const amount = z.number().int().nonnegative().max(Number.MAX_SAFE_INTEGER).optional();

/** Reads quotas; what is absent is unlimited. */
export const quotasSchema = z.strictObject({
  memoryBytes: amount,
  agents: amount,
  descriptors: amount,
  stacks: amount,
});

/** Quotas as a caller writes them. */
export type QuotasInput = { readonly [Name in keyof Quotas]?: number | undefined };

/** What an agent has from its spawn on. */
export interface Admitted {
  readonly agentId: string;
  /** Whose quota it counts towards: `=NAME`, or that of one without a name. */
  readonly owner: string;
  /** Infinite where it runs in another process without a limit. */
  readonly memoryBytes: number;
  readonly descriptors: number;
  readonly stacks: 0 | 1;
}

/** Agents and stacks of one owner, or of all. */
interface Counts {
  readonly account: number;
  agents: number;
  stacks: number;
}

const NAMES = ['agents', 'stacks', 'descriptors', 'memoryBytes'] as const;
const WORDS = {
  agents: 'agents',
  stacks: 'stacks',
  descriptors: 'descriptors',
  memoryBytes: 'bytes of memory',
} as const;

const within = (quotas: QuotasInput): Quotas => ({
  memoryBytes: quotas.memoryBytes ?? 0,
  agents: quotas.agents ?? 0,
  descriptors: quotas.descriptors ?? 0,
  stacks: quotas.stacks ?? 0,
});

/** All quotas of a kernel; lives where agents are spawned. */
export class QuotaBook {
  readonly #accounts: QuotaAccounts;
  readonly #whole: Quotas;
  readonly #each: Quotas;
  readonly #all: Counts;
  /** As many as there are live agents, at most. */
  readonly #owners = new Map<string, Counts>();

  /** `requests`: HTTP requests of all agents that may be under way; 0 is unlimited. */
  constructor(
    accounts: QuotaAccounts,
    whole: QuotasInput = {},
    each: QuotasInput = {},
    requests = 0,
  ) {
    this.#accounts = accounts;
    this.#whole = within(whole);
    this.#each = within(each);
    this.#all = { account: accounts.whole, agents: 0, stacks: 0 };
    accounts.open(accounts.whole, { ...this.#whole, requests });
  }

  /** Owners that have agents. */
  get owners(): number {
    return this.#owners.size;
  }

  /** What all agents may have together; 0 is unlimited. */
  get whole(): Quotas {
    return this.#whole;
  }

  /** What all agents have, or those of an owner. */
  used(owner?: string): Quotas {
    const counts = owner === undefined ? this.#all : this.#owners.get(owner);
    if (counts === undefined) {
      return within({});
    }
    return {
      agents: counts.agents,
      stacks: counts.stacks,
      memoryBytes: this.#accounts.used(counts.account, ACCOUNT.memory),
      descriptors: this.#accounts.used(counts.account, ACCOUNT.descriptors),
    };
  }

  /**
   * Counts an agent, and all that it has from its spawn on, in its block.
   *
   * @throws {RingfenceError} `RF_QUOTA_EXCEEDED`, and nothing is counted
   */
  admit(block: ControlBlock, admitted: Admitted): void {
    const { owner } = admitted;
    this.#check(admitted, this.used(), this.#whole, null);
    this.#check(admitted, this.used(owner), this.#each, owner);
    let counts = this.#owners.get(owner);
    if (counts === undefined) {
      counts = { account: this.#accounts.take(), agents: 0, stacks: 0 };
      this.#accounts.open(counts.account, { ...this.#each, requests: 0 });
      this.#owners.set(owner, counts);
    }
    for (const one of [counts, this.#all]) {
      one.agents += 1;
      one.stacks += admitted.stacks;
    }
    block.openAccount(counts.account);
    const { held } = block;
    const memoryBytes = Number.isFinite(admitted.memoryBytes) ? admitted.memoryBytes : 0;
    const room =
      held.take(ACCOUNT.memory, memoryBytes) &&
      held.take(ACCOUNT.descriptors, admitted.descriptors);
    if (!room) {
      // An agent that runs has taken it since it was looked at.
      this.release(block, admitted);
      this.#check(admitted, this.used(), this.#whole, null);
      this.#check(admitted, this.used(owner), this.#each, owner);
      throw new RingfenceError(
        'RF_QUOTA_EXCEEDED',
        `Cannot spawn '${admitted.agentId}' as other agents took what was left of a quota: try again.`,
      );
    }
  }

  /** Gives back what the agent of a block had; it has ended, and nobody counts for it any more. */
  release(block: ControlBlock, { owner, stacks }: Admitted): void {
    const counts = this.#owners.get(owner);
    if (counts === undefined) {
      throw new Error(`the owner ${owner} has no agent to be released`);
    }
    block.held.giveBack();
    for (const one of [counts, this.#all]) {
      one.agents -= 1;
      one.stacks -= stacks;
    }
    if (counts.agents === 0) {
      this.#owners.delete(owner);
      this.#accounts.release(counts.account);
    }
  }

  #check(asked: Admitted, used: Quotas, quotas: Quotas, owner: string | null): void {
    for (const name of NAMES) {
      const more = name === 'agents' ? 1 : asked[name];
      if (quotas[name] === 0 || more === 0 || used[name] + more <= quotas[name]) {
        continue;
      }
      const who =
        owner === null
          ? 'the agents of this kernel'
          : `the agents of its owner '${owner.replace(/^=/, '')}'`;
      const option = `${owner === null ? 'quotas' : 'ownerQuotas'}.${name}`;
      throw new RingfenceError(
        'RF_QUOTA_EXCEEDED',
        `Cannot spawn '${asked.agentId}' as ${who} have ${used[name]} ${WORDS[name]}, it takes ${Number.isFinite(more) ? more : 'any number'} more, and the quota is ${quotas[name]}: wait for one to exit, or open the kernel with a larger ${option}.`,
        {
          quota: name,
          owner: owner?.replace(/^=/, '') ?? null,
          used: used[name],
          asked: Number.isFinite(more) ? more : null,
          max: quotas[name],
        },
      );
    }
  }
}
