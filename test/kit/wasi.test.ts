/**
 * Goal: bindings of WASI 0.2, of its drafts and of ringfence's contract are right in every function, and WASI's
 * own worlds can be written in AssemblyScript. Method: a guest that calls every function there is, whose core
 * imports the tools compare with the world and the kernel with what it offers; and a command and a handler
 * for the worlds as WASI has them, run by a kernel, the handler behind Node's server.
 */

import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { assemblyScriptBindings } from '../../src/kit/assemblyscript/bindings.ts';
import { compileAssemblyScript } from '../../src/kit/assemblyscript/compile.ts';
import { componentFromCore } from '../../src/kit/build/make-component.ts';
import { readWitSource } from '../../src/kit/build/wit-source.ts';
import { type ResolvedWorld, resolveWorld } from '../../src/kit/wit/resolve-world.ts';
import { type TestKernel, testKernel } from '../support/kernel.ts';
import { COMMAND, HANDLER } from './wasi-guests.ts';

const PATIENCE = 120_000;

let folder: string;
let host: TestKernel;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ringfence-wasi-'));
  host = await testKernel();
});
afterAll(async () => {
  await host.kernel.close();
  rmSync(folder, { recursive: true, force: true });
});

const worldOf = (text: string, name: string) =>
  resolveWorld({ root: [{ name: 'world.wit', text }], deps: [] }, name);

const bindingsFolder = (name: string) => join(folder, `${name}-bindings`);

async function coreOf(name: string, world: ResolvedWorld, source: string): Promise<Uint8Array> {
  const file = join(folder, `${name}.ts`);
  writeFileSync(file, source);
  const { core } = await compileAssemblyScript({
    file,
    world,
    folder: bindingsFolder(name),
    base: folder,
  });
  return core;
}

const componentOf = (core: Uint8Array, { worldName, witSource }: ResolvedWorld) =>
  componentFromCore(core, {
    world: worldName,
    stringEncoding: 'utf16',
    file: 'guest.ts',
    witSource,
  });

/** Types in a list of parameters, whose own lists have commas too. */
function typesIn(parameters: string): string[] {
  const types: string[] = [];
  let depth = 0;
  let current = '';
  for (const character of parameters) {
    if (character === '<') depth += 1;
    if (character === '>') depth -= 1;
    if (character === ',' && depth === 0) {
      types.push(current);
      current = '';
    } else current += character;
  }
  if (current.trim() !== '') types.push(current);
  return types.map((each) => each.slice(each.indexOf(':') + 1).trim());
}

/** The text of a generated module, and a function that calls all that it has, with nothing. */
function callingAll(text: string): string {
  const calls: string[] = [];
  const argumentsFor = (parameters: string) =>
    typesIn(parameters)
      .map((type) => `nothing<${type}>()`)
      .join(', ');
  const renamed = new Map(
    [...text.matchAll(/^export \{ (\w+) as (\w+) \};$/gm)].map(([, own = '', as = '']) => [
      own,
      as,
    ]),
  );
  let className = '';
  for (const line of text.split('\n')) {
    className =
      /^export class (\w+) extends _Handle/.exec(line)?.[1] ?? (line === '}' ? '' : className);
    const [, isExported, name = '', parameters = ''] =
      /^(export )?function (\w+)\((.*)\): .* \{$/.exec(line) ?? [];
    if (name !== '' && (isExported || renamed.has(name)) && !name.startsWith('nameOf')) {
      calls.push(`${name}(${argumentsFor(parameters)});`);
    }
    const [, isStatic, member = '', list = ''] =
      /^ {2}(static )?(\w+)\((.*)\): .* \{$/.exec(line) ?? [];
    if (className !== '' && member !== '') {
      const target = isStatic ? className : `nothing<${className}>()`;
      calls.push(`${target}.${member}(${argumentsFor(list)});`);
    }
  }
  return `${text}
import { zero as nothing } from 'wit/values';
export function callAll(): void {
${calls.join('\n')}
}
`;
}

test(
  'every function of every interface that is offered is imported as the world has it',
  async () => {
    const world = await worldOf(readWitSource(), 'agent');
    const interfaces: string[] = [];
    const expected = new Set<string>();
    for (const [name, extern] of world.world.imports) {
      if (extern.kind !== 'instance') continue;
      interfaces.push(name);
      for (const [member, each] of extern.exports) {
        if (each.kind === 'func') expected.add(`${name} ${member}`);
        if (each.kind !== 'type' || each.type.kind !== 'resource') continue;
        // Of a resource with several names only its own is dropped.
        if (each.type.interfaceName === name && each.type.name === member)
          expected.add(`${name} [resource-drop]${member}`);
      }
    }
    expect(interfaces.length).toBeGreaterThan(40);
    expect(expected.size).toBeGreaterThan(200);

    const { files } = assemblyScriptBindings(world, '../all');
    const paths = interfaces.map((name) => name.replace(/@.*/, '').replace(':', '/'));
    const name = 'all';
    const guestText = `
import { getArguments } from 'wasi/cli/environment';
import { Result, UNIT, Unit } from 'wit/values';
${paths.map((path, index) => `import { callAll as call${index} } from '${path}-all';`).join('\n')}
export function run(): Result<Unit, string> {
  if (getArguments().length > 1000000) {
${paths.map((_, index) => `call${index}();`).join('\n')}
  }
  return Result.ok<Unit, string>(UNIT);
}
`;
    // Beside the generated modules, which are compiled as far as they are used.
    for (const path of paths) {
      const file = join(bindingsFolder(name), `${path}-all.ts`);
      mkdirSync(join(file, '..'), { recursive: true });
      writeFileSync(file, callingAll(files.get(`${path}.ts`) ?? ''));
    }
    const core = await coreOf(name, world, guestText);
    const imports = WebAssembly.Module.imports(new WebAssembly.Module(core.slice()));
    const found = imports.map((each) => `${each.module} ${each.name}`);
    expect(new Set(found)).toEqual(expected);

    const module = await host.kernel.load(await componentOf(core, world));
    const agent = await host.kernel.spawn({ module });
    expect((await agent.exited).exit.reason).toBe('normal');
  },
  PATIENCE,
);

test(
  'a wasi:cli/command reads arguments, variables, its input and a file, and writes its output',
  async () => {
    const world = await worldOf(
      'package my:app;\nworld app { include wasi:cli/command@0.2.12; }',
      'app',
    );
    const core = await coreOf('command', world, COMMAND);
    const module = await host.kernel.load(await componentOf(core, world));
    const files = join(folder, 'files');
    mkdirSync(files);
    writeFileSync(join(files, 'note'), 'what is "written"\n');
    const spawn = (name: string) =>
      host.kernel.spawn({
        module,
        arguments: ['program', 'one two', name],
        environment: { NAME: 'Ada' },
        stdin: 'é and\nmore',
        grants: { files: [{ host: files, guest: '/files', modes: ['read'] }] },
      });
    const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    const agent = await spawn('note');
    expect((await agent.exited).exit.code).toBe(0);
    expect(JSON.parse(text(agent.stdout))).toEqual({
      arguments: ['program', 'one two', 'note'],
      variables: { NAME: 'Ada' },
      input: 'é and\nmore',
      file: 'what is "written"\n',
    });
    const failing = await spawn('nothing');
    expect((await failing.exited).exit.code).toBe(1);
    expect(text(failing.stderr)).toBe('no-entry\n');
  },
  PATIENCE,
);

test(
  'a wasi:http/proxy answers a server’s requests, with what was in them',
  async () => {
    const world = await worldOf(
      'package my:app;\nworld app { include wasi:http/proxy@0.2.12; }',
      'app',
    );
    const core = await coreOf('handler', world, HANDLER);
    const module = await host.kernel.load(await componentOf(core, world));
    await using service = host.kernel.serve({ module });
    const server = createServer(service.listener).listen(0, '127.0.0.1');
    try {
      await once(server, 'listening');
      const { port } = server.address() as AddressInfo;
      const body = 'more '.repeat(700);
      const posted = await fetch(`http://127.0.0.1:${port}/there?and=back`, {
        method: 'POST',
        headers: { 'x-greeting': 'hello' },
        body,
      });
      expect(posted.status).toBe(201);
      expect(posted.headers.get('content-type')).toBe('application/json');
      expect(await posted.json()).toEqual({
        method: 'post',
        path: '/there?and=back',
        greeting: 'hello',
        body,
      });
      const got = await fetch(`http://127.0.0.1:${port}/`);
      expect(got.status).toBe(200);
      expect(await got.json()).toEqual({ method: 'get', path: '/', greeting: '', body: '' });
    } finally {
      server.close();
      server.closeAllConnections();
    }
  },
  PATIENCE,
);
