/** What a host function can wait for: something under way elsewhere, and being woken. */

/** Ends a subscription; calling it twice does nothing. */
export type Unsubscribe = () => void;

/** Calls `wake` once, when what was waited for may have come; never synchronously. */
export type Subscribe = (wake: () => void) => Unsubscribe;

/** How a message or a tool call that left the worker came out. */
export type Outcome<Value> =
  | { readonly tag: 'ok'; readonly val: Value }
  | { readonly tag: 'err'; readonly error: string; readonly message: string };

/** Something under way outside of the worker, kept between the tries of a blocking host function. */
export interface Operation<Value> {
  readonly outcome: Outcome<Value> | null;
  readonly onSettled: Subscribe;
  /** It waits for room in the worker itself: nothing of it is under way elsewhere. @default false */
  readonly isHere?: boolean;
  /** The caller no longer waits: nothing is written for it any more. */
  abandon(): void;
}
