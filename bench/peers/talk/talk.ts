/** Two who talk. */

/** What can be asked of a pair. What arrives is counted, and an error if it is not what was sent. */
export interface Talk extends AsyncDisposable {
  readonly name: string;
  /** Milliseconds until the last of so many messages has arrived. */
  send(messages: number, bytes: number): Promise<number>;
  /** Microseconds of each of so many requests, one after another. */
  ask(requests: number, bytes: number): Promise<number[]>;
}

/** @throws {Error} where not all bytes arrived */
export function requireBytes(name: string, arrived: unknown, expected: number): void {
  if (arrived !== expected) {
    throw new Error(`${name}: ${String(arrived)} bytes arrived, and ${expected} were sent`);
  }
}
