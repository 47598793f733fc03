/**
 * Codes of errors that this side puts in the place of a server's answer: in the range that JSON-RPC leaves to
 * implementations, away from the protocol's own.
 */

/** The answer was too large to be taken. */
export const TOO_LARGE_CODE = -32_090;
/** What came under the request's id is no answer. */
export const NO_ANSWER_CODE = -32_091;
