/** A client over Node's HTTP server: its request as a stream, the response as it comes. */

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Field, RequestHead } from '../http/exchange.ts';
import { isAuthority, isPathWithQuery } from '../wasm/host/wasi/http/syntax.ts';
import type { Client, Conversation } from './http-handling.ts';
import { BAD_REQUEST, type Problem } from './http-problems.ts';

/** When a client may come back that was told that there is no room. */
const RETRY_AFTER_SECONDS = '1';

/** Node hands raw fields on as one list: a name, its value, the next name. */
function fieldsOf(raw: readonly string[]): Field[] {
  const fields: Field[] = [];
  for (let index = 0; index + 1 < raw.length; index += 2) {
    fields.push([raw[index] as string, raw[index + 1] as string]);
  }
  return fields;
}

const has = (fields: readonly Field[], name: string): boolean =>
  fields.some(([each]) => each.toLowerCase() === name);

const without = (fields: readonly Field[], name: string): readonly Field[] =>
  fields.filter(([each]) => each.toLowerCase() !== name);

/** What a request is for: a path, or a whole URL as proxies are sent. */
function targetOf(url: string): { readonly authority: string | null; readonly path: string } {
  const absolute = /^https?:\/\/([^/?#]*)(.*)$/i.exec(url);
  if (absolute === null) {
    return { authority: null, path: url };
  }
  const [, authority = '', rest = ''] = absolute;
  return { authority, path: rest.startsWith('/') ? rest : `/${rest}` };
}

/** A request's head; null: it is none that a module could be given. */
function headOf(request: IncomingMessage): RequestHead | null {
  const { headers, method = 'GET', rawHeaders, url = '/' } = request;
  const target = targetOf(url);
  const authority = target.authority ?? headers.host ?? null;
  if (
    (authority !== null && authority !== '' && !isAuthority(authority)) ||
    !isPathWithQuery(target.path)
  ) {
    return null;
  }
  return {
    method,
    scheme: 'encrypted' in request.socket ? 'https' : 'http',
    authority: authority === '' ? null : authority,
    pathWithQuery: target.path,
    fields: fieldsOf(rawHeaders),
    hasBody:
      headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0,
  };
}

/** One request of a Node server. */
export class NodeClient implements Client {
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  #conversation: Conversation | null = null;
  /** The head, and the first bytes, that are not written yet: with them the length may be known. */
  #held: { status: number; fields: readonly Field[]; bytes: [Uint8Array, () => void][] } | null =
    null;
  #listens = false;

  constructor(request: IncomingMessage, response: ServerResponse) {
    this.#request = request;
    this.#response = response;
  }

  begin(begin: (head: RequestHead, client: Client) => Conversation): void {
    const head = headOf(this.#request);
    if (head === null) {
      this.failed(BAD_REQUEST);
      return;
    }
    const conversation = begin(head, this);
    this.#conversation = conversation;
    this.#response.on('close', () => {
      if (!this.#response.writableFinished) {
        conversation.left();
      }
    });
    // A client that is gone is no failure of the program's.
    this.#response.on('error', () => conversation.left());
    this.#request.on('error', () => conversation.broken());
    if (this.#listens) {
      this.#request.resume();
    }
  }

  pull(): void {
    if (!this.#listens) {
      this.#listens = true;
      this.#request.on('data', (chunk: Uint8Array) => {
        this.#request.pause();
        this.#conversation?.bytes(chunk);
      });
      this.#request.on('end', () => this.#conversation?.end(fieldsOf(this.#request.rawTrailers)));
    }
    this.#request.resume();
  }

  head(status: number, fields: readonly Field[]): void {
    this.#held = { status, fields, bytes: [] };
    // What has come with it is taken first.
    queueMicrotask(() => this.#release(false));
  }

  bytes(bytes: Uint8Array, taken: () => void): void {
    if (this.#held !== null) {
      this.#held.bytes.push([bytes, taken]);
    } else {
      this.#response.write(bytes, taken);
    }
  }

  end(trailers: readonly Field[]): void {
    const whole = trailers.length === 0;
    this.#release(whole);
    if (!whole) {
      this.#response.addTrailers(trailers as [string, string][]);
    }
    this.#response.end();
  }

  failed({ status, sentence }: Problem): boolean {
    const response = this.#response;
    if (response.headersSent) {
      // Whoever reads it must not take it for whole.
      response.destroy();
      return false;
    }
    this.#held = null;
    const text = `${sentence}\n`;
    response.writeHead(status, {
      'content-type': 'text/plain; charset=utf-8',
      'content-length': Buffer.byteLength(text),
      ...(status === 503 && { 'retry-after': RETRY_AFTER_SECONDS }),
      // What is left of its body nobody reads.
      ...(!this.#request.complete && { connection: 'close' }),
    });
    response.end(text);
    return true;
  }

  /** Writes what was held back; `isWhole`: there is no more, so its length is known. */
  #release(isWhole: boolean): void {
    const held = this.#held;
    if (held === null) {
      return;
    }
    this.#held = null;
    const { status, fields, bytes } = held;
    const { method, httpVersion } = this.#request;
    const hasBody = method !== 'HEAD' && status !== 204 && status !== 304;
    const isOpen = hasBody && !has(fields, 'content-length');
    // Trailers come behind a body in chunks: announced anywhere else they are an error of Node's.
    const announces = isOpen && httpVersion !== '1.0' && has(fields, 'trailer');
    const raw = (announces ? fields : without(fields, 'trailer')).flat();
    if (isWhole && isOpen && !announces) {
      const length = bytes.reduce((sum, [piece]) => sum + piece.length, 0);
      raw.push('content-length', String(length));
    }
    try {
      this.#response.writeHead(status, raw);
    } catch {
      // Whatever else Node finds wrong with a module's head: it must not be the program's end.
      this.#response.destroy();
      return;
    }
    if (!isWhole && bytes.length === 0) {
      this.#response.flushHeaders();
    }
    for (const [piece, taken] of bytes) {
      this.#response.write(piece, taken);
    }
  }
}
