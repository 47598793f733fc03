/** Servers of a test's own on the loopback, that are gone when the test is over. */

import { createServer as createHttp, type RequestListener } from 'node:http';
import { createSecureServer as createHttp2 } from 'node:http2';
import { createServer as createHttps } from 'node:https';
import { type AddressInfo, createServer as createTcp, type Server, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import type { ServerCertificate } from './certificates.ts';

async function listening(server: Server, host = '127.0.0.1'): Promise<number> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    socket.on('error', () => {});
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, host, resolve);
  });
  onTestFinished(async () => {
    for (const socket of sockets) {
      socket.destroy();
    }
    await new Promise((resolve) => server.close(resolve));
  });
  return (server.address() as AddressInfo).port;
}

/** A server of HTTP/1.1; answers its port. */
export const startHttp = (handler: RequestListener, host?: string): Promise<number> =>
  listening(createHttp(handler), host);

/** The same over TLS. */
export const startHttps = (
  certificate: ServerCertificate,
  handler: RequestListener,
): Promise<number> => listening(createHttps(certificate, handler));

/** A server that speaks HTTP/2 only. */
export const startHttp2 = (
  certificate: ServerCertificate,
  handler: RequestListener,
): Promise<number> =>
  listening(createHttp2({ ...certificate, allowHTTP1: false }, handler as never) as never);

/** A server that does what it likes with a connection, from the first byte on. */
export const startTcp = (handler: (socket: Socket) => void, host?: string): Promise<number> =>
  listening(createTcp(handler), host);

/** A server that answers each request with these bytes, and then does what the test says. */
export const startRaw = (answer: string, then?: (socket: Socket) => void): Promise<number> =>
  startTcp((socket) => {
    socket.once('data', () => {
      socket.write(answer, 'latin1');
      then?.(socket);
    });
  });
