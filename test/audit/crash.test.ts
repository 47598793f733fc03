/**
 * Goal: whatever the moment at which the process is killed, the chain verifies afterwards and no effect
 * stands without its record. Method: a program under load, then a kernel whose agents act outside of it,
 * is killed by SIGKILL at random moments, and goes on with the same chain; RINGFENCE_CRASHES says how often
 * (300 take some minutes).
 */

import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, it } from 'vitest';
import type { StoredEvent } from '../../src/audit/event.ts';
import { createAuditKey } from '../../src/audit/keys.ts';
import { openAudit } from '../../src/audit/open.ts';
import { readEvents } from '../../src/audit/query.ts';
import { verifyChain } from '../../src/audit/verify-store.ts';

const fixture = (name: string): string =>
  fileURLToPath(new URL(`../fixtures/audit/${name}`, import.meta.url));

const PROGRAM = fixture('under-load.ts');
const KERNEL = fixture('kernel-under-load.ts');

const CRASHES = Number(process.env.RINGFENCE_CRASHES ?? 30);

/** A kernel takes longer to open. */
const KERNEL_CRASHES = Number(process.env.RINGFENCE_CRASHES ?? 10);

/** A program works for at most as long before it is killed, once its chain is open. */
const LIFE_MS = 120;

/** The same of a kernel. */
const KERNEL_LIFE_MS = 300;

const root = mkdtempSync(join(tmpdir(), 'ringfence-crash-'));
afterAll(() => rmSync(root, { recursive: true }));

/** Kills a program some time after it has said something. */
async function kill(
  child: ChildProcessByStdio<null, Readable, null>,
  word: string,
  lifeMs: number,
) {
  const ended = once(child, 'exit');
  let said = '';
  // It is read to the end: a program whose words nobody takes ends of itself.
  const hasSaid = new Promise<void>((resolve) => {
    child.stdout.on('data', (bytes) => {
      said += String(bytes);
      if (said.includes(word)) {
        resolve();
      }
    });
  });
  await Promise.race([hasSaid, ended]);
  await new Promise((resolve) => setTimeout(resolve, lifeMs));
  child.kill('SIGKILL');
  const [code, signal] = await ended;
  expect({ code, signal }).toEqual({ code: null, signal: 'SIGKILL' });
}

it(`survives ${CRASHES} kills at random moments`, { timeout: CRASHES * 20_000 }, async () => {
  const directory = join(root, 'chain');
  const effects = join(root, 'effects');
  const key = join(root, 'key');
  createAuditKey(key);
  writeFileSync(effects, '');
  let events = 0;
  for (let crash = 0; crash < CRASHES; crash += 1) {
    const child = spawn(process.execPath, [PROGRAM, directory, key, effects], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await kill(child, 'open', Math.random() * LIFE_MS);
    const verdict = await verifyChain(directory, { strict: false });
    expect(verdict).toMatchObject({ valid: true, problem: null });
    expect(verdict.events).toBeGreaterThanOrEqual(events);
    events = verdict.events;
  }
  // The resource tree goes on from where it was kept, too.
  expect(await verifyChain(directory, { strict: true })).toMatchObject({
    valid: true,
    resources: { compared: true },
  });
  const recorded = new Set<unknown>();
  for await (const event of readEvents(directory, { kinds: ['app.event'] })) {
    recorded.add(event.payload.name);
  }
  const done = readFileSync(effects, 'utf8').split('\n').slice(0, -1);
  expect(done.length).toBeGreaterThan(0);
  expect(done.filter((name) => !recorded.has(name))).toEqual([]);
});

/** What stands in a chain, as the effects that it allows: `KIND NAME`. */
class Recorded {
  readonly effects = new Set<string>();
  /** Agents of the kernel that writes. */
  readonly #agents = new Map<number, string>();
  /** Events that are about an agent of which the chain does not say before that it was spawned. */
  readonly unborn: number[] = [];
  next = 0;

  read({ seq, kind, pid, agent_id: agentId, payload }: StoredEvent): void {
    this.next = seq + 1;
    if (kind === 'kernel.open') {
      this.#agents.clear();
    } else if (kind === 'agent.spawn') {
      this.#agents.set(pid, agentId ?? '');
      this.effects.add(`file ${agentId}`).add(`http ${agentId}`);
    } else if (pid !== 0 && !this.#agents.has(pid)) {
      this.unborn.push(seq);
    } else if (kind === 'capability.grant') {
      this.effects.add(`socket ${this.#agents.get(pid)}`);
    } else if (kind === 'tool.call') {
      this.effects.add(`tool ${payload.arguments}`);
    } else if (kind === 'receipt.issue') {
      this.effects.add(`receipt ${payload.receipt}`);
    } else if (kind === 'app.event') {
      this.effects.add(`event ${payload.name}`);
    } else if (kind === 'key.rotate') {
      this.effects.add(`key ${payload.new_key}`);
    }
  }
}

/** What was done, in the words of what is recorded. */
function effectsIn(directory: string, requests: readonly string[]): string[] {
  const path = join(directory, 'effects');
  const lines = existsSync(path) ? readFileSync(path, 'utf8').split('\n').slice(0, -1) : [];
  const said = lines.map((line) => {
    const [kind = '', ...name] = line.split(' ');
    return kind === 'tool' ? `tool ${sha256(name.join(' '))}` : line;
  });
  const shared = join(directory, 'shared');
  const files = existsSync(shared) ? readdirSync(shared).map((name) => `file ${name}`) : [];
  return [...said, ...files, ...requests];
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** A server that lives on where the kernel dies: it answers HTTP, and keeps who has reached it. */
function witness(reached: string[]): Server {
  return createServer((socket) => {
    let text = '';
    socket.on('error', () => {});
    socket.on('data', (bytes) => {
      text += bytes.toString('latin1');
      const [, kind, name] = /^(?:GET \/)?(http|socket)\/([\d-]+)[/ ]/.exec(text) ?? [];
      if (name !== undefined) {
        reached.push(`${kind} ${name}`);
        socket.end('HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n');
      }
    });
  });
}

it(`survives ${KERNEL_CRASHES} kills of a kernel whose agents act outside of it`, {
  timeout: KERNEL_CRASHES * 60_000,
}, async () => {
  const directory = join(root, 'kernel');
  const chain = join(directory, 'chain');
  mkdirSync(join(directory, 'keys'), { recursive: true });
  createAuditKey(join(directory, 'keys', '0'));
  const first = await openAudit({ directory: chain, key: join(directory, 'keys', '0') });
  const keys = [first.key ?? ''];
  await first.close();
  const reached: string[] = [];
  const server = witness(reached).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const recorded = new Recorded();
  try {
    for (let crash = 0; crash < KERNEL_CRASHES; crash += 1) {
      const child = spawn(process.execPath, [KERNEL, directory, `${port}`], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      // Some as they begin to act, and the others when there was something of each effect.
      await kill(child, crash % 2 === 0 ? 'open' : 'round', Math.random() * KERNEL_LIFE_MS);
      const verdict = await verifyChain(chain, { keys, strict: true });
      expect(verdict).toMatchObject({ valid: true, problem: null, trusted: true });
      expect(verdict.events).toBeGreaterThanOrEqual(recorded.next);
      for await (const event of readEvents(chain, { from: recorded.next })) {
        recorded.read(event);
      }
      const missing = effectsIn(directory, reached).filter((one) => !recorded.effects.has(one));
      expect({ crash, missing, unborn: recorded.unborn }).toEqual({
        crash,
        missing: [],
        unborn: [],
      });
    }
  } finally {
    server.close();
  }
  // The control: each kind of effect was there.
  const kinds = new Set(effectsIn(directory, reached).map((effect) => effect.split(' ')[0]));
  expect([...kinds].sort()).toEqual(['event', 'file', 'http', 'key', 'receipt', 'socket', 'tool']);
});
