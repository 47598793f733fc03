/**
 * Goal: each guest example is what it claims to be. Method: jco, which knows nothing of our reader,
 * prints the world of each built component; the attacks and the guest that calls everything are
 * compared with what is offered.
 */

import { readFileSync } from 'node:fs';
import { componentWit } from '@bytecodealliance/jco';
import { beforeAll, describe, expect, test } from 'vitest';
import { buildGuests } from '../scripts/build-guests.ts';
import { decodeWorld, readComponent } from '../src/wasm/component/reader.ts';
import type { ExternType, FunctionType, ValueType } from '../src/wasm/component/types.ts';
import { OFFERED_WORLD_BASE64 } from '../src/wasm/host/generated/offered-world.ts';
import { ATTACKS } from './attacks-table.ts';

let files: ReadonlyMap<string, string>;

beforeAll(async () => {
  files = (await buildGuests()).files;
}, 300_000);

/** jco refuses its types for their size; ours must too. */
const INVALID = 'attack-types-doubling-deep';

function bytesOf(name: string): Uint8Array {
  const file = files.get(name);
  if (file === undefined) throw new Error(`There is no guest '${name}'.`);
  return readFileSync(file);
}

describe('a built guest', () => {
  test('is a component that exports what an agent or a command must', async () => {
    for (const name of files.keys()) {
      if (name === INVALID) continue;
      const world = await componentWit(bytesOf(name));
      expect(world, name).toMatch(
        /export (run: func\(\) -> result<_, string>|wasi:(cli\/run|http\/incoming-handler)@0\.2\.12);/,
      );
    }
  });

  test('imports nothing but the contract and WASI', async () => {
    for (const name of files.keys()) {
      if (name === INVALID) continue;
      const imports = (await componentWit(bytesOf(name))).match(/^ {2}import .*$/gm) ?? [];
      for (const line of imports) {
        expect(line, name).toMatch(
          /^ {2}import (ringfence:agent|wasi:[a-z]+)\/[a-z-]+@[\d.]+(-draft2?)?;$/,
        );
      }
    }
  });

  test('imports only what it uses', async () => {
    const imports = (await componentWit(bytesOf('hello'))).match(/^ {2}import .*$/gm);
    expect(imports).toEqual(['  import ringfence:agent/log@0.1.0;']);
  });
});

test('every attack and every control is built', () => {
  for (const { name, control } of ATTACKS) {
    expect(files.has(name), name).toBe(true);
    expect(files.has(control), control).toBe(true);
  }
  const built = [...files.keys()].filter((name) => name.startsWith('attack-'));
  const listed = ATTACKS.flatMap(({ name, control }) => [name, control]);
  expect(built.sort()).toEqual([...new Set(listed)].sort());
});

test('the guest that calls everything imports every function that it can reach', () => {
  const reachable = functionsOf(
    decodeWorld(Buffer.from(OFFERED_WORLD_BASE64, 'base64')).imports,
    (type) => type.params.every(({ type }) => isReachable(type)),
  );
  expect(reachable.length).toBeGreaterThan(80);
  expect(importsOf('ungranted')).toEqual(expect.arrayContaining(reachable));
});

/** What a guest's core modules import from outside, as `INTERFACE FUNCTION`. */
function importsOf(name: string): string[] {
  return readComponent(bytesOf(name)).modules.flatMap(({ bytes }) =>
    WebAssembly.Module.imports(new WebAssembly.Module(bytes.slice())).map(
      (each) => `${each.module} ${each.name}`,
    ),
  );
}

/** The functions of all interfaces, as `INTERFACE FUNCTION`. */
function functionsOf(
  imports: ReadonlyMap<string, ExternType>,
  include: (type: FunctionType) => boolean,
): string[] {
  const names: string[] = [];
  for (const [interfaceName, extern] of imports) {
    if (extern.kind !== 'instance') continue;
    for (const [name, member] of extern.exports) {
      if (member.kind === 'func' && include(member)) names.push(`${interfaceName} ${name}`);
    }
  }
  return names;
}

/** Resources whose handles come only by a grant, or from a request that came in. */
const OUT_OF_REACH = new Set([
  ...['descriptor', 'directory-entry-stream', 'tcp-socket', 'udp-socket', 'terminal-input'],
  ...['incoming-datagram-stream', 'outgoing-datagram-stream', 'resolve-address-stream', 'error'],
  ...['terminal-output', 'incoming-request', 'incoming-response', 'incoming-body'],
  ...['future-trailers', 'future-incoming-response', 'response-outparam'],
]);

/** Whether a guest can make a value of the type without a grant. */
function isReachable(type: ValueType | null): boolean {
  if (type === null) return true;
  switch (type.kind) {
    case 'own':
    case 'borrow':
      return !OUT_OF_REACH.has(type.resource.name);
    case 'list':
      return isReachable(type.element);
    case 'tuple':
      return type.elements.every(isReachable);
    case 'record':
      return type.fields.every((field) => isReachable(field.type));
    default:
      return true; // Options and variants have a case without a handle.
  }
}
