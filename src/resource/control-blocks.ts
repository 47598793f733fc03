/**
 * The control blocks: one slot of shared memory for each agent, written by the worker that runs it and
 * by the kernel that may end it. What stands here survives the death of a worker.
 */

import { RingfenceError } from '../errors.ts';
import { ACCOUNT_LONGS, HeldShare, QuotaAccounts } from './quota-accounts.ts';

/** Bytes of a slot; whole cache lines, so that neighbours on two cores don't share one. */
const SLOT_BYTES = 192;
const WORDS = SLOT_BYTES / 4;
const LONGS = SLOT_BYTES / 8;

/**
 * 32-bit fields of a slot, by index. The state is the command, whether the agent is suspended, and how
 * often grants were revoked.
 */
const WORD = { state: 0, slices: 1, messagesSent: 2, toolCalls: 3 } as const;
/** The first of the eight words whose bits say which grants of the agent were revoked. */
const REVOKED_WORD = 4;
/** Behind those: messages in its mailbox. */
const MAILBOX_WORD = 12;
/** HTTP requests that it has sent. */
const NETWORK_WORD = 13;
/** The highest count that a field of 32 bits holds: what is counted stays there. */
export const COUNT_MAX = 0x7fff_ffff;
/** Grants whose revocation a slot can hold. */
export const REVOCATION_BITS = 256;
/** 64-bit fields of a slot, by index; they begin behind the 32-bit ones. */
const LONG = {
  /** In the last two words of those before: what tools have added to its directories. */
  toolDiskBytes: 7,
  fuel: 8,
  memoryBytes: 9,
  cpuTimeMicroseconds: 10,
  diskBytes: 11,
  longestWaitMicroseconds: 12,
  /** The owner's account, and three words of what was taken of it: quota-accounts.ts. */
  held: 13,
  /** Behind those four: bytes of bodies and of sockets that it has sent and received. */
  networkBytesOut: 17,
  networkBytesIn: 18,
} as const;

/** What the kernel tells a worker about an agent, at any time, through the agent's slot. */
export const COMMAND = { none: 0, kill: 1, timeout: 2, reap: 3 } as const;
/** Where the command stands in the state. */
const COMMAND_MASK = 0x7f;
/** Beside it: the agent may not run. Above both, the revocations are counted. */
const SUSPENDED = 0x80;
const REVOCATION = 0x100;
export type Command = (typeof COMMAND)[keyof typeof COMMAND];

/** What is counted in a slot. */
export interface Counters {
  fuel: number;
  memoryBytes: number;
  cpuTimeMicroseconds: number;
  messagesSent: number;
  toolCalls: number;
  diskBytes: number;
  slices: number;
  longestWaitMicroseconds: number;
  /** Messages in its mailbox now. */
  mailboxMessages: number;
  networkRequests: number;
  networkBytesOut: number;
  networkBytesIn: number;
}

/** The memory of all slots, as one thread looks at it: a view of its own for each agent would cost more. */
export class ControlViews {
  readonly words: Int32Array;
  readonly longs: BigInt64Array;

  constructor(memory: SharedArrayBuffer) {
    this.words = new Int32Array(memory);
    this.longs = new BigInt64Array(memory);
  }
}

/** One agent's slot. */
export class ControlBlock {
  readonly slot: number;
  /** What it has taken of the quotas. */
  readonly held: HeldShare;
  readonly #words: Int32Array;
  readonly #longs: BigInt64Array;
  /** Where the slot's fields begin in both. */
  readonly #word: number;
  readonly #long: number;

  constructor({ words, longs }: ControlViews, slot: number) {
    this.slot = slot;
    this.#words = words;
    this.#longs = longs;
    this.#word = slot * WORDS;
    this.#long = slot * LONGS;
    this.held = new HeldShare(longs, this.#long + LONG.held);
  }

  /** From now on, what its agent takes counts towards this account, and that of all. */
  openAccount(account: number): void {
    Atomics.store(this.#longs, this.#long + LONG.held, BigInt(account));
  }

  /**
   * Changes whenever the command does or a grant is revoked: one look at it tells a host call that
   * nothing has.
   */
  get state(): number {
    return Atomics.load(this.#words, this.#word + WORD.state);
  }

  /** What the kernel wants of the agent; read at each slice and each host call. */
  get command(): Command {
    return (this.state & COMMAND_MASK) as Command;
  }

  /** Only the first command counts: an agent that was killed does not time out afterwards. */
  request(command: Command): boolean {
    for (;;) {
      const { state } = this;
      if ((state & COMMAND_MASK) !== COMMAND.none) {
        return false;
      }
      if (
        Atomics.compareExchange(this.#words, this.#word + WORD.state, state, state | command) ===
        state
      ) {
        return true;
      }
    }
  }

  /** Whether the agent may not run; read at the end of each slice, and before each run. */
  get isSuspended(): boolean {
    return (this.state & SUSPENDED) !== 0;
  }
  suspend(): void {
    Atomics.or(this.#words, this.#word + WORD.state, SUSPENDED);
  }
  resume(): void {
    Atomics.and(this.#words, this.#word + WORD.state, ~SUSPENDED);
  }

  /** Slices that the agent has used up. */
  get slices(): number {
    return Atomics.load(this.#words, this.#word + WORD.slices);
  }
  addSlice(): void {
    this.#count(WORD.slices);
  }

  get messagesSent(): number {
    return Atomics.load(this.#words, this.#word + WORD.messagesSent);
  }
  addMessage(): void {
    this.#count(WORD.messagesSent);
  }

  get toolCalls(): number {
    return Atomics.load(this.#words, this.#word + WORD.toolCalls);
  }
  addToolCall(): void {
    this.#count(WORD.toolCalls);
  }

  get mailboxMessages(): number {
    return Atomics.load(this.#words, this.#word + MAILBOX_WORD);
  }
  setMailboxMessages(messages: number): void {
    Atomics.store(this.#words, this.#word + MAILBOX_WORD, messages);
  }

  /** One more; only whoever runs the agent counts. One that went round would be below any limit again. */
  #count(word: number): void {
    if (Atomics.load(this.#words, this.#word + word) < COUNT_MAX) {
      Atomics.add(this.#words, this.#word + word, 1);
    }
  }

  /** Takes over what was counted where this memory isn't shared; no count ever goes down. */
  raise(counted: Pick<Counters, 'slices' | 'messagesSent' | 'toolCalls'>): void {
    for (const name of ['slices', 'messagesSent', 'toolCalls'] as const) {
      const most = Math.min(counted[name], COUNT_MAX);
      if (most > Atomics.load(this.#words, this.#word + WORD[name])) {
        Atomics.store(this.#words, this.#word + WORD[name], most);
      }
    }
  }

  /** Says that a grant of the agent is no longer in force; every check from now on sees it. */
  revokeGrant(index: number): void {
    Atomics.or(this.#words, this.#word + REVOKED_WORD + (index >>> 5), 1 << (index & 31));
    Atomics.add(this.#words, this.#word + WORD.state, REVOCATION);
  }
  isGrantRevoked(index: number): boolean {
    return (
      ((Atomics.load(this.#words, this.#word + REVOKED_WORD + (index >>> 5)) >>> (index & 31)) &
        1) ===
      1
    );
  }

  setDiskBytes(bytes: number): void {
    Atomics.store(this.#longs, this.#long + LONG.diskBytes, BigInt(bytes));
  }
  /** What tools have added to its directories on its behalf, beside what it has added itself. */
  get toolDiskBytes(): number {
    return Number(Atomics.load(this.#longs, this.#long + LONG.toolDiskBytes));
  }
  /** Takes of the limit of disk, 0 is none; false, and nothing is taken: it would pass it. */
  takeToolDisk(bytes: number, limit: number): boolean {
    const at = this.#long + LONG.toolDiskBytes;
    // First taken, then looked at, as the agent's own thread does: of two at a time one sees the other.
    const used = Number(Atomics.add(this.#longs, at, BigInt(bytes))) + bytes;
    const own = Number(Atomics.load(this.#longs, this.#long + LONG.diskBytes));
    if (limit !== 0 && own + used > limit) {
      Atomics.sub(this.#longs, at, BigInt(bytes));
      return false;
    }
    return true;
  }
  giveToolDisk(bytes: number): void {
    Atomics.sub(this.#longs, this.#long + LONG.toolDiskBytes, BigInt(bytes));
  }
  setFuel(units: number): void {
    Atomics.store(this.#longs, this.#long + LONG.fuel, BigInt(units));
  }
  setMemoryBytes(bytes: number): void {
    Atomics.store(this.#longs, this.#long + LONG.memoryBytes, BigInt(bytes));
  }
  setCpuTimeMicroseconds(microseconds: number): void {
    Atomics.store(
      this.#longs,
      this.#long + LONG.cpuTimeMicroseconds,
      BigInt(Math.round(microseconds)),
    );
  }
  setLongestWaitMicroseconds(microseconds: number): void {
    Atomics.store(
      this.#longs,
      this.#long + LONG.longestWaitMicroseconds,
      BigInt(Math.round(microseconds)),
    );
  }

  /** So many requests were sent, so many bytes of bodies have gone and come; only one side counts. */
  addNetwork(requests: number, bytesOut: number, bytesIn: number): void {
    for (let count = 0; count < requests; count += 1) {
      this.#count(NETWORK_WORD);
    }
    Atomics.add(this.#longs, this.#long + LONG.networkBytesOut, BigInt(bytesOut));
    Atomics.add(this.#longs, this.#long + LONG.networkBytesIn, BigInt(bytesIn));
  }

  /** All counters at one moment. */
  read(): Counters {
    const long = (index: number): number => Number(Atomics.load(this.#longs, this.#long + index));
    return {
      fuel: long(LONG.fuel),
      memoryBytes: long(LONG.memoryBytes),
      cpuTimeMicroseconds: long(LONG.cpuTimeMicroseconds),
      diskBytes: long(LONG.diskBytes) + long(LONG.toolDiskBytes),
      messagesSent: this.messagesSent,
      toolCalls: this.toolCalls,
      slices: this.slices,
      longestWaitMicroseconds: long(LONG.longestWaitMicroseconds),
      mailboxMessages: this.mailboxMessages,
      networkRequests: Atomics.load(this.#words, this.#word + NETWORK_WORD),
      networkBytesOut: long(LONG.networkBytesOut),
      networkBytesIn: long(LONG.networkBytesIn),
    };
  }

  /** Empties the slot for its next owner. */
  clear(): void {
    for (let word = 0; word < WORDS; word += 1) {
      Atomics.store(this.#words, this.#word + word, 0);
    }
  }
}

/** Hands out slots; lives in the kernel, the workers only see the memory. */
export class ControlBlocks {
  readonly memory: SharedArrayBuffer;
  readonly accounts: QuotaAccounts;
  readonly #views: ControlViews;
  readonly #free: number[] = [];

  constructor(capacity: number) {
    const accountBytes = (capacity + 1) * ACCOUNT_LONGS * 8;
    this.memory = new SharedArrayBuffer(capacity * SLOT_BYTES + accountBytes);
    this.#views = new ControlViews(this.memory);
    this.accounts = new QuotaAccounts(this.memory, capacity * LONGS, capacity);
    for (let slot = capacity - 1; slot >= 0; slot -= 1) {
      this.#free.push(slot);
    }
  }

  /** @throws {RingfenceError} `RF_PROCESS_TABLE_FULL` when every slot is taken. */
  take(): ControlBlock {
    const slot = this.#free.pop();
    if (slot === undefined) {
      throw new RingfenceError(
        'RF_PROCESS_TABLE_FULL',
        'Cannot spawn the agent as every control block is taken: wait for an agent to exit, or open the kernel with a larger capacity.',
      );
    }
    return new ControlBlock(this.#views, slot);
  }

  /** Takes a slot back; the caller has read it, and no worker writes to it any more. */
  release(block: ControlBlock): void {
    block.clear();
    this.#free.push(block.slot);
  }
}
