/**
 * Asks an HTTP server on connections that stay open, one request after another on each, in a process of
 * its own: `node network-client.ts URL CONNECTIONS MILLISECONDS`. Prints the milliseconds that each took.
 * Sockets and nothing else: what a client library costs would be measured with the server.
 */

import { connect } from 'node:net';

const [url = '', connections = '1', milliseconds = '1000'] = process.argv.slice(2);
const { hostname, port, pathname } = new URL(url);
const request = `GET ${pathname} HTTP/1.1\r\nhost: ${hostname}\r\n\r\n`;
const endsAt = performance.now() + Number(milliseconds);
const took: number[] = [];

/** Whether the text is a whole response: of a length that is told, or in chunks. */
function isWhole(text: string): boolean {
  const head = text.indexOf('\r\n\r\n');
  const length = /content-length: (\d+)/i.exec(text)?.[1];
  return length === undefined
    ? text.endsWith('\r\n0\r\n\r\n')
    : head >= 0 && text.length >= head + 4 + Number(length);
}

function ask(): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname);
    let text = '';
    let startedAt = performance.now();
    const next = (): void => {
      text = '';
      startedAt = performance.now();
      socket.write(request);
    };
    socket.setNoDelay(true);
    socket.on('connect', next);
    socket.on('error', reject);
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1');
      if (!isWhole(text)) {
        return;
      }
      if (!text.startsWith('HTTP/1.1 200 ')) {
        reject(new Error(text.slice(0, 100)));
        return;
      }
      took.push(performance.now() - startedAt);
      if (performance.now() < endsAt) {
        next();
      } else {
        socket.destroy();
        resolve();
      }
    });
  });
}

await Promise.all(Array.from({ length: Number(connections) }, ask));
console.log(JSON.stringify(took));
