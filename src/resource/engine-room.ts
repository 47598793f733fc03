/**
 * What V8 and the system have for one process, and what its agents may take of it. V8 ends the whole
 * process where one more stack or memory can't be mapped, and nothing catches that: so agents are
 * refused before. All kernels of a process share one room.
 */

import { RingfenceError } from '../errors.ts';

const PAGE_BYTES = 65_536;
const GIB = 1024 ** 3;

/** Addresses that V8 reserves for a memory by default, whatever it declares. */
const FAST_MEMORY_BYTES = 8 * GIB;
/** … and for one of 64 bits: measured, half as many fit a process. */
const FAST_MEMORY64_BYTES = 16 * GIB;
/** The same without its trap handler, where a memory declares no maximum. */
const DENSE_MEMORY_BYTES = 4 * GIB;
/** Of 128 TiB of addresses: some 14,000 memories by default. */
const ADDRESSES_MAX = 112_000 * GIB;
/** Mappings of a suspended stack, however deep it is, and of a memory: measured, 5.1 for both. */
const MAPPINGS_OF_STACK = 3;
const MAPPINGS_OF_MEMORY = 2;
/** Left to the program, to Node and to V8. */
const MAPPINGS_LEFT = 4_000;
/** Linux' own bound on a process' mappings (`vm.max_map_count`), where it isn't told. */
export const MAPPINGS_DEFAULT = 65_530;

/** A memory as a module declares it. */
export interface DeclaredMemory {
  readonly maximumPages: number | null;
  readonly is64: boolean;
}

/** How much there is of something, and how much of it is used. */
export interface Taken {
  readonly used: number;
  readonly max: number;
}

/** What an agent takes of the process. */
export interface EngineShare {
  readonly mappings: number;
  readonly addressBytes: number;
}

/** The room of one process. */
export class EngineRoom {
  readonly #mappingsMax: number;
  readonly #dense: boolean;
  #mappings = 0;
  #addressBytes = 0;

  /**
   * @param options.mapCountMax `vm.max_map_count` of the system
   * @param options.trapHandler Whether V8 reserves 8 GiB for each memory, to save bounds checks
   */
  constructor(options: { readonly mapCountMax: number; readonly trapHandler: boolean }) {
    this.#mappingsMax = Math.max(0, options.mapCountMax - MAPPINGS_LEFT);
    this.#dense = !options.trapHandler;
  }

  /** Whether memories take no more addresses than they declare. */
  get dense(): boolean {
    return this.#dense;
  }

  get isEmpty(): boolean {
    return this.#mappings === 0 && this.#addressBytes === 0;
  }

  /** What is taken, and the most that can be. */
  get taken(): { readonly mappings: Taken; readonly addressBytes: Taken } {
    return {
      mappings: { used: this.#mappings, max: this.#mappingsMax },
      addressBytes: { used: this.#addressBytes, max: ADDRESSES_MAX },
    };
  }

  /**
   * Takes room for an agent.
   *
   * @throws {RingfenceError} `RF_PROCESS_TABLE_FULL` when the process has no room for it
   */
  take(agentId: string, memories: readonly DeclaredMemory[]): EngineShare {
    const mappings = MAPPINGS_OF_STACK + MAPPINGS_OF_MEMORY * memories.length;
    const addressBytes = memories.reduce((sum, memory) => sum + this.#reserved(memory), 0);
    if (this.#mappings + mappings > this.#mappingsMax) {
      this.#refuse(agentId, 'mappings', this.#mappings, mappings, this.#mappingsMax, [
        'raise vm.max_map_count',
      ]);
    }
    if (this.#addressBytes + addressBytes > ADDRESSES_MAX) {
      this.#refuse(agentId, 'addressBytes', this.#addressBytes, addressBytes, ADDRESSES_MAX, [
        this.#dense
          ? 'build modules whose memory has a maximum'
          : 'run the program with node --disable-wasm-trap-handler',
      ]);
    }
    this.#mappings += mappings;
    this.#addressBytes += addressBytes;
    return { mappings, addressBytes };
  }

  /** Gives back what `take` answered. */
  give(share: EngineShare): void {
    this.#mappings -= share.mappings;
    this.#addressBytes -= share.addressBytes;
  }

  #reserved({ maximumPages, is64 }: DeclaredMemory): number {
    // One of 64 bits is guarded as by default, whatever the flag says of others.
    if (is64) {
      return FAST_MEMORY64_BYTES;
    }
    if (!this.#dense) {
      return FAST_MEMORY_BYTES;
    }
    return maximumPages === null ? DENSE_MEMORY_BYTES : maximumPages * PAGE_BYTES;
  }

  #refuse(
    agentId: string,
    what: 'mappings' | 'addressBytes',
    used: number,
    asked: number,
    max: number,
    ways: readonly string[],
  ): never {
    const words = what === 'mappings' ? 'mappings of memory' : 'bytes of addresses';
    const instead = [...ways, 'run another kernel in another process'].join(', or ');
    throw new RingfenceError(
      'RF_PROCESS_TABLE_FULL',
      `Cannot spawn '${agentId}' as the agents of this process have ${used} ${words}, it takes ${asked} more, and ${max} are the most that V8 is sure to survive: wait for agents to exit, ${instead}, or spawn it with isolation 'process'.`,
      { what, used, asked, max },
    );
  }
}
