/** The views of one linked memory, shared by all lowered functions that use it. */

const NO_BYTES = new Uint8Array(0);
const NO_VIEW = new DataView(NO_BYTES.buffer);

/**
 * Views of a memory, for as long as its buffer lives. A memory that grows detaches its buffer, which
 * leaves views of length 0: that is how stale ones are noticed. So are those that were forgotten.
 */
export class MemoryViews {
  bytes: Uint8Array = NO_BYTES;
  view: DataView = NO_VIEW;

  /** Looks at the memory anew. */
  refresh({ buffer }: WebAssembly.Memory): void {
    this.bytes = new Uint8Array(buffer);
    this.view = new DataView(buffer);
  }

  /** The memory is another agent's from now on, or nobody's. */
  forget(): void {
    this.bytes = NO_BYTES;
    this.view = NO_VIEW;
  }
}
