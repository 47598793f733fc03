/**
 * Goal: no request to a collector lasts for ever, whatever that sends meanwhile, and none when telemetry is closed.
 * Method: a real server that answers at once, or a byte now and then.
 */

import { once } from 'node:events';
import { createServer, request, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Connections } from './connections.ts';

let server: Server;
let sockets: number;
let connections: Connections;
const drips: ServerResponse[] = [];
beforeEach(async () => {
  sockets = 0;
  server = createServer((asked, response) => {
    asked.resume();
    if (asked.url !== '/drip') {
      response.end('{}');
      return;
    }
    response.writeHead(200);
    drips.push(response);
    const dripping = setInterval(() => response.write(' '), 5);
    response.on('close', () => clearInterval(dripping));
  }).listen(0, '127.0.0.1');
  server.keepAliveTimeout = 600_000;
  server.on('connection', () => {
    sockets += 1;
  });
  await once(server, 'listening');
});
afterEach(() => {
  connections.close();
  server.closeAllConnections();
  server.close();
});

/** What an exporter gets: the text of its answer, or why there is none. */
function ask(agent: ReturnType<Connections['agentOf']>, path: string): Promise<string> {
  const { port } = server.address() as AddressInfo;
  return new Promise((resolve) => {
    const failed = (error: Error): void => resolve(`failed: ${error.message}`);
    const asking = request({ agent, port, path, host: '127.0.0.1', method: 'POST' }, (response) => {
      let text = '';
      response.on('data', (piece) => {
        text += piece;
      });
      response.on('end', () => resolve(text));
      response.on('error', failed);
    });
    asking.on('error', failed);
    asking.end('x');
  });
}

test('a collector that goes on sending is given up, one that answers is asked again', async () => {
  connections = new Connections(600_000);
  const patient = connections.agentOf('TRACES', 'http:');
  for (let each = 0; each < 20; each += 1) {
    expect(await ask(patient, '/')).toBe('{}');
  }
  expect(sockets).toBe(1);
  const impatient = new Connections(100);
  expect(await ask(impatient.agentOf('TRACES', 'http:'), '/drip')).toMatch(/^failed/);
  impatient.close();
});

test('a connection that waits for the next request may do so longer than one may take', async () => {
  connections = new Connections(2_000);
  const agent = connections.agentOf('TRACES', 'http:');
  expect(await ask(agent, '/')).toBe('{}');
  // On another connection: when that is given up, more time has passed than a request may take.
  const other = connections.agentOf('LOGS', 'http:');
  expect(await ask(other, '/drip')).toMatch(/^failed/);
  expect(await ask(agent, '/')).toBe('{}');
  expect(sockets).toBe(2);
}, 60_000);

test('closed, it ends what is under way and connects no more', async () => {
  connections = new Connections(600_000);
  const agent = connections.agentOf('TRACES', 'http:');
  expect(await ask(agent, '/')).toBe('{}');
  drips.length = 0;
  const dripping = ask(agent, '/drip');
  await expect.poll(() => drips.length, { timeout: 60_000 }).toBe(1);
  connections.close();
  expect(await dripping).toMatch(/^failed/);
  expect(await ask(agent, '/')).toBe('failed: telemetry is closed');
});
