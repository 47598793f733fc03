/** Events that were removed, as a chain is read: which ones it says so of, and the hashes that stand for them. */

const HASH_BYTES = 32;

/** A line of hashes, in base64; `verify-lines.ts` bounds its length, as that of each line. */
const LINE = /^\{"pruned":\{"first":(\d{1,16}),"hashes":"([A-Za-z0-9+/]+={0,2})"\}\}$/;

/** Hashes of events that are next to each other. */
export interface RemovedLine {
  readonly first: number;
  /** In hexadecimal. */
  readonly hashes: readonly string[];
}

/** Reads a line of hashes. Null: it is not in the format. */
export function readRemovedLine(line: string): RemovedLine | null {
  const parts = LINE.exec(line);
  const bytes = Buffer.from(parts?.[2] ?? '', 'base64');
  if (parts === null || bytes.length % HASH_BYTES !== 0 || bytes.length === 0) {
    return null;
  }
  const hashes: string[] = [];
  for (let at = 0; at < bytes.length; at += HASH_BYTES) {
    hashes.push(bytes.toString('hex', at, at + HASH_BYTES));
  }
  return { first: Number(parts[1]), hashes };
}

/** What is known of removed events. */
export class RemovedEvents {
  /** How many there are. */
  count = 0;
  /** Behind the last of them. */
  end = 0;
  /** Below which events were removed, as the chain says where it is signed; and as it says at all. */
  #signed = 0;
  #claimed = 0;

  /** An event says that those before it were removed; false: it does not say which. */
  claim(before: unknown): boolean {
    if (!Number.isSafeInteger(before)) {
      return false;
    }
    this.#claimed = Math.max(this.#claimed, Number(before));
    return true;
  }

  /** What was claimed is signed, or nobody signs the chain. */
  sign(): void {
    this.#signed = this.#claimed;
  }

  /** A line stood for some. */
  add(count: number, end: number): void {
    this.count += count;
    this.end = end;
  }

  /** The first event that is gone though nothing signed says so; null: there is none. */
  get unexplained(): number | null {
    return this.end > this.#signed ? this.#signed : null;
  }
}
