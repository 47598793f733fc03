/** wasi:http/types: fields, requests and responses in both directions, their bodies and their trailers. */

import { ok } from '../../abi/binding.ts';
import type { Functions as TypesFunctions } from '../../generated/wasi-http-types.ts';
import { implement, releaseHeld } from '../../implement.ts';
import { Pollable } from '../io/pollable.ts';
import { Fields } from './fields.ts';
import { OutgoingRequest, RequestOptions } from './outgoing.ts';
import { OutgoingResponse } from './outgoing-response.ts';

export const httpTypes = implement<TypesFunctions>('wasi:http/types', null, {
  'http-error-code': (_agent, error) => error.httpError,

  '[constructor]fields': (agent) => Fields.empty(agent),
  '[static]fields.from-list': (agent, entries) => Fields.fromEntries(agent, entries),
  '[method]fields.get': (_agent, fields, name) => fields.get(name),
  '[method]fields.has': (_agent, fields, name) => fields.has(name),
  '[method]fields.set': (agent, fields, name, values) => fields.set(agent, name, values),
  '[method]fields.delete': (agent, fields, name) => fields.delete(agent, name),
  '[method]fields.append': (agent, fields, name, value) => fields.append(agent, name, value),
  '[method]fields.entries': (_agent, fields) => fields.entries(),
  '[method]fields.clone': (agent, fields) => fields.clone(agent),
  '[resource-drop]fields': releaseHeld,

  '[constructor]outgoing-request': (agent, headers) => new OutgoingRequest(agent, headers),
  '[method]outgoing-request.body': (agent, request) => request.body(agent),
  '[method]outgoing-request.method': (_agent, request) => request.method,
  '[method]outgoing-request.set-method': (_agent, request, method) => request.setMethod(method),
  '[method]outgoing-request.path-with-query': (_agent, request) => request.pathWithQuery,
  '[method]outgoing-request.set-path-with-query': (_agent, request, path) =>
    request.setPathWithQuery(path),
  '[method]outgoing-request.scheme': (_agent, request) => request.scheme,
  '[method]outgoing-request.set-scheme': (_agent, request, scheme) => request.setScheme(scheme),
  '[method]outgoing-request.authority': (_agent, request) => request.authority,
  '[method]outgoing-request.set-authority': (_agent, request, authority) =>
    request.setAuthority(authority),
  '[method]outgoing-request.headers': (agent, request) => request.headers(agent),
  '[resource-drop]outgoing-request': releaseHeld,

  '[method]outgoing-body.write': (agent, body) => body.write(agent),
  '[static]outgoing-body.finish': (agent, body, trailers) => body.finish(agent, trailers),
  '[resource-drop]outgoing-body': releaseHeld,

  '[constructor]request-options': (agent) => new RequestOptions(agent),
  '[method]request-options.connect-timeout': (_agent, options) => options.connectTimeout,
  '[method]request-options.set-connect-timeout': (_agent, options, duration) => {
    options.connectTimeout = duration;
    return ok();
  },
  '[method]request-options.first-byte-timeout': (_agent, options) => options.firstByteTimeout,
  '[method]request-options.set-first-byte-timeout': (_agent, options, duration) => {
    options.firstByteTimeout = duration;
    return ok();
  },
  '[method]request-options.between-bytes-timeout': (_agent, options) => options.betweenBytesTimeout,
  '[method]request-options.set-between-bytes-timeout': (_agent, options, duration) => {
    options.betweenBytesTimeout = duration;
    return ok();
  },
  '[resource-drop]request-options': releaseHeld,

  '[method]incoming-request.method': (_agent, request) => request.method,
  '[method]incoming-request.path-with-query': (_agent, request) => request.pathWithQuery,
  '[method]incoming-request.scheme': (_agent, request) => request.scheme,
  '[method]incoming-request.authority': (_agent, request) => request.authority,
  '[method]incoming-request.headers': (agent, request) => request.headers(agent),
  '[method]incoming-request.consume': (agent, request) => request.consume(agent),
  '[resource-drop]incoming-request': releaseHeld,

  '[method]incoming-body.stream': (agent, body) => body.stream(agent),
  '[static]incoming-body.finish': (agent, body) => body.finish(agent),
  '[resource-drop]incoming-body': releaseHeld,

  '[method]future-trailers.subscribe': (agent, trailers) => new Pollable(agent, trailers),
  '[method]future-trailers.get': (agent, trailers) => trailers.get(agent),
  '[resource-drop]future-trailers': releaseHeld,

  '[constructor]outgoing-response': (agent, headers) => new OutgoingResponse(agent, headers),
  '[method]outgoing-response.status-code': (_agent, response) => response.status,
  '[method]outgoing-response.set-status-code': (_agent, response, status) =>
    response.setStatus(status),
  '[method]outgoing-response.headers': (agent, response) => response.headers(agent),
  '[method]outgoing-response.body': (agent, response) => response.body(agent),
  '[resource-drop]outgoing-response': releaseHeld,

  '[static]response-outparam.set': (agent, outparam, response) => outparam.set(agent, response),
  '[resource-drop]response-outparam': releaseHeld,

  '[method]incoming-response.status': (_agent, response) => response.status,
  '[method]incoming-response.headers': (agent, response) => response.headers(agent),
  '[method]incoming-response.consume': (agent, response) => response.consume(agent),
  '[resource-drop]incoming-response': releaseHeld,

  '[method]future-incoming-response.subscribe': (agent, future) => new Pollable(agent, future),
  '[method]future-incoming-response.get': (agent, future) => future.get(agent),
  '[resource-drop]future-incoming-response': releaseHeld,
});
