/** What a client is told where there is no response of the module's: a status and one plain sentence. */

import type { ExchangeFailure } from '../http/open-exchange.ts';

/** What went wrong: for the client, and for the operator. */
export interface Problem {
  readonly status: number;
  /** For the client: nothing of what is inside is in it. */
  readonly sentence: string;
  /** For the operator, in a few words. */
  readonly words: string;
}

const TOO_LONG = 'The module took too long to respond.';

export const BUSY: Problem = {
  status: 503,
  sentence: 'Too many requests are being handled: try again later.',
  words: 'too many requests at a time',
};
export const CLOSING: Problem = {
  status: 503,
  sentence: 'The server is closing: try again later.',
  words: 'the server is closing',
};
export const NOT_STARTED: Problem = {
  status: 503,
  sentence: 'The module could not be started: try again later.',
  words: 'it could not be started',
};
export const TIMED_OUT: Problem = {
  status: 504,
  sentence: TOO_LONG,
  words: 'it took too long',
};
export const REQUEST_TOO_LARGE: Problem = {
  status: 413,
  sentence: 'The request is larger than what is taken.',
  words: 'the request is too large',
};
export const FIELDS_TOO_LARGE: Problem = {
  status: 431,
  sentence: 'The request has more header fields than what is taken.',
  words: 'the request has too many fields',
};
export const BAD_REQUEST: Problem = {
  status: 400,
  sentence: 'The request can not be understood.',
  words: 'the request can not be understood',
};
export const RESPONSE_TOO_LARGE: Problem = {
  status: 502,
  sentence: 'The module gave no response that can be passed on.',
  words: 'the response is too large',
};

/** Why the client left, in the report of the agent that is ended for it. */
export const CLIENT_LEFT = 'the client has left';

/** What a client is told of a failure. */
export function problemOf(failure: ExchangeFailure): Problem {
  switch (failure.why) {
    case 'refused':
      return {
        status: 502,
        sentence: 'The module answered the request with an error.',
        words: `it answered with ${failure.error}`,
      };
    case 'unfinished':
      return {
        status: 502,
        sentence: 'The module gave no response.',
        words: 'it returned without a whole response',
      };
    case 'invalid':
      return { ...RESPONSE_TOO_LARGE, words: 'it answered with what is no response' };
    case 'ended':
      return failure.reason === 'timeout'
        ? TIMED_OUT
        : { status: 500, sentence: 'The module failed.', words: `it ended: ${failure.reason}` };
  }
}
