/** wasi:http/types: what a request is built of. There are no responses and no incoming requests. */

import { ok } from '../../abi/binding.ts';
import type { Functions as TypesFunctions } from '../../generated/wasi-http-types.ts';
import { implement, notOffered, releaseHeld } from '../../implement.ts';
import { Fields } from './fields.ts';
import { OutgoingRequest, RequestOptions } from './outgoing.ts';

const NOTHING_COMES_IN = 'this build sends no HTTP request, so there is no response';
const NOTHING_IS_SERVED = 'agents serve no HTTP here';

export const httpTypes = implement<TypesFunctions>('wasi:http/types', null, {
  // No stream here is of HTTP, so no error of a stream is HTTP's.
  'http-error-code': () => undefined,

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
  '[static]outgoing-body.finish': (agent, body, trailers) => {
    trailers?.release(agent);
    return body.finish(agent);
  },
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

  ...notOffered(NOTHING_COMES_IN, [
    '[method]incoming-response.status',
    '[method]incoming-response.headers',
    '[method]incoming-response.consume',
    '[method]incoming-body.stream',
    '[static]incoming-body.finish',
    '[method]future-trailers.subscribe',
    '[method]future-trailers.get',
    '[method]future-incoming-response.subscribe',
    '[method]future-incoming-response.get',
    '[resource-drop]incoming-response',
    '[resource-drop]incoming-body',
    '[resource-drop]future-trailers',
    '[resource-drop]future-incoming-response',
  ]),

  ...notOffered(NOTHING_IS_SERVED, [
    '[method]incoming-request.method',
    '[method]incoming-request.path-with-query',
    '[method]incoming-request.scheme',
    '[method]incoming-request.authority',
    '[method]incoming-request.headers',
    '[method]incoming-request.consume',
    '[constructor]outgoing-response',
    '[method]outgoing-response.status-code',
    '[method]outgoing-response.set-status-code',
    '[method]outgoing-response.headers',
    '[method]outgoing-response.body',
    '[static]response-outparam.set',
    '[resource-drop]incoming-request',
    '[resource-drop]outgoing-response',
    '[resource-drop]response-outparam',
  ]),
});
