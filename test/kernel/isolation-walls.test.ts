/**
 * Goal: the system's own walls around an agent's process hold by themselves, when Node's permission
 * model is gone. Method: a probe in the place of the process, without that model, within the walls and,
 * as the control, without them. Where the machine has no bubblewrap the tests of it are skipped.
 */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { ChildLink } from '../../src/backend/process/child-link.ts';
import {
  type ChildCommand,
  childCommand,
  limitingCommand,
} from '../../src/backend/process/command.ts';
import { confine } from '../../src/backend/process/confine.ts';
import { Launcher } from '../../src/backend/process/launcher.ts';
import { findTools, type WallPlan, wallPlans, wallsOf } from '../../src/backend/process/walls.ts';
import { useOf } from '../../src/backend/process/watch.ts';
import { Starts } from '../../src/backend/starts.ts';

const fixture = (name: string): string =>
  fileURLToPath(new URL(`../fixtures/isolation/${name}.ts`, import.meta.url));

const tools = findTools();
const NO_TOOLS = { bwrap: null, prlimit: null, setpriv: null };

/** Whether bubblewrap works here: it is found out as a kernel finds it out. */
async function wallsHere() {
  const launcher = new Launcher({
    starts: new Starts(2),
    policy: 'if-available',
    onWarning: () => {},
  });
  const walls = await launcher.walls();
  await launcher.close();
  return walls;
}
const here = await wallsHere();

let server: Server;
let port = 0;
let directory: string;
let file: string;
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'ringfence-walls-'));
  file = join(directory, 'secret');
  writeFileSync(file, 'secret');
  server = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  port = (server.address() as { port: number }).port;
});
afterAll(() => {
  server.close();
  rmSync(directory, { recursive: true });
});

const isPermission = (argument: string): boolean =>
  argument === '--permission' || argument.startsWith('--allow-fs-read');

/** The command without Node's own walls. */
function withoutPermissions(command: ChildCommand, ...more: string[]): ChildCommand {
  const kept = command.arguments.filter((argument) => !isPermission(argument));
  return { ...command, arguments: [...kept, ...more] };
}

async function probe(plan: WallPlan) {
  const command = childCommand(plan, fixture('probe'));
  const link = new ChildLink(
    withoutPermissions(command, file, directory, String(port), String(process.pid)),
  );
  const said = Promise.withResolvers<string>();
  link.listen({
    frame: ({ head }) => said.resolve(head.toString()),
    broken: (what) => said.reject(new Error(what)),
    gone: () => said.reject(new Error('the probe has died')),
  });
  const { text } = JSON.parse(await said.promise) as { text: string };
  link.kill();
  await link.gone;
  return JSON.parse(text) as Record<string, unknown>;
}

const bare: WallPlan = { bwrap: null, filter: null, setpriv: null, asNobody: false, prlimit: null };

/** The strongest that works here: nobody can't start what only root can read. */
const strongest =
  wallPlans(tools).find(
    (plan) => wallsOf(plan, tools, null).missing.length === here.missing.length,
  ) ?? bare;

describe('a process', () => {
  test('without walls does all of it: the probe works', async () => {
    expect(await probe(bare)).toMatchObject({
      read: 'ok secret',
      write: 'ok undefined',
      spawn: 'ok',
      connect: 'ok',
      listen: 'ok',
      environment: [],
      descriptors: [],
    });
    rmSync(fileURLToPath(new URL('../fixtures/isolation/probe-was-here', import.meta.url)), {
      force: true,
    });
    rmSync('/probe', { force: true });
  });

  test.runIf(here.namespaces && here.systemCalls)(
    'within them reads no file, writes none, reaches nobody, starts nothing, and knows nothing',
    async () => {
      const found = await probe(strongest);
      expect(found).toMatchObject({
        read: 'ENOENT',
        etc: false,
        proc: false,
        home: false,
        write: 'ENOENT',
        writeRoot: 'EROFS',
        writeCode: 'EROFS',
        spawn: 'Error',
        connect: 'EPERM',
        listen: 'EPERM',
        // Bubblewrap's own; it says `/`.
        environment: ['PWD'],
        uid: 65_534,
        hostname: 'agent',
        descriptors: [],
      });
      expect(found.kill).toBe('ESRCH');
      expect(found.list).toMatch(/^ok (lib\d* )*node ringfence usr$/);
    },
  );

  test.runIf(here.namespaces)('without the filter reaches nobody either', async () => {
    const plan = { ...bare, bwrap: tools.bwrap };
    expect(await probe(plan)).toMatchObject({ read: 'ENOENT', connect: 'ECONNREFUSED' });
  });
});

describe('limits of the system', () => {
  test.runIf(here.resourceLimits)('are in force in the process', async () => {
    const link = new ChildLink(
      childCommand({ ...bare, setpriv: tools.setpriv }, fixture('hostile')),
    );
    expect(await link.ready).toBe(true);
    const systemPid = (await link.systemPid) ?? 0;
    expect(useOf(systemPid)?.residentBytes).toBeGreaterThan(1024 * 1024);
    const bounds = { residentBytes: null, dataBytes: 2 ** 31, cpuTimeMs: 60_000 };
    expect(await confine([tools.prlimit ?? ''], systemPid, bounds, true)).toBe(true);
    const limits = readFileSync(`/proc/${systemPid}/limits`, 'utf8');
    const limit = (name: string) =>
      new RegExp(`^Max ${name}\\s+(\\S+)\\s+(\\S+)`, 'm').exec(limits);
    for (const [name, most] of [
      ['data size', String(2 ** 31)],
      ['cpu time', '65'],
      ['core file size', '0'],
      ['file size', '0'],
      ['open files', '64'],
      ['processes', '64'],
      ['locked memory', '0'],
    ] as const) {
      expect(limit(name)?.slice(1), name).toEqual([most, most]);
    }
    link.kill();
    await link.gone;
    expect(useOf(systemPid)).toBeNull();
  });

  // Of root the system counts no threads, whatever the limit.
  test.runIf(here.namespaces && here.resourceLimits && strongest.asNobody)(
    'count threads: the process of root is nobody’s, outside of its namespaces too',
    async () => {
      const ownerWithin = async (plan: WallPlan) => {
        const link = new ChildLink(childCommand(plan, fixture('hostile')));
        expect(await link.ready).toBe(true);
        const systemPid = (await link.systemPid) ?? 0;
        const bounds = { residentBytes: null, dataBytes: null, cpuTimeMs: null };
        expect(await confine(limitingCommand(plan) ?? [], systemPid, bounds, true)).toBe(true);
        const status = readFileSync(`/proc/${systemPid}/status`, 'utf8');
        link.kill();
        await link.gone;
        return status.split('\n').filter((line) => /^(Uid|Gid|Groups):/.test(line));
      };
      const nobody = '65534\t65534\t65534\t65534';
      expect(await ownerWithin(strongest)).toEqual([
        `Uid:\t${nobody}`,
        `Gid:\t${nobody}`,
        expect.stringMatching(/^Groups:\s*$/),
      ]);
      const asRoot = { ...strongest, setpriv: null, asNobody: false };
      expect((await ownerWithin(asRoot))[0]).toBe('Uid:\t0\t0\t0\t0');
      expect(wallsOf(asRoot, tools, null).missing).toEqual([
        expect.stringContaining('its threads are not counted'),
      ]);
    },
  );

  test.runIf(here.resourceLimits)('that can not be set are noticed', async () => {
    const bounds = { residentBytes: null, dataBytes: null, cpuTimeMs: null };
    expect(await confine([tools.prlimit ?? ''], 2 ** 22 + 1, bounds, true)).toBe(false);
    expect(await confine(['/nowhere/prlimit'], process.pid, bounds, true)).toBe(false);
  });
});

describe('where the walls are missing', () => {
  test('processes run with a warning, once, that says what to install', async () => {
    const onWarning = vi.fn();
    const launcher = new Launcher({
      starts: new Starts(2),
      policy: 'if-available',
      tools: NO_TOOLS,
      onWarning,
    });
    await launcher.prepare();
    await launcher.prepare();
    expect(await launcher.walls()).toMatchObject({
      permissions: true,
      namespaces: false,
      systemCalls: false,
      resourceLimits: false,
    });
    expect(onWarning).toHaveBeenCalledTimes(1);
    expect(onWarning.mock.calls[0]?.[0]).toMatch(/install the package bubblewrap.*util-linux/);
    await launcher.close();
  });

  test('and required, none runs', async () => {
    const onWarning = vi.fn();
    const launcher = new Launcher({
      starts: new Starts(2),
      policy: 'require',
      tools: NO_TOOLS,
      onWarning,
    });
    await expect(launcher.prepare()).rejects.toMatchObject({
      code: 'RF_BACKEND_NOT_AVAILABLE',
      message: expect.stringMatching(/as they are required: bubblewrap is not there/),
    });
    expect(onWarning).not.toHaveBeenCalled();
    await launcher.close();
  });

  test.runIf(here.namespaces && here.systemCalls && here.resourceLimits)(
    'and where they are there, requiring them changes nothing',
    async () => {
      const launcher = new Launcher({
        starts: new Starts(2),
        policy: 'require',
        onWarning: () => {},
      });
      await expect(launcher.prepare()).resolves.toBeUndefined();
      await launcher.close();
    },
  );

  test('a bubblewrap that does not work is told, and done without', async () => {
    const onWarning = vi.fn();
    const launcher = new Launcher({
      starts: new Starts(2),
      policy: 'if-available',
      tools: { ...NO_TOOLS, bwrap: '/bin/false' },
      onWarning,
    });
    expect((await launcher.walls()).namespaces).toBe(false);
    expect(onWarning.mock.calls[0]?.[0]).toMatch(/bubblewrap does not work here/);
    await launcher.close();
  });

  test('nothing works: one sentence', async () => {
    const launcher = new Launcher({
      starts: new Starts(2),
      policy: 'if-available',
      tools: NO_TOOLS,
      entry: '/nowhere/entry.js',
      onWarning: () => {},
    });
    await expect(launcher.prepare()).rejects.toMatchObject({ code: 'RF_BACKEND_NOT_AVAILABLE' });
    await launcher.close();
  });
});

test('programs of the system are found in its directories, never by the PATH', () => {
  expect(findTools([directory])).toEqual(NO_TOOLS);
  if (process.platform === 'linux') {
    writeFileSync(join(directory, 'bwrap'), '', { mode: 0o755 });
    expect(findTools([directory])).toEqual({ ...NO_TOOLS, bwrap: join(directory, 'bwrap') });
  }
});
