/** What an agent takes of memory: all its memories and tables together, within its limit. */

import type { ControlBlock } from '../../resource/control-blocks.ts';

/** Counts the bytes of one agent's memories and tables; the most that there were is its usage. */
export class MemoryAccount {
  readonly #block: Pick<ControlBlock, 'setMemoryBytes'>;
  readonly #limitBytes: number;
  #bytes = 0;
  #bytesPeak = 0;

  /** `limitBytes` 0 is unlimited. */
  constructor(block: Pick<ControlBlock, 'setMemoryBytes'>, limitBytes: number) {
    this.#block = block;
    this.#limitBytes = limitBytes;
  }

  /** Takes bytes of memories and tables that the module declares; they were checked at the spawn. */
  takeDeclared(bytes: number): void {
    this.#bytes += bytes;
    this.notePeak();
  }

  /** What was taken counts as used once it is there: at the next question, or at the end. */
  notePeak(): void {
    if (this.#bytes > this.#bytesPeak) {
      this.#bytesPeak = this.#bytes;
      this.#block.setMemoryBytes(this.#bytesPeak);
    }
  }

  /** The injected code's question before a memory or table grows: 1, it may; 0, it may not. */
  readonly grow = (bytes: number): number => {
    this.notePeak();
    if (this.#limitBytes !== 0 && this.#bytes + bytes > this.#limitBytes) {
      return 0;
    }
    this.#bytes += bytes;
    return 1;
  };

  /** What was taken by `grow` could not be had after all. */
  readonly ungrow = (bytes: number): void => {
    this.#bytes -= bytes;
  };
}
