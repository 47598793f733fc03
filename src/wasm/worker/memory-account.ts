/** What an agent takes of memory: all its memories and tables together, within its limit and the quotas. */

import type { ControlBlock } from '../../resource/control-blocks.ts';
import { ACCOUNT, type HeldShare } from '../../resource/quota-accounts.ts';

/** Counts the bytes of one agent's memories and tables; the most that there were is its usage. */
export class MemoryAccount {
  readonly #block: Pick<ControlBlock, 'setMemoryBytes'>;
  readonly #limitBytes: number;
  readonly #share: Pick<HeldShare, 'take' | 'add'> | null;
  #bytes = 0;
  #bytesPeak = 0;

  /** `limitBytes` 0 is unlimited; `share` is what its owner and all agents may have together. */
  constructor(
    block: Pick<ControlBlock, 'setMemoryBytes'>,
    limitBytes: number,
    share: Pick<HeldShare, 'take' | 'add'> | null = null,
  ) {
    this.#block = block;
    this.#limitBytes = limitBytes;
    this.#share = share;
  }

  /** What its memories and tables have. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Takes bytes of memories and tables that the module declares; checked and counted at the spawn. */
  takeDeclared(bytes: number): void {
    this.#bytes += bytes;
    this.notePeak();
  }

  /** The most that there was, at the last look. */
  get peakBytes(): number {
    return this.#bytesPeak;
  }

  /** What was taken counts as used once it is there: at the next question, or at the end. */
  notePeak(): void {
    if (this.#bytes > this.#bytesPeak) {
      this.#bytesPeak = this.#bytes;
      this.#block.setMemoryBytes(this.#bytesPeak);
    }
  }

  /** The injected code's question before a memory or table grows: 1, it may; 0, it may not. */
  grow(bytes: number): number {
    this.notePeak();
    if (this.#limitBytes !== 0 && this.#bytes + bytes > this.#limitBytes) {
      return 0;
    }
    if (this.#share !== null && !this.#share.take(ACCOUNT.memory, bytes)) {
      return 0;
    }
    this.#bytes += bytes;
    return 1;
  }

  /** What was taken by `grow` could not be had after all. */
  ungrow(bytes: number): void {
    this.#bytes -= bytes;
    this.#share?.add(ACCOUNT.memory, -bytes);
  }
}
