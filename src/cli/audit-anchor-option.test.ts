/** Goal: a token goes to the one endpoint that it is for, and is told nowhere. Method: a server of HTTP. */

import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Command } from 'commander';
import { expect, onTestFinished, test } from 'vitest';
import { type AnchorPlace, anchorOptions, anchorsAt } from './audit-anchor-option.ts';

const TOKEN = 'abc.DEF-0123456789_~+/==';
const VARIABLES = {
  TOKEN,
  EMPTY: '',
  SPACED: `${TOKEN} x`,
  LINE: `${TOKEN}\nx: y`,
  LONG: 'x'.repeat(4097),
};

/** The places that options name. */
function placesOf(...named: string[]): AnchorPlace[] {
  const command = new Command().exitOverride();
  for (const made of anchorOptions('')) {
    command.addOption(made);
  }
  const args = named.flatMap((name) => ['--audit-anchor', name]);
  return command.parse(args, { from: 'user' }).opts<{ auditAnchor: AnchorPlace[] }>().auditAnchor;
}

test('an address is sent the token, and what else keeps checkpoints is not', async () => {
  const got: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    got.push(request.headers.authorization);
    response.end();
  }).listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/keep`;
  const [file, address] = anchorsAt(placesOf('file:x', url), 'TOKEN', VARIABLES);
  expect([file?.name, address?.name]).toEqual(['file', new URL(url).origin]);
  await address?.put('note');
  const [plain] = anchorsAt(placesOf(url), undefined, VARIABLES);
  await plain?.put('note');
  expect(got).toEqual([`Bearer ${TOKEN}`, undefined]);
});

test.each<[string[], string, RegExp]>([
  [['https://a.test'], 'NONE', /no such variable/],
  [['https://a.test'], '__proto__', /no such variable/],
  [['https://a.test'], 'EMPTY', /no such variable/],
  [['https://a.test'], TOKEN, /no such variable/],
  [['https://a.test'], 'SPACED', /no bearer token/],
  [['https://a.test'], 'LINE', /no bearer token/],
  [['https://a.test'], 'LONG', /no bearer token/],
  [['file:x'], 'TOKEN', /no address/],
  [['https://a.test', 'https://b.test'], 'TOKEN', /several addresses/],
  [['http://a.test'], 'TOKEN', /on its way/],
  [['http://127.0.0.1.a.test'], 'TOKEN', /on its way/],
])('%j with %s is refused, and the token is not told', (named, variable, why) => {
  const refuse = () => anchorsAt(placesOf(...named), variable, VARIABLES);
  expect(refuse).toThrow(expect.objectContaining({ code: 'RF_USAGE' }));
  expect(refuse).toThrow(why);
  expect(refuse).not.toThrow(/0123456789|xxxx/);
});

test.each(['https://a.test', 'http://localhost:1', 'http://127.0.0.1:1', 'http://[::1]:1'])(
  '%s may be sent it',
  (address) => {
    expect(anchorsAt(placesOf(address), 'TOKEN', VARIABLES)).toHaveLength(1);
  },
);
