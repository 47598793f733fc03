/**
 * Goal: agents talk, watch, link and time as the contract says, wherever they run, and nobody reaches or
 * ends whom it may not. Method: puppets that do what the test tells them, on one worker, on two, and in
 * processes of their own; each refusal beside what is allowed.
 */

import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import type { Isolation, LoadedModule, ProgramMessage, SpawnOptions } from '../../src/index.ts';
import { guest, type TestKernel, testKernel } from '../support/kernel.ts';
import { type Puppet, spawnPuppet } from '../support/puppet.ts';

const soon = { timeout: 30_000 };

const PLACES: readonly { name: string; workers: number; isolation: Isolation }[] = [
  { name: 'one worker', workers: 1, isolation: 'shared' },
  { name: 'two workers', workers: 2, isolation: 'shared' },
  { name: 'processes', workers: 1, isolation: 'process' },
];

describe.each(PLACES)('on $name', ({ workers, isolation }) => {
  const onMessage = vi.fn<(message: ProgramMessage) => void>();
  let host: TestKernel;
  let puppetModule: LoadedModule;
  let puppets: Puppet[] = [];

  beforeAll(async () => {
    host = await testKernel({ workers, onMessage });
    puppetModule = await host.kernel.load(guest('puppet'), { name: 'puppet' });
    await host.kernel.load(guest('sleeper'), { name: 'sleeper' });
    await host.kernel.load(guest('hello'), { name: 'hello' });
    host.kernel.registerTool(
      { name: 'add', description: 'adds', parameters: { type: 'object' } },
      () => 3,
    );
    host.kernel.registerTool({ name: 'secret', description: 'hidden' }, () => 4);
  });
  afterAll(() => host.kernel.close());
  afterEach(async () => {
    for (const { agent } of puppets.splice(0)) {
      agent.kill('the test is over');
      await agent.exited;
    }
    puppets = [];
  });

  async function puppet(options: Omit<SpawnOptions, 'module'> = {}): Promise<Puppet> {
    const made = await spawnPuppet(host.kernel, puppetModule, {
      isolation,
      grants: { ipc: 'all' },
      ...options,
    });
    puppets.push(made);
    return made;
  }

  const two = async (): Promise<[Puppet, Puppet, number, number]> => {
    const one = await puppet();
    const other = await puppet();
    return [one, other, one.agent.pid, other.agent.pid];
  };

  describe('requests and replies', () => {
    test('a request is answered once, by who was asked', async () => {
      const [asker, asked, askerPid, askedPid] = await two();
      const third = await puppet();
      expect(await asker.tell(`request ${askedPid} how`)).toBe('request ok 1');
      expect(await asked.tell('receive 9000')).toBe(`receive ok request ${askerPid} 1 - how`);
      // Nobody else has anything to answer by this id.
      expect(await third.tell('reply 1 forged')).toMatch(/^reply err not-found/);
      expect(await asked.tell('reply 1 well')).toBe('reply ok');
      expect(await asked.tell('reply 1 again')).toMatch(/^reply err not-found/);
      expect(await asker.tell('await 1 9000')).toBe(`receive ok reply ${askedPid} 1 well`);
      expect(await asker.tell('await 1 9000')).toMatch(/^receive err not-found/);
    });

    test('a reply waits for its receive among other mail', async () => {
      const [asker, asked, , askedPid] = await two();
      await asker.tell(`request ${askedPid} a`);
      await asker.tell(`request ${askedPid} b`);
      await asked.tell('receive 9000');
      await asked.tell('receive 9000');
      await asked.tell('reply 2 B');
      await asked.tell('reply 1 A');
      expect(await asker.tell('await 1 9000')).toBe(`receive ok reply ${askedPid} 1 A`);
      expect(await asker.tell('receive 0')).toBe(`receive ok reply ${askedPid} 2 B`);
    });

    test('who waits for a reply of one that ends is told, asked and not, taken and not', async () => {
      const [asker, asked, , askedPid] = await two();
      await asker.tell(`request ${askedPid} taken`);
      await asked.tell('receive 9000');
      await asker.tell(`request ${askedPid} lies`);
      asker.say('await 1');
      asked.agent.kill();
      expect(await asker.answer()).toMatch(/^receive err closed/);
      expect(await asker.tell('await 2')).toMatch(/^receive err closed/);
      expect(await asker.tell(`request ${askedPid} late`)).toMatch(/^request err closed/);
    });

    test('a wait for a reply has its time', async () => {
      const [asker, , , askedPid] = await two();
      await asker.tell(`request ${askedPid} a`);
      expect(await asker.tell('await 1 20')).toMatch(/^receive err timeout/);
    });

    test('the program asks, and is asked', async () => {
      const asked = await puppet();
      const { pid } = asked.agent;
      const reply = asked.agent.request('how');
      expect(await asked.tell('receive 9000')).toBe('receive ok request 0 1 - how');
      expect(await asked.tell('reply 1 well')).toBe('reply ok');
      expect(await reply).toEqual({ tag: 'text', val: 'well' });
      await expect(asked.agent.request('x', { timeoutMs: 20 })).rejects.toMatchObject({
        code: 'RF_TIMEOUT',
      });
      const given = new AbortController();
      const cancelled = asked.agent.request('x', { signal: given.signal });
      given.abort();
      await expect(cancelled).rejects.toMatchObject({ code: 'RF_CANCELLED' });
      // Late replies are for nobody.
      await asked.tell('receive 9000');
      expect(await asked.tell('reply 2 late')).toMatch(/^reply err not-found/);

      onMessage.mockImplementationOnce(({ reply: answer }) => {
        void answer?.({ tag: 'text', val: 'fine' });
      });
      expect(await asked.tell('request kernel how')).toBe('request ok 1');
      expect(await asked.tell('await 1 9000')).toBe('receive ok reply 0 1 fine');
      expect(await asked.tell('send kernel news')).toBe('send ok');
      expect(onMessage).toHaveBeenLastCalledWith({
        from: pid,
        agentId: asked.agent.agentId,
        payload: { tag: 'text', val: 'news' },
        reply: null,
      });
      const ends = asked.agent.request('x');
      asked.agent.kill();
      await expect(ends).rejects.toMatchObject({ code: 'RF_CLOSED' });
    });
  });

  describe('targets', () => {
    test('a service leads to whoever provides it, for those who are granted it', async () => {
      const provider = await puppet({ provides: ['clock'] });
      const { pid } = provider.agent;
      const asker = await puppet({ grants: { ipc: { pids: [99_999] }, services: ['clock'] } });
      expect(await asker.tell('request service:clock/now when')).toBe('request ok 1');
      expect(await provider.tell('receive 9000')).toBe(
        `receive ok request ${asker.agent.pid} 1 now when`,
      );
      await provider.tell('reply 1 late');
      expect(await asker.tell('await 1 9000')).toBe(`receive ok reply ${pid} 1 late`);
      expect(await asker.tell('send service:clock hello')).toBe('send ok');
      expect(await provider.tell('receive 9000')).toBe(`receive ok ${asker.agent.pid} hello`);
      expect(await asker.tell('send service:other hello')).toMatch(/^send err denied/);
      expect(await asker.tell(`send ${pid} hello`)).toMatch(/^send err denied/);
      await expect(puppet({ provides: ['clock'] })).rejects.toMatchObject({
        code: 'RF_SERVICE_TAKEN',
      });
      provider.agent.kill();
      await provider.agent.exited;
      expect(await asker.tell('send service:clock hello')).toMatch(/^send err not-found/);
      expect(host.kernel.services()).toEqual([]);
      // The name is free again.
      await puppet({ provides: ['clock'] });
      expect(await asker.tell('send service:clock hello')).toBe('send ok');
    });

    test('replies of services are forgotten, however many, and a request that waits is not', async () => {
      const busy = await puppet({ provides: ['busy'] });
      const slow = await puppet({ provides: ['slow'] });
      const asker = await puppet({ grants: { ipc: 'all', services: ['busy', 'slow'] } });
      await asker.tell('request service:slow first');
      await slow.tell('receive 9000');
      const count = isolation === 'shared' ? 1_030 : 3;
      for (let asked = 2; asked < count; asked += 1) {
        expect(await asker.tell('request service:busy x')).toBe(`request ok ${asked}`);
        await busy.tell('receive 9000');
        expect(await busy.tell(`reply ${asked - 1} y`)).toBe('reply ok');
        expect(await asker.tell(`await ${asked} 9000`)).toMatch(/^receive ok reply/);
      }
      expect(await slow.tell('reply 1 last')).toBe('reply ok');
      expect(await asker.tell('await 1 9000')).toMatch(/ 1 last$/);
    }, 180_000);

    test('a broadcast reaches whom its sender may send to, and who may receive', async () => {
      const [one, other] = await two();
      const deaf = await puppet({ grants: {} });
      const sender = await puppet({
        grants: { ipc: { pids: [one.agent.pid, deaf.agent.pid] } },
      });
      expect(await sender.tell('send all hello')).toBe('send ok');
      expect(await one.tell('receive 9000')).toBe(`receive ok ${sender.agent.pid} hello`);
      expect(await other.tell('receive 0')).toMatch(/^receive err timeout/);
      expect(await deaf.tell('receive 0')).toMatch(/^receive err denied/);
      expect(await sender.tell('request all hello')).toMatch(/^request err invalid/);
      expect(await sender.tell('send remote hello')).toMatch(/^send err unavailable/);
    });
  });

  describe('topics', () => {
    test('reach those who have subscribed and may, until they leave or may no longer', async () => {
      const reader = await puppet({ grants: { ipc: { topics: ['news'] } } });
      const other = await puppet({ grants: { ipc: { topics: ['weather'] } } });
      const writer = await puppet({ grants: { ipc: { topics: ['news'] } } });
      const { pid } = writer.agent;
      expect(await reader.tell('subscribe news')).toBe('subscribe ok');
      expect(await other.tell('subscribe news')).toMatch(/^subscribe err denied/);
      expect(await other.tell('publish news')).toMatch(/^publish err denied/);
      expect(await writer.tell('publish news one')).toBe('publish ok');
      expect(await reader.tell('on news 9000')).toBe(`receive ok topic ${pid} news one`);
      expect(await host.kernel.publish('news', 'two')).toBe(1);
      expect(await reader.tell('receive 9000')).toBe('receive ok topic 0 news two');
      expect(await reader.tell('unsubscribe news')).toBe('unsubscribe ok');
      expect(await reader.tell('unsubscribe news')).toMatch(/^unsubscribe err not-found/);
      expect(await host.kernel.publish('news', 'three')).toBe(0);

      await reader.tell('subscribe news');
      const [grant] = reader.agent.grants().filter(({ kind }) => kind === 'ipc');
      await host.kernel.revoke(grant?.id ?? 0);
      expect(await host.kernel.publish('news', 'four')).toBe(0);
    });
  });

  describe('monitors', () => {
    test('tell once, with the reason; at once where nobody is there', async () => {
      const [watcher, watched, , pid] = await two();
      expect(await watcher.tell(`monitor ${pid}`)).toMatch(/^monitor ok \d+$/);
      const second = (await watcher.tell(`monitor ${pid}`)).split(' ')[2];
      const given = (await watcher.tell(`monitor ${pid}`)).split(' ')[2];
      expect(await watcher.tell(`demonitor ${given}`)).toBe('demonitor ok');
      expect(await watcher.tell(`demonitor ${given}`)).toMatch(/^demonitor err not-found/);
      watched.agent.kill();
      expect(await watcher.tell('receive 9000')).toMatch(
        new RegExp(`^receive ok down \\d+ ${pid} killed$`),
      );
      expect(await watcher.tell('receive 9000')).toBe(`receive ok down ${second} ${pid} killed`);
      expect(await watcher.tell('receive 20')).toMatch(/^receive err timeout/);
      expect(await watcher.tell(`monitor ${pid}`)).toMatch(/^monitor ok \d+$/);
      expect(await watcher.tell('receive 9000')).toMatch(/^receive ok down \d+ \d+ crash /);
    });

    test('an end that is normal, and one that is not', async () => {
      const [watcher, watched, , pid] = await two();
      await watcher.tell(`monitor ${pid}`);
      await watched.end();
      expect(await watcher.tell('receive 9000')).toMatch(/ normal$/);
      const module = await host.kernel.load(guest('error'));
      const failing = await host.kernel.spawn({ module, isolation, grants: {} });
      await watcher.tell(`monitor ${failing.pid}`);
      await failing.exited;
      expect(await watcher.tell('receive 9000')).toMatch(/ crash /);
    });

    test('are refused to who leaves a thousand of them unread', async () => {
      const [watcher, watched, , pid] = await two();
      watched.agent.kill();
      await watched.agent.exited;
      for (let count = 0; count < 1_024; count += 1) {
        watcher.say(`monitor ${pid}`);
      }
      for (let count = 0; count < 1_024; count += 1) {
        expect(await watcher.answer()).toMatch(/^monitor ok/);
      }
      expect(await watcher.tell(`monitor ${pid}`)).toMatch(/^monitor err limit-exceeded/);
      expect(await watcher.tell('receive 9000')).toMatch(/^receive ok down/);
      expect(await watcher.tell(`monitor ${pid}`)).toMatch(/^monitor ok/);
    }, 180_000);

    test('need a scope that reaches, or to be family', async () => {
      const other = await puppet();
      const watcher = await puppet({ grants: { ipc: { pids: [99_999] } } });
      expect(await watcher.tell(`monitor ${other.agent.pid}`)).toMatch(/^monitor err denied/);
      const child = await puppet({ grants: {}, parent: undefined });
      const parent = await puppet({ grants: { ipc: { pids: [99_999] }, spawn: 1 } });
      const kin = await spawnPuppet(host.kernel, puppetModule, {
        isolation,
        parent: parent.agent,
        grants: {},
      });
      puppets.push(kin);
      expect(await parent.tell(`monitor ${kin.agent.pid}`)).toMatch(/^monitor ok/);
      expect(await kin.tell(`monitor ${parent.agent.pid}`)).toMatch(/^monitor ok/);
      expect(await parent.tell(`monitor ${child.agent.pid}`)).toMatch(/^monitor err denied/);
      expect(parent.agent.grants().length).toBeGreaterThan(0);
    });
  });

  describe('links', () => {
    test('end the other with one that ends other than normally', async () => {
      const [one, other] = await two();
      const third = await puppet();
      host.kernel.link(one.agent.pid, other.agent.pid);
      host.kernel.link(other.agent.pid, third.agent.pid);
      one.agent.kill();
      expect((await other.agent.exited).exit).toMatchObject({ reason: 'killed' });
      expect((await third.agent.exited).exit.message).toContain(`pid ${other.agent.pid}`);
    });

    test('a normal end ends nobody, and is told to who traps exits', async () => {
      const [one, other, onePid] = await two();
      const trapping = await puppet();
      expect(await trapping.tell('trap-exit on')).toBe('trap-exit ok');
      host.kernel.link(onePid, other.agent.pid);
      host.kernel.link(onePid, trapping.agent.pid);
      await one.end();
      expect(await trapping.tell('receive 9000')).toBe(`receive ok exit ${onePid} normal`);
      expect(other.agent.state).toBe('running');
    });

    test('who traps exits is told, and lives', async () => {
      const [one, other, onePid, otherPid] = await two();
      await other.tell('trap-exit on');
      host.kernel.link(onePid, otherPid);
      one.agent.kill();
      expect(await other.tell('receive 9000')).toBe(`receive ok exit ${onePid} killed`);
      expect(await other.tell('trap-exit off')).toBe('trap-exit ok');
      expect(await one.answer()).toMatch(/^ended/);
    });

    test('nobody is ended by a link that it did not want', async () => {
      const [one, other, , otherPid] = await two();
      expect(await one.tell(`link ${otherPid}`)).toMatch(/^link err denied/);
      // Not even one that would only be told: it would have to take what it is told.
      await other.tell('trap-exit on');
      expect(await one.tell(`link ${otherPid}`)).toMatch(/^link err denied/);
      one.agent.kill();
      await one.agent.exited;
      expect(await other.tell('receive 20')).toMatch(/^receive err timeout/);
    });

    test('an unlinked one stays', async () => {
      const [one, other, onePid, otherPid] = await two();
      host.kernel.link(onePid, otherPid);
      expect(await other.tell(`unlink ${onePid}`)).toBe('unlink ok');
      one.agent.kill();
      await one.agent.exited;
      expect(await other.tell('receive 20')).toMatch(/^receive err timeout/);
    });
  });

  describe('children', () => {
    const parentGrants = { ipc: 'all', spawn: 4 } as const;

    test('are spawned by digest and by name, linked, and stopped by their parent alone', async () => {
      const parent = await puppet({ grants: parentGrants });
      const stranger = await puppet({ grants: parentGrants });
      await parent.tell('trap-exit on');
      const byName = Number((await parent.tell('spawn name:sleeper ipc=all linked')).split(' ')[2]);
      expect(host.kernel.agent(byName).state).toMatch(/starting|running/);
      expect(await stranger.tell(`stop ${byName} force`)).toMatch(/^stop err denied/);
      expect(await parent.tell(`unlink ${byName}`)).toBe('unlink ok');
      expect(await parent.tell(`link ${byName}`)).toBe('link ok');
      expect(await parent.tell(`stop ${byName} force`)).toBe('stop ok');
      expect(await parent.tell('receive 9000')).toBe(`receive ok exit ${byName} killed`);
      expect(await parent.tell(`stop ${byName} force`)).toBe('stop ok');
      expect(await parent.tell('spawn name:other')).toMatch(/^spawn err not-found/);
      const byDigest = await parent.tell(`spawn ${puppetModule.digest} ipc=all`);
      expect(byDigest).toMatch(/^spawn ok/);
    });

    test('end with their parent where they are linked to it', async () => {
      const parent = await puppet({ grants: parentGrants });
      const pid = Number((await parent.tell('spawn name:sleeper ipc=all linked')).split(' ')[2]);
      const child = host.kernel.agent(pid);
      parent.agent.kill();
      expect((await child.exited).exit).toMatchObject({ reason: 'killed' });
    });

    test('are started again by their restart type, until their parent stops them or ends', async () => {
      const parent = await puppet({ grants: parentGrants });
      const spawned = await parent.tell('spawn name:sleeper ipc=all permanent');
      const first = Number(spawned.split(' ')[2]);
      const successorOf = async (from: number): Promise<number> => {
        await vi.waitFor(
          () => expect(host.kernel.list().some((row) => row.restartedFrom === from)).toBe(true),
          soon,
        );
        return host.kernel.list().find((row) => row.restartedFrom === from)?.pid ?? 0;
      };
      host.kernel.kill(first);
      const second = await successorOf(first);
      expect(host.kernel.inspect(second)).toMatchObject({
        restarts: 1,
        parentPid: parent.agent.pid,
      });
      host.kernel.kill(second);
      const third = await successorOf(second);
      expect(await parent.tell(`stop ${third} force`)).toBe('stop ok');
      // One that ends normally is not started again where it is transient.
      const done = Number((await parent.tell('spawn name:hello transient')).split(' ')[2]);
      await vi.waitFor(() => expect(host.kernel.inspect(done).state).toBe('exited'), soon);
      const orphan = Number(
        (await parent.tell('spawn name:sleeper ipc=all permanent')).split(' ')[2],
      );
      parent.agent.kill();
      await parent.agent.exited;
      host.kernel.kill(orphan);
      await new Promise((resolve) => setTimeout(resolve, 300));
      const lately = host.kernel.list().map(({ restartedFrom }) => restartedFrom);
      expect(lately.filter((pid) => [third, done, orphan].includes(pid ?? 0))).toEqual([]);
    }, 60_000);

    test('a graceful stop is heard', async () => {
      const parent = await puppet({ grants: parentGrants });
      const kin = await spawnPuppet(host.kernel, puppetModule, {
        isolation,
        parent: parent.agent,
        grants: { ipc: 'all' },
      });
      puppets.push(kin);
      expect(await kin.tell('receive 0')).toMatch(/^receive err timeout/);
      expect(await parent.tell(`stop ${kin.agent.pid}`)).toBe('stop ok');
      expect(await parent.tell(`stop ${kin.agent.pid}`)).toBe('stop ok');
      expect(await kin.tell(`from ${parent.agent.pid} 9000`)).toMatch(/^receive err cancelled/);
      expect(await kin.tell('receive 9000')).toBe('receive ok cancelled');
      expect(await kin.tell('receive 20')).toMatch(/^receive err timeout/);
      await kin.end();
      expect((await kin.agent.exited).exit.reason).toBe('normal');
    });
  });

  describe('timers', () => {
    test('ring once, or again and again, until they are cancelled', async () => {
      const agent = await puppet();
      expect(await agent.tell('after 5 tea')).toBe('after ok 1');
      expect(await agent.tell('receive 9000')).toBe('receive ok timer 1 tea');
      expect(await agent.tell('cancel 1')).toMatch(/^cancel err not-found/);
      expect(await agent.tell('every 2 tick')).toBe('every ok 2');
      expect(await agent.tell('receive 9000')).toBe('receive ok timer 2 tick');
      expect(await agent.tell('receive 9000')).toBe('receive ok timer 2 tick');
      expect(await agent.tell('cancel 2')).toBe('cancel ok');
      await agent.tell('receive 20');
      expect(await agent.tell('receive 20')).toMatch(/^receive err timeout/);
    });

    test('are for who may receive', async () => {
      const agent = await puppet({ grants: {} });
      expect(await agent.tell('after 5 tea')).toMatch(/^after err denied/);
    });
  });

  test('tools are listed that may be called', async () => {
    const agent = await puppet({ grants: { tools: ['add'] } });
    expect(await agent.tell('tools')).toBe('tools ok add adds {"type":"object"}');
    const none = await puppet({ grants: {} });
    expect(await none.tell('tools')).toMatch(/^tools err denied/);
  });

  test('mail is taken by its sender', async () => {
    const [one, other, onePid, otherPid] = await two();
    const reader = await puppet();
    await one.tell(`send ${reader.agent.pid} a`);
    await other.tell(`send ${reader.agent.pid} b`);
    expect(await reader.tell(`from ${otherPid} 9000`)).toBe(`receive ok ${otherPid} b`);
    expect(await reader.tell(`from ${onePid} 9000`)).toBe(`receive ok ${onePid} a`);
  });

  test('nothing is left of an agent that has ended', async () => {
    const [one] = await two();
    await one.tell('subscribe news');
    await one.tell('every 1 tick');
    one.agent.kill();
    await one.agent.exited;
    expect(await host.kernel.publish('news', 'x')).toBe(0);
    await vi.waitFor(() => expect(one.agent.state).toBe('exited'), soon);
  });
});
