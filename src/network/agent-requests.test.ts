import { afterEach, describe, expect, test } from 'vitest';
import {
  type ClientOptions,
  heldOf,
  Revocations,
  settingsOf,
} from '../../test/support/network/client.ts';
import { sendHead } from '../../test/support/network/send-head.ts';
import { startHttp } from '../../test/support/network/servers.ts';
import type { HeldGrants } from '../capability/held.ts';
import { AgentRequests, ExchangeError } from './agent-requests.ts';
import type { FromNetwork, ToNetwork } from './exchange.ts';
import { HttpClient } from './http-client.ts';

/** What is heard of requests, in order; each can be waited for. */
class Hearing {
  readonly heard: FromNetwork[] = [];
  readonly denied: string[] = [];
  readonly used = [0, 0, 0];
  readonly #wakes: (() => void)[] = [];

  hear(say: FromNetwork): void {
    this.heard.push(say);
    for (const wake of this.#wakes.splice(0)) {
      wake();
    }
  }

  async first(step: FromNetwork['step'], id = 1): Promise<FromNetwork> {
    for (;;) {
      const found = this.heard.find((say) => say.step === step && say.id === id);
      if (found !== undefined) {
        return found;
      }
      await new Promise<void>((resolve) => {
        this.#wakes.push(resolve);
      });
    }
  }
}

const open: AgentRequests[] = [];
afterEach(() => {
  for (const each of open.splice(0)) {
    each.close();
  }
});

function agent(grants: HeldGrants, options: ClientOptions = {}) {
  const hearing = new Hearing();
  const requests = new AgentRequests(new HttpClient(settingsOf(options)), {
    grants,
    traceparent: null,
    room: { take: () => true, give: () => {} },
    tell: (say) => hearing.hear(say),
    denied: (operation) => hearing.denied.push(operation),
    used: (...used) => {
      used.forEach((more, index) => {
        hearing.used[index] = (hearing.used[index] ?? 0) + more;
      });
    },
  });
  open.push(requests);
  const take = (say: ToNetwork) => requests.take(say);
  return { requests, hearing, take };
}

describe('a request in messages', () => {
  test('sends its body as it is written, and has its response as it is asked for', async () => {
    const port = await startHttp((request, response) => request.pipe(response));
    const { take, hearing } = agent(heldOf(['127.0.0.1']));
    take({ step: 'send', id: 1, head: sendHead(port, { method: 'POST', hasBody: true }) });
    take({ step: 'bytes', id: 1, bytes: Buffer.from('hello') });
    take({ step: 'end', id: 1, trailers: [] });
    expect(await hearing.first('head')).toMatchObject({ status: 200 });
    expect(hearing.heard).toContainEqual({ step: 'taken', id: 1, bytes: 5 });
    expect(hearing.heard.some(({ step }) => step === 'bytes')).toBe(false);
    take({ step: 'pull', id: 1 });
    expect(await hearing.first('bytes')).toMatchObject({ bytes: Buffer.from('hello') });
    take({ step: 'pull', id: 1 });
    expect(await hearing.first('end')).toMatchObject({ trailers: [] });
    expect(hearing.used).toEqual([1, 5, 5]);
    expect(hearing.denied).toEqual([]);
  });

  test('that is denied is counted, and its neighbours are not touched', async () => {
    const port = await startHttp((_, response) => response.end());
    const { take, hearing } = agent(heldOf([`127.0.0.1:${port}`]));
    take({ step: 'send', id: 1, head: sendHead(1) });
    take({ step: 'send', id: 2, head: sendHead(port) });
    expect(await hearing.first('failed')).toMatchObject({
      failure: { tag: 'HTTP-request-denied' },
    });
    expect(await hearing.first('head', 2)).toMatchObject({ status: 200 });
    expect(hearing.denied).toEqual(['http.handle']);
  });

  test('whose body breaks off never looks whole to its server', async () => {
    const bodies: string[] = [];
    const { promise: gone, resolve } = Promise.withResolvers<void>();
    const port = await startHttp((request) => {
      request.on('data', (chunk) => bodies.push(String(chunk)));
      request.on('end', () => bodies.push('whole'));
      request.on('error', () => resolve());
    });
    const { take, hearing } = agent(heldOf(['127.0.0.1']));
    take({ step: 'send', id: 1, head: sendHead(port, { method: 'POST', hasBody: true }) });
    take({ step: 'bytes', id: 1, bytes: Buffer.from('half') });
    await hearing.first('taken');
    take({ step: 'broken', id: 1 });
    expect(await hearing.first('failed')).toBeDefined();
    await gone;
    expect(bodies).toEqual(['half']);
  });

  test('with trailers is refused: none are sent', async () => {
    const port = await startHttp((_, response) => response.end());
    const { take, hearing } = agent(heldOf(['127.0.0.1']));
    take({ step: 'send', id: 1, head: sendHead(port, { method: 'POST', hasBody: true }) });
    take({ step: 'end', id: 1, trailers: [['x-a', 'b']] });
    expect(await hearing.first('failed')).toMatchObject({
      failure: { tag: 'HTTP-request-trailer-section-size' },
    });
  });

  test('more than the window, or a name that is taken, is what nobody of ours says', async () => {
    const port = await startHttp(() => {});
    const { take } = agent(heldOf(['127.0.0.1']));
    take({ step: 'send', id: 1, head: sendHead(port, { method: 'POST', hasBody: true }) });
    take({ step: 'bytes', id: 1, bytes: Buffer.alloc(65_536) });
    expect(() => take({ step: 'bytes', id: 1, bytes: Buffer.alloc(1) })).toThrow(ExchangeError);
    expect(() => take({ step: 'send', id: 1, head: sendHead(port) })).toThrow(ExchangeError);
    take({ step: 'send', id: 2, head: sendHead(port) });
    expect(() => take({ step: 'bytes', id: 2, bytes: Buffer.alloc(1) })).toThrow(ExchangeError);
    // Of one that is over anything can be said: it may not have heard.
    take({ step: 'bytes', id: 77, bytes: Buffer.alloc(100_000) });
  });

  test('as many at a time as one agent may have', async () => {
    const port = await startHttp(() => {});
    const { take, hearing } = agent(heldOf(['127.0.0.1']), { limits: { requestsPerAgent: 2 } });
    for (const id of [1, 2, 3]) {
      take({ step: 'send', id, head: sendHead(port) });
    }
    expect(await hearing.first('failed', 3)).toMatchObject({
      failure: { tag: 'connection-limit-reached' },
    });
    take({ step: 'drop', id: 1 });
    take({ step: 'send', id: 4, head: sendHead(port) });
    expect(hearing.heard).toHaveLength(1);
  });
});

describe('what ends an agent’s requests', () => {
  /** A server that begins a response and goes on only when its request is closed. */
  async function slow() {
    const closed = Promise.withResolvers<void>();
    const port = await startHttp((request, response) => {
      response.write('begun');
      request.socket.once('close', () => closed.resolve());
    });
    return { port, closed: closed.promise };
  }

  test('its end: the server sees it go', async () => {
    const { port, closed } = await slow();
    const { take, hearing, requests } = agent(heldOf(['127.0.0.1']));
    take({ step: 'send', id: 1, head: sendHead(port) });
    await hearing.first('head');
    requests.close();
    await closed;
    take({ step: 'send', id: 2, head: sendHead(port) });
    expect(hearing.heard).toHaveLength(1);
  });

  test('a revocation, also of one that is under way; others go on', async () => {
    const { port, closed } = await slow();
    const other = await slow();
    const revocations = new Revocations();
    const grants = heldOf([`127.0.0.1:${port}`], revocations);
    const [second] = heldOf([`127.0.0.1:${other.port}`]).of.network;
    grants.add({ ...(second as (typeof grants.of.network)[number]), id: 9, index: 9 });
    const { take, hearing, requests } = agent(grants);
    take({ step: 'send', id: 1, head: sendHead(port) });
    take({ step: 'send', id: 2, head: sendHead(other.port) });
    await Promise.all([hearing.first('head'), hearing.first('head', 2)]);
    revocations.revoke(0);
    requests.revoked();
    expect(await hearing.first('failed')).toMatchObject({
      failure: { tag: 'HTTP-request-denied' },
    });
    await closed;
    expect(hearing.denied).toEqual(['http.handle']);
    take({ step: 'pull', id: 2 });
    expect(await hearing.first('bytes', 2)).toMatchObject({ bytes: Buffer.from('begun') });
    take({ step: 'send', id: 3, head: sendHead(port) });
    expect(await hearing.first('failed', 3)).toMatchObject({
      failure: { tag: 'HTTP-request-denied' },
    });
  });

  test.each([
    ['told', true],
    ['not told yet', false],
  ])('a revocation, %s, while its body goes out and nothing has come', async (_, isTold) => {
    const got: string[] = [];
    const closed = Promise.withResolvers<void>();
    const port = await startHttp((request) => {
      request.on('data', (chunk) => got.push(String(chunk)));
      request.socket.once('close', () => closed.resolve());
    });
    const revocations = new Revocations();
    const { take, hearing, requests } = agent(heldOf(['127.0.0.1'], revocations));
    const bytes = (text: string) => take({ step: 'bytes', id: 1, bytes: Buffer.from(text) });
    take({ step: 'send', id: 1, head: sendHead(port, { method: 'POST', hasBody: true }) });
    bytes('before');
    await hearing.first('taken');
    revocations.revoke(0);
    if (isTold) {
      requests.revoked();
    }
    bytes('after');
    expect(await hearing.first('failed')).toMatchObject({
      failure: { tag: 'HTTP-request-denied' },
    });
    await closed.promise;
    expect(got.join('')).toBe('before');
    expect(hearing.denied).toEqual(['http.handle']);
  });

  test('a revocation that nobody has told yet: nothing more is given out', async () => {
    const { port } = await slow();
    const revocations = new Revocations();
    const { take, hearing } = agent(heldOf(['127.0.0.1'], revocations));
    take({ step: 'send', id: 1, head: sendHead(port) });
    await hearing.first('head');
    revocations.revoke(0);
    take({ step: 'pull', id: 1 });
    expect(await hearing.first('failed')).toMatchObject({
      failure: { tag: 'HTTP-request-denied' },
    });
    expect(hearing.heard.some(({ step }) => step === 'bytes')).toBe(false);
  });
});
