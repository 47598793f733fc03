/**
 * Goal: no client holds a connection of `ringfence serve` for ever. Method: a response that is whole at once
 * and too long for the system's buffers, to a client that takes none of it, beside one that takes all.
 */

import { once } from 'node:events';
import { connect } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import type { HttpService } from '../index.ts';
import { listen } from './http-server.ts';

/** More than the system takes of a response that nobody reads. */
const BODY = Buffer.alloc(64 * 1024 * 1024, 'x');

test('a client that takes nothing of a whole response is let go; one that takes it has it all', {
  timeout: 60_000,
}, async () => {
  const dropped = Promise.withResolvers<void>();
  const service: Pick<HttpService, 'listener'> = {
    listener: (request, response) => {
      if (request.url === '/stuck') {
        request.socket.once('close', () => dropped.resolve());
      }
      response.end(BODY);
    },
  };
  const server = await listen(
    service as HttpService,
    { host: '127.0.0.1', port: 0 },
    { timeoutMs: 200, maxConcurrent: 4 },
  );
  onTestFinished(() => {
    server.stopListening();
    server.close();
  });
  const { port } = new URL(server.url);
  const stuck = connect(Number(port), '127.0.0.1');
  stuck.on('error', () => {});
  onTestFinished(() => {
    stuck.destroy();
  });
  stuck.pause();
  await once(stuck, 'connect');
  stuck.write('GET /stuck HTTP/1.1\r\nhost: a.test\r\n\r\n');
  const whole = await (await fetch(server.url)).arrayBuffer();
  expect(whole.byteLength).toBe(BODY.length);
  await dropped.promise;
});
