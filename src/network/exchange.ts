/**
 * What an agent and the client of HTTP say to each other about requests that the agent sends. Each side is
 * bounded in what it has under way. No package is imported: an agent's own process has none.
 */

import type { Field } from '../http/exchange.ts';

/** Why a request came to nothing: the cases of wasi:http's `error-code` that a client can have. */
export type NetworkFailure =
  | {
      readonly tag:
        | 'DNS-timeout'
        | 'destination-not-found'
        | 'destination-unavailable'
        | 'destination-IP-prohibited'
        | 'destination-IP-unroutable'
        | 'connection-refused'
        | 'connection-terminated'
        | 'connection-timeout'
        | 'connection-read-timeout'
        | 'connection-limit-reached'
        | 'TLS-protocol-error'
        | 'TLS-certificate-error'
        | 'HTTP-request-denied'
        | 'HTTP-request-method-invalid'
        | 'HTTP-request-URI-invalid'
        | 'HTTP-response-incomplete'
        | 'HTTP-response-timeout'
        | 'HTTP-upgrade-failed'
        | 'HTTP-protocol-error'
        | 'loop-detected'
        | 'configuration-error';
    }
  | {
      readonly tag: 'DNS-error';
      readonly val: { readonly rcode: string | undefined; readonly infoCode: number | undefined };
    }
  | {
      readonly tag: 'TLS-alert-received';
      readonly val: {
        readonly alertId: number | undefined;
        readonly alertMessage: string | undefined;
      };
    }
  | {
      readonly tag: 'HTTP-request-body-size' | 'HTTP-response-body-size';
      readonly val: bigint | undefined;
    }
  | {
      readonly tag:
        | 'HTTP-request-header-section-size'
        | 'HTTP-request-trailer-section-size'
        | 'HTTP-response-header-section-size'
        | 'HTTP-response-trailer-section-size';
      readonly val: number | undefined;
    }
  | {
      readonly tag: 'internal-error' | 'HTTP-response-content-coding';
      readonly val: string | undefined;
    };

/** A request, but for its body. */
export interface SendHead {
  readonly method: string;
  readonly scheme: 'http' | 'https';
  /** A host, and a port where it is not the scheme's own. */
  readonly authority: string;
  readonly pathWithQuery: string;
  readonly fields: readonly Field[];
  readonly hasBody: boolean;
  /** Milliseconds; null: as long as the settings allow. More than those allow is cut to that. */
  readonly connectTimeoutMs: number | null;
  readonly firstByteTimeoutMs: number | null;
  readonly betweenBytesTimeoutMs: number | null;
}

/** From an agent to the client. `id` names the request: the agent never uses it again. */
export type ToNetwork =
  | { readonly step: 'send'; readonly id: number; readonly head: SendHead }
  /** A piece of the request's body: no more than its window has room for. */
  | { readonly step: 'bytes'; readonly id: number; readonly bytes: Uint8Array }
  | { readonly step: 'end'; readonly id: number; readonly trailers: readonly Field[] }
  /** The request's body will not be whole: the request is given up. */
  | { readonly step: 'broken'; readonly id: number }
  /** It waits for more of the response's body: asked again only when that has come. */
  | { readonly step: 'pull'; readonly id: number }
  /** Nobody waits for it any more. */
  | { readonly step: 'drop'; readonly id: number };

/** From the client to an agent. */
export type FromNetwork =
  /** So many bytes of the request's body were taken over. */
  | { readonly step: 'taken'; readonly id: number; readonly bytes: number }
  | {
      readonly step: 'head';
      readonly id: number;
      readonly status: number;
      readonly fields: readonly Field[];
    }
  /** A piece of the response's body, of no more than its window. */
  | { readonly step: 'bytes'; readonly id: number; readonly bytes: Uint8Array }
  | { readonly step: 'end'; readonly id: number; readonly trailers: readonly Field[] }
  /** There is no response, or no whole one. */
  | { readonly step: 'failed'; readonly id: number; readonly failure: NetworkFailure };
