/** Why a server's tool could not be called, in words that whoever calls it may read: none of them are the server's. */

/** The kinds of failure, as agents know them. */
export type FailureKind = 'invalid' | 'limit-exceeded' | 'not-found' | 'timeout' | 'unavailable';

/** A failure of a server. */
export class ServerFailure extends Error {
  readonly kind: FailureKind;

  /** `cause` is for the operator alone. */
  constructor(kind: FailureKind, message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'ServerFailure';
    this.kind = kind;
  }
}

/** What went wrong, with its causes, as one line for the operator. */
export function causesOf(error: unknown): string {
  const said: string[] = [];
  for (let each = error; each instanceof Error && said.length < 4; each = each.cause) {
    said.push(each.message);
  }
  return said.length === 0 ? String(error) : said.join(': ');
}
