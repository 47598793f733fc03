/** Errors of the system and of undici, as cases of wasi:http's error-code: nothing else of them is passed on. */

import type { NetworkFailure } from './exchange.ts';

/** A failure of which there is no more to say than its name. */
type PlainTag = Exclude<NetworkFailure, { readonly val: unknown }>['tag'];

const plain = (tag: PlainTag): NetworkFailure => ({ tag });

/** The response has told a secret back. */
export const ECHO: NetworkFailure = {
  tag: 'internal-error',
  val: 'the response told a secret of the host back, and was cut there',
};

/** Codes of errors, of Node, OpenSSL and undici 8. */
const FAILURES: ReadonlyMap<string, NetworkFailure> = new Map<string, NetworkFailure>([
  ['ECONNREFUSED', plain('connection-refused')],
  ['ENETUNREACH', plain('destination-IP-unroutable')],
  ['EHOSTUNREACH', plain('destination-IP-unroutable')],
  ['EADDRNOTAVAIL', plain('destination-IP-unroutable')],
  ['ENETDOWN', plain('destination-unavailable')],
  ['EHOSTDOWN', plain('destination-unavailable')],
  ['EACCES', plain('destination-unavailable')],
  ['ETIMEDOUT', plain('connection-timeout')],
  ['UND_ERR_CONNECT_TIMEOUT', plain('connection-timeout')],
  ['EMFILE', plain('connection-limit-reached')],
  ['ENFILE', plain('connection-limit-reached')],
  ['ECONNRESET', plain('connection-terminated')],
  ['EPIPE', plain('connection-terminated')],
  ['UND_ERR_SOCKET', plain('connection-terminated')],
  ['UND_ERR_DESTROYED', plain('connection-terminated')],
  ['UND_ERR_CLOSED', plain('connection-terminated')],
  ['UND_ERR_INFO', plain('connection-terminated')],
  ['UND_ERR_HEADERS_OVERFLOW', { tag: 'HTTP-response-header-section-size', val: undefined }],
  ['HPE_HEADER_OVERFLOW', { tag: 'HTTP-response-header-section-size', val: undefined }],
  ['UND_ERR_REQ_CONTENT_LENGTH_MISMATCH', { tag: 'HTTP-request-body-size', val: undefined }],
  ['UND_ERR_RES_CONTENT_LENGTH_MISMATCH', plain('HTTP-response-incomplete')],
  ['UND_ERR_RES_EXCEEDED_MAX_SIZE', { tag: 'HTTP-response-body-size', val: undefined }],
  ['HPE_INVALID_EOF_STATE', plain('HTTP-response-incomplete')],
  ['EPROTO', plain('TLS-protocol-error')],
]);

/** What OpenSSL finds wrong with a certificate: verify(1) lists them. */
const CERTIFICATE =
  /^(CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|ERR_TLS_CERT_|INVALID_(CA|PURPOSE)|HOSTNAME_MISMATCH|ERROR_IN_CERT_|PATH_LENGTH_)/;

function failureOfCode(code: string): NetworkFailure {
  const known = FAILURES.get(code);
  if (known !== undefined) {
    return known;
  }
  if (CERTIFICATE.test(code)) {
    return { tag: 'TLS-certificate-error' };
  }
  if (/^ERR_SSL_.*ALERT/.test(code)) {
    return { tag: 'TLS-alert-received', val: { alertId: undefined, alertMessage: undefined } };
  }
  if (/^ERR_(SSL|TLS)_/.test(code)) {
    return { tag: 'TLS-protocol-error' };
  }
  if (/^(HPE_|ERR_HTTP2_|UND_ERR_NOT_SUPPORTED)/.test(code)) {
    return { tag: 'HTTP-protocol-error' };
  }
  return { tag: 'internal-error', val: undefined };
}

function codeOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) {
    // Each address was tried: the last says as much as the first.
    return codeOf(error.errors[0]);
  }
  const code: unknown = error instanceof Error && 'code' in error ? error.code : null;
  return typeof code === 'string' ? code : '';
}

/** undici's own error of a parser's has no code. */
const isOfParser = (error: unknown): boolean =>
  error instanceof Error && error.name === 'HTTPParserError';

/** What an error is to whoever sent the request; `begun`: the response had begun. */
export function failureOf(error: unknown, begun: boolean): NetworkFailure {
  const failure = isOfParser(error) ? plain('HTTP-protocol-error') : failureOfCode(codeOf(error));
  return begun && failure.tag === 'connection-terminated'
    ? { tag: 'HTTP-response-incomplete' }
    : failure;
}

/** An error that stands for a failure: what undici is told to give a request up with. */
export class FailedTransfer extends Error {
  readonly failure: NetworkFailure;

  constructor(failure: NetworkFailure) {
    super(failure.tag);
    this.failure = failure;
  }
}
