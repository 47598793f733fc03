/** What comes of verifying a chain: whether it is valid, and the first thing that is wrong with it. */

/** What can be wrong. */
export type BadReason =
  /** A line is not what was written: its hash, its form or its time is wrong. */
  | 'altered'
  /** An event is not there. */
  | 'missing'
  /** An event stands in another's place. */
  | 'reordered'
  /** An event is there twice. */
  | 'duplicated'
  /** Events of another history: they do not follow on those before, or on what was signed or anchored. */
  | 'forked'
  /** The chain ends before what was signed or anchored. */
  | 'truncated'
  /** A signature is not that of the key that it must be. */
  | 'wrong_key'
  /** More events are without a signature than the chain's own rule allows. */
  | 'unsigned';

/** The first thing that is wrong. */
export interface BadPlace {
  readonly reason: BadReason;
  /** The event's sequence number: the first one that can't be believed. */
  readonly seq: number;
  /** The last event that may be meant, where a checkpoint or an anchor says only that one of several is. */
  readonly lastSeq: number;
  /** The line, from 1; 0 where it is the end. */
  readonly line: number;
  readonly message: string;
}

/** What came of it. */
export interface Verdict {
  readonly valid: boolean;
  readonly problem: BadPlace | null;
  /** The chain's name; null where there is not even a first event. */
  readonly chain: string | null;
  /** Events that were verified, those of which only the hash is kept included. */
  readonly events: number;
  /** Of these, events of which only the hash is kept. */
  readonly pruned: number;
  /** What events say is there without a gap from this one on; 0: nothing was removed. */
  readonly begins: number;
  readonly checkpoints: number;
  /** Events that the last good checkpoint covers. */
  readonly signed: number;
  /** The key in force at the end, as C2SP writes it; null: the chain is not signed. */
  readonly key: string | null;
  /** Whether that key comes from one that was given. */
  readonly trusted: boolean;
  /** Anchors that were met. */
  readonly anchors: number;
  /** The hash of the last event. */
  readonly head: string;
  /** The root of the tree over all events, in hexadecimal. */
  readonly root: string;
  /**
   * The resource tree of the last checkpoint; null: none has said one. `compared`: it is what the events
   * say; false: that was not looked at, as events were removed or it was not `strict`.
   */
  readonly resources: {
    readonly entries: number;
    readonly root: string;
    readonly compared: boolean;
  } | null;
}

/** How to verify. */
export interface VerifyOptions {
  /** Public keys, one of which must be the chain's first: `NAME+ID+BASE64`, as `audit key` prints. */
  readonly keys?: readonly string[];
  /** Checkpoints that were kept outside of the store: the key that is in force at their place has signed them. */
  readonly anchors?: readonly string[];
  /**
   * Whether all of each event is read: shows that its bytes are canonical, so that they can be read in one
   * way only.
   *
   * @default true where no key is given: nobody vouches then for who has written them
   */
  readonly strict?: boolean;
}
