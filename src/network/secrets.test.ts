/**
 * Goal: an agent uses a secret and never has it. Method: servers that tell it back in every form that we
 * know, cut at every place; each beside a response that holds none.
 */

import type { IncomingMessage, ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, test } from 'vitest';
import { type ClientOptions, TestClient } from '../../test/support/network/client.ts';
import { startHttp } from '../../test/support/network/servers.ts';
import { EchoWatch, needlesOf } from './echo.ts';

const TOKEN = 'tok/en+0123456789==';
const SECRETS = { TOKEN: `Bearer ${TOKEN}` };
const USE = 'secret:TOKEN:authorization';

const clients: TestClient[] = [];
function client(network: readonly string[], options: ClientOptions = {}): TestClient {
  const made = new TestClient(network, { secrets: SECRETS, ...options });
  clients.push(made);
  return made;
}
afterEach(() => {
  for (const each of clients.splice(0)) {
    each.close();
  }
});

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/** A server, and a client that may use the secret there. */
async function using(handler: Handler): Promise<{ sender: TestClient; at: string }> {
  const port = await startHttp(handler);
  return { sender: client([`http://127.0.0.1:${port} ${USE}`]), at: `http://127.0.0.1:${port}` };
}

describe('a secret that an agent may use', () => {
  test('is added by the host, where it is granted and nowhere else', async () => {
    const seen: (string | undefined)[] = [];
    const port = await startHttp((request, response) => {
      seen.push(request.headers.authorization);
      response.end('thanks');
    });
    const sender = client([`http://127.0.0.1:${port}/v1 ${USE}`, `http://127.0.0.1:${port}`]);
    expect(await sender.get(`http://127.0.0.1:${port}/v1/x`)).toMatchObject({ text: 'thanks' });
    expect(await sender.get(`http://127.0.0.1:${port}/v2`)).toMatchObject({ text: 'thanks' });
    expect(await client(['127.0.0.1']).get(`http://127.0.0.1:${port}/v1`)).toMatchObject({
      status: 200,
    });
    expect(seen).toEqual([SECRETS.TOKEN, undefined, undefined]);
  });

  test('is not written by the agent, and what would hide it is not asked for', async () => {
    const { sender, at } = await using((_, response) => response.end('ok'));
    for (const field of [
      ['Authorization', 'x'],
      ['range', 'bytes=0-3'],
      ['if-range', 'x'],
      ['A-IM', 'gzip'],
    ] as const) {
      expect(await sender.get(at, { fields: [field] })).toEqual({
        failed: 'HTTP-request-denied',
        denied: true,
      });
    }
    expect(await sender.get(at, { fields: [['x-a', 'b']] })).toMatchObject({ text: 'ok' });
  });

  test('is not written by the agent with _ for -', async () => {
    const port = await startHttp((_, response) => response.end('ok'));
    const sender = client([`http://127.0.0.1:${port} secret:TOKEN:x-api-key`]);
    const at = `http://127.0.0.1:${port}/`;
    expect(await sender.get(at, { fields: [['X_Api-Key', 'x']] })).toMatchObject({ denied: true });
    expect(await sender.get(at, { fields: [['X_Api', 'x']] })).toMatchObject({ text: 'ok' });
  });

  test('that the program has no value for fails the request', async () => {
    const port = await startHttp((_, response) => response.end());
    const sender = client([`http://127.0.0.1:${port} secret:__proto__:x-key`], { secrets: {} });
    expect(await sender.get(`http://127.0.0.1:${port}/`)).toMatchObject({
      failed: 'configuration-error',
    });
  });

  test('does not follow a redirect to elsewhere, though it may be used there', async () => {
    const seen: (string | undefined)[] = [];
    const there = await startHttp((request, response) => {
      seen.push(request.headers.authorization);
      response.end('there');
    });
    const port = await startHttp((request, response) => {
      seen.push(request.headers.authorization);
      const location = request.url === '/same' ? '/end' : `http://127.0.0.1:${there}/`;
      response.writeHead(request.url === '/end' ? 200 : 302, { location }).end();
    });
    const sender = client([`http://127.0.0.1:${port} ${USE}`, `http://127.0.0.1:${there} ${USE}`]);
    const follow = { redirect: 'follow' } as const;
    await sender.get(`http://127.0.0.1:${port}/same`, follow);
    expect(seen.splice(0)).toEqual([SECRETS.TOKEN, SECRETS.TOKEN]);
    expect(await sender.get(`http://127.0.0.1:${port}/`, follow)).toMatchObject({ text: 'there' });
    expect(seen).toEqual([SECRETS.TOKEN, undefined]);
  });
});

describe('a response that tells it back is cut', () => {
  const base64 = (text: string) => Buffer.from(text).toString('base64');
  test.each([
    ['as it is', SECRETS.TOKEN],
    ['without its scheme', TOKEN],
    ['in JSON', JSON.stringify({ a: TOKEN })],
    ['in a URL', encodeURIComponent(TOKEN)],
    ['in a URL in lower case', encodeURIComponent(TOKEN).toLowerCase()],
    ['in base64', base64(TOKEN)],
    ['in base64 behind one byte', base64(`x${TOKEN}y`)],
    ['in base64 behind two', base64(`xx${TOKEN}yy`)],
    ['in base64 for URLs', Buffer.from(TOKEN).toString('base64url')],
    ['in base64 with lines', base64(`x${TOKEN}`).replace(/.{9}/g, '$&\r\n')],
    ['in base64 with lines, in JSON', JSON.stringify(base64(TOKEN).replace(/.{9}/g, '$&\n'))],
    ['in hexadecimal', Buffer.from(TOKEN).toString('hex')],
    ['in hexadecimal of both cases', Buffer.from(TOKEN).toString('hex').replace(/f/g, 'F')],
    ['in upper case', TOKEN.toUpperCase()],
    ['in JSON as PHP writes it', TOKEN.replaceAll('/', '\\/')],
    ['in JSON as .NET writes it', TOKEN.replaceAll('+', '\\u002B')],
    ['in JSON for HTML', TOKEN.replaceAll('=', '\\u003d').replaceAll('/', '\\/')],
    ['in JavaScript', TOKEN.replaceAll('/', '\\x2F').replaceAll('+', '\\x2b')],
    ['in HTML by numbers', TOKEN.replaceAll('/', '&#x2F;').replaceAll('=', '&#61;')],
    ['in HTML by padded numbers', TOKEN.replaceAll('+', '&#043;').replaceAll('=', '&#x3D;')],
    ['in HTML by names', TOKEN.replaceAll('/', '&sol;').replaceAll('+', '&plus;')],
    [
      'in a URL, each character',
      TOKEN.replace(/./g, (each) => `%${Buffer.from(each).toString('hex')}`),
    ],
    ['in a URL within another', encodeURIComponent(encodeURIComponent(TOKEN))],
    ['in a URL, but for slashes', encodeURIComponent(TOKEN).replaceAll('%2F', '/')],
    ['in mail', TOKEN.replaceAll('=', '=3D')],
  ])('%s', async (_, form) => {
    const { sender, at } = await using((request, response) =>
      response.end(request.url === '/echo' ? `you said: ${form}, thanks` : 'nothing of it'),
    );
    const cut = await sender.get(`${at}/echo`);
    expect(cut.failed).toBe('internal-error');
    expect(JSON.stringify(cut)).not.toContain(form.slice(0, 12));
    expect(await sender.get(`${at}/`)).toMatchObject({ text: 'nothing of it', trailers: [] });
  });

  test('in a field, in a redirect, in a trailer', async () => {
    const { sender, at } = await using((request, response) => {
      if (request.url === '/trailer') {
        response.writeHead(200, { trailer: 'x-echo' });
        response.write('body');
        response.addTrailers({ 'x-echo': TOKEN });
      } else if (request.url !== '/') {
        response.setHeader(request.url === '/field' ? 'x-echo' : 'location', `/${TOKEN}`);
        response.statusCode = request.url === '/field' ? 200 : 302;
      }
      response.end();
    });
    for (const path of ['/field', '/redirect', '/trailer']) {
      const got = await sender.get(`${at}${path}`, { redirect: 'follow' });
      expect(got.failed).toBe('internal-error');
      expect(JSON.stringify(got)).not.toContain(TOKEN);
    }
    expect(await sender.get(`${at}/`)).toMatchObject({ status: 200 });
  });

  test('in a field’s name, which comes in lower case', async () => {
    const { sender, at } = await using((request, response) => {
      response.setHeader(request.url === '/echo' ? 'X-Key-0123456789-AbCdEf' : 'X-Key-0', '1');
      response.end();
    });
    const named = client([`${at} secret:KEY:x-key`], { secrets: { KEY: '0123456789-AbCdEf' } });
    expect((await named.get(`${at}/echo`)).failed).toBe('internal-error');
    expect(await named.get(`${at}/`)).toMatchObject({ status: 200 });
    expect(await sender.get(`${at}/echo`)).toMatchObject({ status: 200 });
  });

  test('in a body that is coded in more than one field', async () => {
    const { sender, at } = await using((request, response) => {
      const second = request.url === '/coded' ? 'gzip' : 'identity';
      response.setHeader('content-encoding', ['identity', second]);
      response.end(second === 'gzip' ? gzipSync(TOKEN) : 'plain');
    });
    expect(await sender.get(`${at}/coded`)).toMatchObject({
      failed: 'HTTP-response-content-coding',
    });
    expect(await sender.get(`${at}/`)).toMatchObject({ text: 'plain' });
  });

  test('in a body that is coded: nobody can look into it', async () => {
    const { sender, at } = await using((request, response) => {
      expect(request.headers['accept-encoding']).toBe('identity');
      if (request.url === '/coded') {
        response.setHeader('content-encoding', 'gzip');
        response.end(gzipSync(TOKEN));
      } else {
        response.end('plain');
      }
    });
    const fields = [['accept-encoding', 'gzip']] as const;
    expect(await sender.get(`${at}/coded`, { fields })).toMatchObject({
      failed: 'HTTP-response-content-coding',
    });
    expect(await sender.get(`${at}/`, { fields })).toMatchObject({ text: 'plain' });
  });

  test('cut into pieces by the server', async () => {
    const { sender, at } = await using((request, response) => {
      const text = request.url === '/echo' ? SECRETS.TOKEN : SECRETS.TOKEN.replace('0', 'o');
      void (async () => {
        for (const character of `so: ${text}.`) {
          response.write(character);
          await new Promise(setImmediate);
        }
        response.end();
      })();
    });
    const cut = await sender.get(`${at}/echo`);
    expect(cut.failed).toBe('internal-error');
    expect(await sender.get(`${at}/`)).toMatchObject({
      text: `so: ${SECRETS.TOKEN.replace('0', 'o')}.`,
      trailers: [],
    });
  });

  test('wherever it is cut, nothing of the secret comes through, and all that is none does', () => {
    const whole = Buffer.from(`before ${TOKEN} behind`);
    const other = Buffer.from(`before ${TOKEN.slice(0, -1)} tok/ behind tok`);
    for (let cut = 0; cut <= whole.length; cut += 1) {
      const watch = new EchoWatch(needlesOf(SECRETS.TOKEN));
      const first = watch.pass(whole.subarray(0, cut));
      const second = first === null ? null : watch.pass(whole.subarray(cut));
      expect(first === null || second === null).toBe(true);
      expect('before ').toContain(
        Buffer.from(first ?? [])
          .toString()
          .slice(0, 7),
      );

      const calm = new EchoWatch(needlesOf(SECRETS.TOKEN));
      const pieces = [other.subarray(0, cut), other.subarray(cut)].map((each) => calm.pass(each));
      const passed = [...pieces, calm.rest()].map((each) => Buffer.from(each ?? []));
      expect(Buffer.concat(passed).toString()).toBe(other.toString());
    }
  });

  test('wherever an escaped one is cut, it is seen, and nothing of it comes through', () => {
    const escapes = (text: string): string =>
      text.replaceAll('/', '\\u002f').replaceAll('+', '&#x2B;').replaceAll('=', '%253D');
    const whole = Buffer.from(`before ${escapes(TOKEN)} behind`);
    const other = Buffer.from(
      `before ${escapes(TOKEN.slice(0, -1))} %25 \\u00 tok&#x behind tok\\u0`,
    );
    for (let cut = 0; cut <= whole.length; cut += 1) {
      const watch = new EchoWatch(needlesOf(SECRETS.TOKEN));
      const first = watch.pass(whole.subarray(0, cut));
      const second = first === null ? null : watch.pass(whole.subarray(cut));
      expect(first === null || second === null).toBe(true);
      expect('before ').toContain(Buffer.from(first ?? []).toString());

      const calm = new EchoWatch(needlesOf(SECRETS.TOKEN));
      const pieces = [other.subarray(0, cut), other.subarray(cut)].map((each) => calm.pass(each));
      const passed = [...pieces, calm.rest()].map((each) => Buffer.from(each ?? []));
      expect(Buffer.concat(passed).toString()).toBe(other.toString());
    }
  });

  test('the inside of Basic is a secret, too', () => {
    const watch = new EchoWatch(needlesOf(`Basic ${base64('user:pass-word-1')}`));
    expect(watch.pass(Buffer.from('user is user'))).not.toBeNull();
    expect(watch.pass(Buffer.from('it is pass-word-1'))).toBeNull();
  });
});
