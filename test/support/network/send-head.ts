/** The head of a request that an agent sends, of a test's own servers. */

import type { SendHead } from '../../../src/network/exchange.ts';

/** `GET /` without a body, unless something else is asked for. */
export const sendHead = (port: number, more: Partial<SendHead> = {}): SendHead => ({
  method: 'GET',
  scheme: 'http',
  authority: `127.0.0.1:${port}`,
  pathWithQuery: '/',
  fields: [],
  hasBody: false,
  connectTimeoutMs: null,
  firstByteTimeoutMs: null,
  betweenBytesTimeoutMs: null,
  ...more,
});
