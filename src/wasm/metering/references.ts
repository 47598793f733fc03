/** The two kinds of modules that there are after the rewriting, by what their functions take. */

/**
 * Whether functions take fuel and depth as parameters, also where they are called by references; else
 * they keep their types. Modules that share tables must all be of one kind: the threaded form of one
 * type is an own type of a module of the other kind, which could so read fuel or make it up.
 */
export type References = 'threaded' | 'unthreaded';

/** Parameters that are added to a function: its fuel, and the bytes of stack that are left to it. */
export const ADDED_PARAMETERS = 2;
