/** `http.fetch`: a request over HTTP, to where the agent's grant of the network reaches. */

import { ToolError } from '../outcome.ts';
import { bytesOf, type Encoding, encoding, textOf } from './fs-parameters.ts';
import type { CatalogueTool, HttpAnswer, ReachOf } from './reach.ts';

/** Bytes of a response's body, and of a request's. */
const HTTP_BODY_BYTES_MAX = 1024 * 1024;
/** What most servers take of a request's first line at least is 8 KiB. */
const URL_CHARACTERS_MAX = 16 * 1024;
const METHOD_CHARACTERS_MAX = 64;
const FIELD_VALUE_CHARACTERS_MAX = 8 * 1024;
const FIELDS_MAX = 100;

interface Given {
  readonly url: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly bodyEncoding?: Encoding;
  readonly redirect?: 'follow' | 'manual';
  readonly maxBytes?: number;
  readonly encoding?: Encoding;
}

/** Only texts that are URLs of HTTP as they stand: no user, and what follows a # is not sent. */
function urlOf(text: string): URL {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol) || url.username + url.password !== '') {
    throw new ToolError('invalid', 'arguments/url: is no URL of http or https without a user');
  }
  return url;
}

const answerOf = (answer: HttpAnswer, as: Encoding | undefined) => ({
  status: answer.status,
  url: answer.url,
  headers: answer.fields,
  body: textOf(answer.body, as),
  truncated: answer.truncated,
});

export function httpFetch(reachOf: ReachOf): CatalogueTool {
  return {
    description: {
      name: 'http.fetch',
      description:
        'Sends a request over HTTP and answers its response; `truncated`: the body was longer.',
      parameters: {
        type: 'object',
        properties: {
          url: { type: 'string', maxLength: URL_CHARACTERS_MAX },
          method: { type: 'string', minLength: 1, maxLength: METHOD_CHARACTERS_MAX },
          headers: {
            type: 'object',
            maxProperties: FIELDS_MAX,
            additionalProperties: { type: 'string', maxLength: FIELD_VALUE_CHARACTERS_MAX },
          },
          body: { type: 'string' },
          bodyEncoding: encoding,
          redirect: { enum: ['follow', 'manual'] },
          maxBytes: { type: 'integer', minimum: 0, maximum: HTTP_BODY_BYTES_MAX },
          encoding,
        },
        required: ['url'],
        additionalProperties: false,
      },
      concurrencyPerAgent: 8,
    },
    handler: async (args, { pid, signal }) => {
      const given = args as Given;
      const reach = reachOf(pid);
      if (reach === null) {
        throw new ToolError('unavailable', 'the agent has ended');
      }
      const answer = await reach.fetch(
        {
          url: urlOf(given.url),
          method: given.method ?? 'GET',
          fields: Object.entries(given.headers ?? {}),
          body: given.body === undefined ? null : bytesOf(given.body, given.bodyEncoding),
          redirect: given.redirect ?? 'follow',
          bytesMax: given.maxBytes ?? HTTP_BODY_BYTES_MAX,
        },
        signal,
      );
      return answerOf(answer, given.encoding);
    },
  };
}
