/** One of the guest's output streams: unchanged into files and pipes, made harmless on terminals. */

import type { Outlet } from './outlet.ts';
import { PrintableStream } from './printable.ts';

/** Hands the guest's bytes on to one of the process's own streams. */
export class GuestOutput {
  readonly #outlet: Outlet;
  readonly #printable: PrintableStream | null;

  constructor(outlet: Outlet) {
    this.#outlet = outlet;
    this.#printable = outlet.isTerminal ? new PrintableStream() : null;
  }

  get isTerminal(): boolean {
    return this.#outlet.isTerminal;
  }

  /**
   * Resolves when the bytes were taken over.
   *
   * @throws {OutletClosedError} when nobody reads any more: the guest then sees a closed stream.
   */
  async write(chunk: Uint8Array): Promise<void> {
    await this.#outlet.write(this.#printable?.push(chunk) ?? chunk);
  }

  /** Shows what is left. Never rejects. */
  async end(): Promise<void> {
    const rest = this.#printable?.end() ?? new Uint8Array();
    await this.#outlet.write(rest).catch(() => {});
  }
}
