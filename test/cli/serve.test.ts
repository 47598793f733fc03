/**
 * Goal: `ringfence serve` answers who asks properly, and nobody who doesn't can hold it up: hostile clients
 * over real sockets, each beside an honest one.
 */

import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { guest, type Started, start, temporaryDirectory } from './ringfence.ts';

interface Served {
  readonly started: Started;
  readonly url: string;
  readonly port: number;
}

async function serve(...options: readonly string[]): Promise<Served> {
  const args = ['serve', '--addr', ':0', '--json', ...options, guest('http-puppet')];
  const started = start(args, { stdin: 'open' });
  const lines = started.child.stdout!;
  let text = '';
  while (!text.includes('\n')) {
    const [chunk] = (await Promise.race([
      once(lines, 'data'),
      started.ended.then(({ stderr }) => {
        throw new Error(stderr);
      }),
    ])) as [Buffer];
    text += chunk.toString();
  }
  const { url } = JSON.parse(text.split('\n')[0]!) as { url: string };
  return { started, url, port: Number(new URL(url).port) };
}

async function stop({ started }: Served): Promise<{ status: number | null; lines: string[] }> {
  started.child.kill('SIGTERM');
  const { status, stdout } = await started.ended;
  return { status, lines: stdout.trimEnd().split('\n') };
}

/** Also where it was closed by an error. */
const closed = (socket: Socket): Promise<unknown> =>
  new Promise((resolve) => socket.on('close', resolve));

/** All that a server says on one connection, until it closes it. */
async function raw(port: number, ...pieces: readonly string[]): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  socket.on('error', () => {});
  await once(socket, 'connect');
  for (const piece of pieces) {
    socket.write(piece, 'latin1');
  }
  await closed(socket);
  return Buffer.concat(chunks).toString('latin1');
}

const REQUEST = (path: string, ...fields: string[]): string =>
  [`GET /${path} HTTP/1.1`, 'host: a.test', ...fields, '', ''].join('\r\n');
const LAST = 'connection: close';

describe('ringfence serve', { timeout: 60_000 }, () => {
  let served: Served;
  beforeAll(async () => {
    served = await serve('--request-timeout', '5s', '--max-request', '100KiB');
  });
  afterAll(async () => {
    const { status, lines } = await stop(served);
    expect(status).toBe(0);
    for (const line of lines.slice(1)) {
      expect(JSON.parse(line)).toMatchObject({ event: 'request', method: expect.any(String) });
    }
  });
  const honest = async (): Promise<void> => {
    const response = await fetch(`${served.url}hello`);
    expect([response.status, await response.text()]).toEqual([200, 'hello']);
  };

  test('answers, with bodies and trailers as they come', async () => {
    await honest();
    const body = 'x'.repeat(90_000);
    const echoed = await fetch(`${served.url}echo`, { method: 'POST', body });
    expect(await echoed.text()).toBe(body);
    const answer = await raw(served.port, REQUEST('trailers/2', LAST));
    expect(answer).toContain('\r\n0\r\nx-trailer-0: t\r\nx-trailer-1: t\r\n\r\n');
    const sent = [
      'POST /read-trailers HTTP/1.1\r\nhost: a.test\r\nconnection: close\r\n',
      'transfer-encoding: chunked\r\ntrailer: x-end\r\n\r\n3\r\nabc\r\n0\r\nx-end: yes\r\n\r\n',
    ];
    expect(await raw(served.port, ...sent)).toContain('\r\n\r\nyes true');
  });

  test('takes as many trailers as fields, and has no module ended by more', async () => {
    const sent = (count: number): string[] => [
      'POST /read-trailers HTTP/1.1\r\nhost: a.test\r\nconnection: close\r\n',
      'transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nx-end: yes\r\n',
      'x: y\r\n'.repeat(count - 1),
      '\r\n',
    ];
    expect(await raw(served.port, ...sent(1_024))).toContain('\r\n\r\nyes true');
    expect(await raw(served.port, ...sent(1_025))).toMatch(/^HTTP\/1\.1 431 /);
    await honest();
  });

  test('says plainly what went wrong, and nothing of what is inside', async () => {
    for (const [path, status] of [
      ['trap', 500],
      ['nothing', 502],
      ['refuse/x', 502],
      ['sleep', 504],
      ['forever', 504],
    ] as const) {
      const response = await fetch(`${served.url}${path}`);
      expect([path, response.status]).toEqual([path, status]);
      expect(await response.text()).toMatch(/^The module [a-z ]+\.\n$/);
    }
    await honest();
  });

  test('never ends a body that is not whole', async () => {
    const half = await raw(served.port, REQUEST('trap-half'));
    expect(half).toContain('200 OK');
    expect(half).not.toContain('\r\n0\r\n');
    for (const path of ['short', 'long', 'sizes']) {
      expect(await raw(served.port, REQUEST(path, LAST))).toMatch(/^HTTP\/1\.1 502 /);
    }
    expect(await raw(served.port, REQUEST('exact', LAST))).toMatch(/\r\n\r\nexact$/);
    const whole = await raw(served.port, REQUEST('bytes/100000', LAST));
    expect(whole.endsWith('\r\n0\r\n\r\n')).toBe(true);
  });

  test('lets no field of a module end its line', async () => {
    const answer = await raw(served.port, REQUEST('field/x-a=b%0D%0Ax-evil:1', LAST));
    expect(answer).not.toContain('x-evil');
    expect(await raw(served.port, REQUEST('field/x-a=b', LAST))).toContain('x-a: b\r\n');
  });

  test('outlives a module that announces trailers where there can be none', async () => {
    const announced = REQUEST('field/trailer=x-end', LAST);
    expect(await raw(served.port, announced)).toContain('\r\ntrailer: x-end\r\n');
    for (const none of [
      announced.replace('GET', 'HEAD'),
      announced.replace('HTTP/1.1', 'HTTP/1.0'),
      REQUEST('announced-exact', LAST),
    ]) {
      const answer = await raw(served.port, none);
      expect(answer).toMatch(/^HTTP\/1\.1 200 /);
      expect(answer).not.toContain('trailer');
      await honest();
    }
  });

  test('gives up on a client whose head does not come', async () => {
    const slow = await raw(served.port, 'GET /hello HTTP/1.1\r\nhost: a.test\r\n');
    expect(slow).toMatch(/^(HTTP\/1\.1 408 |$)/);
    await honest();
  });

  test('refuses a head that is too large, and one of too many fields', async () => {
    const huge = await raw(served.port, REQUEST('hello', `x-a: ${'y'.repeat(40_000)}`, LAST));
    expect(huge).toMatch(/^HTTP\/1\.1 431 /);
    const many = Array.from({ length: 1_200 }, (_, index) => `x-${index}: 1`);
    expect(await raw(served.port, REQUEST('hello', ...many, LAST))).toMatch(/^HTTP\/1\.1 431 /);
    const few = many.slice(0, 1_000);
    expect(await raw(served.port, REQUEST('hello', ...few, LAST))).toMatch(/^HTTP\/1\.1 200 /);
  });

  test('refuses a body that is too large, told or without end', async () => {
    const told = 'POST /drain HTTP/1.1\r\nhost: a.test\r\ncontent-length: 102401\r\n\r\n';
    expect(await raw(served.port, told)).toMatch(/^HTTP\/1\.1 413 /);
    const socket = connect(served.port, '127.0.0.1');
    socket.on('error', () => {});
    const gone = closed(socket);
    // What it answers is lost where the client's own bytes are still under way.
    socket.resume();
    socket.write('POST /drain HTTP/1.1\r\nhost: a.test\r\ntransfer-encoding: chunked\r\n\r\n');
    const chunk = `1000\r\n${'z'.repeat(0x1000)}\r\n`;
    const more = (): void => {
      while (!socket.destroyed && socket.writable && socket.write(chunk)) {}
    };
    socket.on('drain', more);
    more();
    await gone;
    await honest();
  });

  test.each([
    ['two lengths', 'content-length: 3\r\ncontent-length: 4'],
    ['a length and chunks', 'content-length: 3\r\ntransfer-encoding: chunked'],
    ['an unknown coding', 'transfer-encoding: xchunked'],
    ['a space before the colon', 'transfer-encoding : chunked'],
    ['a folded line', 'x-a: b\r\n transfer-encoding: chunked'],
    ['a length that is no number', 'content-length: +3'],
  ])('takes no request that others could read otherwise: %s', async (_, fields) => {
    const smuggled = 'GET /count HTTP/1.1\r\nhost: b.test\r\n\r\n';
    const head = `POST /drain HTTP/1.1\r\nhost: a.test\r\n${fields}\r\n\r\n`;
    const answer = await raw(served.port, `${head}0\r\n\r\n${smuggled}`);
    expect(answer).toMatch(/^HTTP\/1\.1 (400|501) /);
    expect(answer.match(/HTTP\/1\.1 /g)).toHaveLength(1);
  });

  test.each([
    ['user@evil.test', '/hello'],
    ['a.test/x', '/hello'],
    ['a.test', '/hel\\lo'],
    ['a.test', 'ftp://a.test/hello'],
  ])('takes no target that can not be understood: %s %s', async (host, target) => {
    const answer = await raw(
      served.port,
      `GET ${target} HTTP/1.1\r\nhost: ${host}\r\n${LAST}\r\n\r\n`,
    );
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
  });

  test('takes a target in any form that can be', async () => {
    const whole = 'GET http://b.test:81/request/?x HTTP/1.1\r\nhost: a.test\r\n';
    const answer = await raw(served.port, `${whole}${LAST}\r\n\r\n`);
    expect(answer).toContain('get HTTP b.test:81 /request/?x');
  });

  test('answers pipelined requests in their order', async () => {
    const answer = await raw(
      served.port,
      REQUEST('bytes/5000') + REQUEST('hello') + REQUEST('status/404', LAST),
    );
    const statuses = [...answer.matchAll(/HTTP\/1\.1 (\d+) /g)].map(([, status]) => status);
    expect(statuses).toEqual(['200', '200', '404']);
  });

  test('ends what a client waits for that leaves, at any time', async () => {
    const leave = async (text: string): Promise<void> => {
      const socket: Socket = connect(served.port, '127.0.0.1');
      socket.on('error', () => {});
      await once(socket, 'connect');
      socket.write(text);
      await new Promise((resolve) => setImmediate(resolve));
      socket.destroy();
    };
    const halfBody = 'POST /drain HTTP/1.1\r\nhost: a.test\r\ncontent-length: 9\r\n\r\nab';
    await Promise.all(
      [REQUEST('sleep'), REQUEST('forever'), REQUEST('bytes/9999999'), halfBody].map(leave),
    );
    await honest();
  });
});

describe('at its end', () => {
  test('what is under way is finished, and nothing else is taken', async () => {
    const served = await serve('--drain', '60s');
    const response = await fetch(`${served.url}bytes/3000000`);
    served.started.child.kill('SIGINT');
    await served.started.untilStderrHas('no more requests are taken');
    await expect(fetch(`${served.url}hello`)).rejects.toThrow();
    expect((await response.text()).length).toBe(3_000_000);
    expect((await served.started.ended).status).toBe(0);
  });

  test('what does not come to an end is ended', async () => {
    const served = await serve('--drain', '100ms');
    const response = fetch(`${served.url}sleep`).then(({ status }) => status);
    while ((await fetch(`${served.url}hello`)).status !== 200) {}
    const { status, lines } = await stop(served);
    expect(status).toBe(0);
    expect(await response).toBe(503);
    expect(lines.at(-1)).toContain('the server is closing');
  });
});

describe('what can not be served', () => {
  const scratch = temporaryDirectory();
  afterAll(() => scratch.remove());

  const refusedWith = async (args: readonly string[]): Promise<[number | null, string]> => {
    const { status, stderr, stdout } = await start(['serve', ...args]).ended;
    expect(stdout).toBe('');
    return [status, stderr];
  };

  test('a module that handles no requests', async () => {
    const [status, text] = await refusedWith(['--addr', ':0', guest('hello')]);
    expect([status, text]).toEqual([
      2,
      'ringfence: Cannot serve the module as it exports no wasi:http/incoming-handler: run it (ringfence run, kernel.spawn).\n',
    ]);
    const run = await start(['run', guest('web-hello')]).ended;
    expect(run.stderr).toContain('serve it (ringfence serve');
  });

  test('where something else listens', async () => {
    const served = await serve();
    const [status, text] = await refusedWith(['--addr', `:${served.port}`, guest('web-hello')]);
    expect([status, text]).toEqual([
      2,
      `ringfence: Cannot listen on 127.0.0.1:${served.port}: something else listens there: choose another port, or :0 for any that is free (--addr).\n`,
    ]);
    await stop(served);
  });

  test.each([
    ['--addr', 'here'],
    ['--addr', '127.0.0.1:65536'],
    ['--keep-warm', '-1'],
    ['--max-concurrent', '0'],
    ['--request-timeout', 'soon'],
    ['--max-request', '1 parrot'],
  ])('with %s %s', async (option, value) => {
    const [status, text] = await refusedWith([`${option}=${value}`, guest('web-hello')]);
    expect(status).toBe(2);
    expect(text).toMatch(new RegExp(`^ringfence: Cannot use ${option}[ :].*\\.\\n$`));
  });

  test('what a policy does not know', async () => {
    const policy = join(scratch.path, 'ringfence.toml');
    writeFileSync(policy, 'version = 1\n');
    const [status, text] = await refusedWith(['--policy', policy, guest('web-hello')]);
    expect(status).not.toBe(0);
    expect(text).toContain('policy');
  });
});

test('the servers of a policy are started for a module that may call their tools, and for no other', async () => {
  const folder = temporaryDirectory();
  const policyOf = (name: string, tools: string): string => {
    const path = join(folder.path, name);
    writeFileSync(
      path,
      `version = 1
[mcp.gone]
command = ["no-such-program-anywhere"]
[[module]]
match = ${JSON.stringify(guest('http-puppet'))}
grants.tools = [${JSON.stringify(tools)}]
`,
    );
    return path;
  };
  await expect(serve('--policy', policyOf('reached.toml', 'gone.add'))).rejects.toThrow('gone');
  const served = await serve('--policy', policyOf('unreached.toml', 'time.now'));
  expect(await (await fetch(new URL('/hello', served.url))).text()).toBe('hello');
  expect((await stop(served)).status).toBe(0);
  folder.remove();
}, 60_000);
