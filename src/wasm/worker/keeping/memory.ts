/** Memory of an agent that is recorded or replayed: what was refused it is part of the recording. */

import type { FuelTank } from '../fuel.ts';
import { MemoryAccount } from '../memory-account.ts';
import type { Recorder } from './recorder.ts';
import type { Replayer } from './replayer.ts';

/** Notes each growth that failed, for whatever reason. */
export class RecordedMemory extends MemoryAccount {
  readonly #recorder: Recorder;
  readonly #fuel: FuelTank;

  constructor(
    recorder: Recorder,
    fuel: FuelTank,
    ...account: ConstructorParameters<typeof MemoryAccount>
  ) {
    super(...account);
    this.#recorder = recorder;
    this.#fuel = fuel;
  }

  override grow(bytes: number): number {
    this.#recorder.grows();
    const answer = super.grow(bytes);
    if (answer === 0) {
      this.#recorder.growthRefused(this.#fuel.used);
    }
    return answer;
  }

  override ungrow(bytes: number): void {
    this.#recorder.growthRefused(this.#fuel.used);
    super.ungrow(bytes);
  }
}

/** Refuses what was refused, and notes where what was there is not. */
export class ReplayedMemory extends MemoryAccount {
  readonly #replayer: Replayer;
  readonly #fuel: FuelTank;

  constructor(
    replayer: Replayer,
    fuel: FuelTank,
    ...account: ConstructorParameters<typeof MemoryAccount>
  ) {
    super(...account);
    this.#replayer = replayer;
    this.#fuel = fuel;
  }

  override grow(bytes: number): number {
    if (this.#replayer.growthRefused()) {
      this.notePeak();
      return 0;
    }
    const answer = super.grow(bytes);
    if (answer === 0) {
      this.#replayer.memoryMissing(this.#fuel.used);
    }
    return answer;
  }

  override ungrow(bytes: number): void {
    this.#replayer.memoryMissing(this.#fuel.used);
    super.ungrow(bytes);
  }
}
