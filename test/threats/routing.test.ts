/**
 * Families 41 and 44: who says to the kernel what no honest process says, and ends that end others.
 * Goal: what is kept is bounded and exact, and nobody else is held up. Method: the supervisor alone, with
 * agents that a test drives; each beside what is let pass.
 */

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { NativeBackend } from '../../src/backend/native.ts';
import { parseGrants } from '../../src/capability/input.ts';
import { ASKED_MAX, UNANSWERED_MAX } from '../../src/ipc/conversations.ts';
import { SLOW_MS_MAX } from '../../src/supervisor/router.ts';
import { agentsWorld, REQUEST } from '../support/agents-world.ts';

describe('family 41: requests under ids that were used before', () => {
  it('41: one under an id that waits already is refused, and nothing of it stays', async () => {
    const { supervisor, spawn } = agentsWorld(3);
    const hostile = spawn({ isolation: 'process' });
    const [one, other] = [spawn(), spawn()];
    for (let id = 0; id < 4 * ASKED_MAX; id += 1) {
      const first = hostile.requestAs(id, one.start.pid);
      expect(await hostile.requestAs(id, other.start.pid)).toBe('invalid');
      // The control: an id of its own is asked by.
      expect(await first).toBe('ok');
      one.take({ tag: 'any' });
    }
    expect(other.correspondence.mailbox.size).toBe(0);
    expect(supervisor.router.size).toBe(ASKED_MAX);
    hostile.end('normal');
    expect(supervisor.router.size).toBe(0);
  });

  it('41: the end of who was asked first answers no request to another', async () => {
    const { spawn } = agentsWorld(3);
    const hostile = spawn({ isolation: 'process' });
    const [one, other] = [spawn(), spawn()];
    expect(await hostile.requestAs(1, one.start.pid)).toBe('ok');
    await hostile.requestAs(1, other.start.pid);
    expect(await hostile.requestAs(2, other.start.pid)).toBe('ok');
    const hears: string[] = [];
    hostile.signal = ({ tag }) => void hears.push(tag);
    one.end('normal');
    expect(hears).toEqual(['unanswered']);
    other.end('normal');
    expect(hears).toEqual(['unanswered', 'unanswered']);
  });
});

describe('family 41: more requests than are remembered', () => {
  it('41: who floods an agent with requests takes nobody else the answer, and is told of its own', async () => {
    const { supervisor, spawn } = agentsWorld(3);
    const [victim, honest] = [spawn(), spawn()];
    const hostile = spawn({ isolation: 'process' });
    const hears: number[] = [];
    hostile.signal = (signal) => {
      hears.push(...(signal.tag === 'unanswered' ? [signal.correlation] : []));
    };
    const to = { tag: 'process', pid: victim.start.pid } as const;
    expect(await honest.request(to, 'how')).toBe('ok');
    victim.take({ tag: 'any' });
    for (let id = 1; id < UNANSWERED_MAX + 10; id += 1) {
      expect(await hostile.requestAs(id, victim.start.pid)).toBe('ok');
      victim.take({ tag: 'any' });
    }
    expect(hears).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(supervisor.router.size).toBe(ASKED_MAX + 1);
    expect(await victim.reply(1, 'well')).toBe('ok');
    expect(honest.take({ tag: 'correlation', val: 1 })).toMatchObject({ tag: 'reply' });
    expect(supervisor.router.size).toBe(ASKED_MAX);
  });

  it('41: a process can say that it will not reply to what it was asked, and to nothing else', async () => {
    const { spawn } = agentsWorld(3);
    const hostile = spawn({ isolation: 'process' });
    const [asker, asked] = [spawn(), spawn()];
    const hears: string[] = [];
    asker.signal = ({ tag }) => void hears.push(tag);
    await asker.requestAs(1, asked.start.pid);
    await asker.requestAs(2, hostile.start.pid);
    hostile.forgets(asker.start.pid, 1);
    hostile.forgets(asker.start.pid, 3);
    hostile.forgets(0, 1);
    expect(hears).toEqual([]);
    hostile.forgets(asker.start.pid, 2);
    hostile.forgets(asker.start.pid, 2);
    expect(hears).toEqual(['unanswered']);
  });

  it('41: a request that a function has given up is forgotten', async () => {
    const { supervisor, spawn } = agentsWorld(3);
    const asked = spawn();
    const native = new NativeBackend();
    await native.ready();
    const given = { returned: () => {}, failed: () => {} };
    const gaveUp = Promise.withResolvers<unknown>();
    const goesOn = Promise.withResolvers<void>();
    const backend = native.running({
      ...given,
      work: async (context) => {
        await context.request(asked.start.pid, 'how', { timeoutMs: 1 }).catch(gaveUp.resolve);
        await goesOn.promise;
      },
    });
    const { exited } = supervisor.spawn({ ...REQUEST, module: null }, backend);
    expect(await gaveUp.promise).toMatchObject({ code: 'RF_TIMEOUT' });
    expect(supervisor.router.size).toBe(0);
    // The control: one that waits is known.
    const waits = native.running({
      ...given,
      work: (context) => context.request(asked.start.pid, 'how'),
    });
    const waiting = supervisor.spawn({ ...REQUEST, module: null }, waits);
    await expect.poll(() => supervisor.router.size).toBe(1);
    goesOn.resolve();
    asked.end('normal');
    await Promise.all([exited, waiting.exited]);
    expect(supervisor.router.size).toBe(0);
  });
});

describe('family 41: a receiver that takes nothing', () => {
  beforeEach(() => vi.useFakeTimers());
  afterEach(() => vi.useRealTimers());

  it('41: does not hold up who publishes, nor those who take it', async () => {
    const { supervisor, spawn } = agentsWorld(4);
    const [publisher, honest, other] = [spawn(), spawn(), spawn()];
    const slow = spawn({ isolation: 'process' });
    for (const each of [honest, other, slow]) {
      await each.ask({ ask: 'subscribe', topic: 'news' });
    }
    const question = {
      ask: 'publish',
      topic: 'news',
      payload: { tag: 'text', val: 'first' },
    } as const;
    // The control: where all take it, nobody waits for a clock.
    expect(await publisher.ask(question)).toMatchObject({ said: 'ok' });
    slow.hangs = true;
    const published = publisher.ask(question);
    const broadcast = publisher.send({ tag: 'broadcast' }, 'to all');
    const ofProgram = supervisor.router.publish(0, 'news', question.payload);
    await vi.advanceTimersByTimeAsync(SLOW_MS_MAX);
    expect(await published).toMatchObject({ said: 'ok' });
    expect(await broadcast).toBe('ok');
    expect(await ofProgram).toBe(2);
    expect(honest.correspondence.mailbox.size).toBe(4);
    expect(slow.correspondence.mailbox.size).toBe(1);
  });
});

describe('family 42: a child of one that is to end', () => {
  it('42: what waited for its turn is not spawned any more', () => {
    const { supervisor, spawn } = agentsWorld(4);
    const parent = spawn({ grants: parseGrants({ ipc: 'all', spawn: 4 }) });
    const parentPid = parent.start.pid;
    // The control: before that it is, also while it is asked to end.
    spawn({ parentPid });
    supervisor.commands.stop(parentPid, 60_000, 'enough');
    spawn({ parentPid });
    supervisor.commands.kill(parentPid);
    expect(() => spawn({ parentPid })).toThrow(
      expect.objectContaining({ code: 'RF_PROCESS_NOT_FOUND' }),
    );
    parent.end('killed');
    expect(supervisor.list()).toHaveLength(2);
  });
});

describe('family 44: what agents leave counts for one owner', () => {
  it('44: whoever has spawned them, and after their end', () => {
    const { supervisor, spawn } = agentsWorld(8);
    const grants = parseGrants({ ipc: 'all', spawn: { count: 8, depth: 8 } });
    const owned = spawn({ grants, owner: 'somebody' });
    const root = spawn({ grants });
    const child = spawn({ parentPid: root.start.pid });
    const ofOwned = spawn({ parentPid: owned.start.pid });
    const owners = () =>
      [owned, ofOwned, root, child].map(({ start }) => supervisor.ownerOf(start.pid));
    const ROOT = `pid ${root.start.pid}`;
    expect(owners()).toEqual(['=somebody', '=somebody', ROOT, ROOT]);
    for (const each of [owned, root, child, ofOwned]) {
      each.end('normal');
    }
    expect(owners()).toEqual(['=somebody', '=somebody', ROOT, ROOT]);
    // The program, and one of whom nothing is known any more.
    expect([supervisor.ownerOf(0), supervisor.ownerOf(99)]).toEqual(['pid 0', 'pid 99']);
  });
});

describe('family 44: an end that ends others', () => {
  it('44: goes along a chain of any length', async () => {
    const LENGTH = 4_000;
    const { supervisor, spawn } = agentsWorld(LENGTH);
    const agents = Array.from({ length: LENGTH }, () => spawn());
    for (const [at, agent] of agents.entries()) {
      agent.obeys = true;
      const next = agents[at + 1];
      if (next !== undefined) {
        supervisor.router.link(agent.start.pid, next.start.pid);
      }
    }
    agents[0]?.end('trap');
    expect(supervisor.list()).toEqual([]);
    expect(supervisor.router.size).toBe(0);
  });
});
