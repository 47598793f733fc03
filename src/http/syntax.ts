/** What a request's parts may be made of, wherever they are looked at (RFC 9110). */

/** RFC 9110, section 5.6.2. */
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/** Characters of a method. */
export const METHOD_LENGTH_MAX = 64;

/** Whether a header's name is a token. */
export const isFieldName = (name: string): boolean => TOKEN.test(name);

/** Whether a method is a token that is not too long. */
export const isMethod = (method: string): boolean =>
  method.length <= METHOD_LENGTH_MAX && TOKEN.test(method);

/** Fields that decide where a request goes, or where a message ends: they are the host's to write. */
export const HOST_FIELDS: readonly string[] = [
  'connection',
  'host',
  'http2-settings',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'transfer-encoding',
  'upgrade',
];

/** A header's name as servers may look for it: in lower case, `_` as `-`: CGI and its heirs see no difference. */
export const plainName = (name: string): string => name.toLowerCase().replaceAll('_', '-');
