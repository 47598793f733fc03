/** Goal: what only a transport sees of its process. Method: processes that do one thing, without the SDK. */

import { expect, test } from 'vitest';
import { ProcessTransport } from './process-transport.ts';

const commandOf = (script: string) => ({
  file: process.execPath,
  arguments: ['-e', script],
  environment: {},
  directory: '/',
});
const MESSAGE = { jsonrpc: '2.0', method: 'notifications/x', params: { x: 'x'.repeat(200_000) } };

/** How a transport has ended that was sent a message larger than a pipe. */
async function endOf(script: string): Promise<string> {
  const transport = new ProcessTransport(commandOf(script), { stallMs: 1_000 });
  const { promise: closed, resolve } = Promise.withResolvers<void>();
  transport.onclose = resolve;
  await transport.start();
  await transport.send(MESSAGE as never);
  await closed;
  await transport.close();
  return transport.how;
}

test('a server that reads nothing is given up', async () => {
  expect(await endOf('setInterval(() => {}, 1e6)')).toBe('it does not read what it is sent');
});

test('a server that reads is not', async () => {
  // It ends when it has read everything.
  const script =
    "let n = 0; process.stdin.on('data', (c) => { n += c.length; if (n > 200_000) process.exit(5); })";
  expect(await endOf(script)).toBe('it ended with code 5');
});

test('a program that can not be started says so', async () => {
  const transport = new ProcessTransport({ ...commandOf(''), directory: '/no/such/folder' });
  await expect(transport.start()).rejects.toThrow();
  expect(transport.how).toBe('it could not be started (ENOENT)');
});

test('what it says last is kept', async () => {
  const transport = new ProcessTransport(
    commandOf("process.stderr.write('x'.repeat(100_000) + 'the end'); process.exitCode = 1"),
  );
  await transport.start();
  const { promise, resolve } = Promise.withResolvers<void>();
  transport.onclose = resolve;
  await promise;
  await transport.close();
  expect(transport.how).toMatch(/^it ended with code 1, and said: x{1,2000}the end$/);
});

test('nothing is left to listen for the end of the program', async () => {
  const before = process.listenerCount('exit');
  const transport = new ProcessTransport(commandOf('process.stdin.resume()'));
  await transport.start();
  expect(process.listenerCount('exit')).toBe(before + 1);
  await transport.close();
  expect(process.listenerCount('exit')).toBe(before);
});
