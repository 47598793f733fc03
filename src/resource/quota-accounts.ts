/** The accounts of quotas in shared memory: what is taken, and the most that may be. */

/** 64-bit words of an account: used and its bound, for each of what is counted. */
export const ACCOUNT_LONGS = 6;
/** What is counted here: the word of what is used; its bound stands behind it. */
export const ACCOUNT = { memory: 0, descriptors: 2, requests: 4 } as const;
/** One of what is counted in an account. */
export type Counted = (typeof ACCOUNT)[keyof typeof ACCOUNT];

/** Hands out accounts behind the control blocks; lives in the kernel. */
export class QuotaAccounts {
  /** The account of all agents: the last one. */
  readonly whole: number;
  readonly #longs: BigInt64Array;
  readonly #free: number[] = [];

  /** `from` is the first word behind the control blocks. */
  constructor(memory: SharedArrayBuffer, from: number, owners: number) {
    this.#longs = new BigInt64Array(memory);
    for (let owner = owners - 1; owner >= 0; owner -= 1) {
      this.#free.push(from + owner * ACCOUNT_LONGS);
    }
    this.whole = wholeAccount(this.#longs);
  }

  /** One for another owner: there is one for each agent. */
  take(): number {
    const account = this.#free.pop();
    if (account === undefined) {
      throw new Error('there are more owners than agents');
    }
    return account;
  }

  /** Opens an account with its bounds; 0 is none. */
  open(
    account: number,
    bounds: { memoryBytes: number; descriptors: number; requests: number },
  ): void {
    this.#longs.fill(0n, account, account + ACCOUNT_LONGS);
    Atomics.store(this.#longs, account + ACCOUNT.memory + 1, BigInt(bounds.memoryBytes));
    Atomics.store(this.#longs, account + ACCOUNT.descriptors + 1, BigInt(bounds.descriptors));
    Atomics.store(this.#longs, account + ACCOUNT.requests + 1, BigInt(bounds.requests));
  }

  used(account: number, counted: Counted): number {
    return Number(Atomics.load(this.#longs, account + counted));
  }

  release(account: number): void {
    this.#free.push(account);
  }
}

/** What counts an agent's requests that are under way. */
export const requestRoomOf = (held: HeldShare) => ({
  take: (): boolean => held.take(ACCOUNT.requests, 1),
  give: (): void => held.add(ACCOUNT.requests, -1),
});

/** Where the account of all agents stands. */
function wholeAccount(longs: BigInt64Array): number {
  return longs.length - ACCOUNT_LONGS;
}

/**
 * What one agent has taken of the accounts of its owner and of all. It stands in its control block, and
 * only whoever runs the agent changes it: the kernel at its spawn and after its end, its worker between.
 */
export class HeldShare {
  readonly #longs: BigInt64Array;
  /** Where it stands in the block: which account, and what was taken of it. */
  readonly #at: number;
  readonly #whole: number;

  constructor(longs: BigInt64Array, at: number) {
    this.#longs = longs;
    this.#at = at;
    this.#whole = wholeAccount(longs);
  }

  /** Takes so many more; false, and nothing is taken: it would pass a quota. */
  take(counted: Counted, amount: number): boolean {
    const account = this.#account;
    if (account === 0) {
      return true;
    }
    if (this.#isOver(account + counted, amount) || this.#isOver(this.#whole + counted, amount)) {
      return false;
    }
    this.add(counted, amount);
    if (this.#isOver(account + counted, 0) || this.#isOver(this.#whole + counted, 0)) {
      // Another thread has taken it at the same moment.
      this.add(counted, -amount);
      return false;
    }
    return true;
  }

  /** Whether one more could be taken just now. */
  hasRoom(counted: Counted): boolean {
    const fits = this.take(counted, 1);
    if (fits) {
      this.add(counted, -1);
    }
    return fits;
  }

  /**
   * Counts so many more, or fewer, whatever the quota. A thread that is ended is ended at a call or a
   * loop, and between these three there is none: so the accounts and the block always agree.
   */
  add(counted: Counted, amount: number): void {
    const longs = this.#longs;
    const account = this.#account;
    if (account === 0) {
      return;
    }
    const many = BigInt(amount);
    const own = this.#at + 1 + (counted >> 1);
    const whole = this.#whole + counted;
    Atomics.add(longs, own, many);
    Atomics.add(longs, account + counted, many);
    Atomics.add(longs, whole, many);
  }

  /** Gives all back. */
  giveBack(): void {
    for (const counted of Object.values(ACCOUNT)) {
      const held = Atomics.load(this.#longs, this.#at + 1 + (counted >> 1));
      this.add(counted, -Number(held));
    }
    Atomics.store(this.#longs, this.#at, 0n);
  }

  /** Index of the owner's account; 0: nothing is counted for it here. */
  get #account(): number {
    return Number(Atomics.load(this.#longs, this.#at));
  }

  #isOver(index: number, more: number): boolean {
    const bound = Atomics.load(this.#longs, index + 1);
    return bound !== 0n && Atomics.load(this.#longs, index) + BigInt(more) > bound;
  }
}
