/**
 * Goal: what the SDK of AssemblyScript offers does what the contract says, and asks of a host only what the agent
 * uses. Method: agents written with it, in a kernel; the program asks them, and they say how it came out.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Agent, LoadedModule } from '../../../src/index.ts';
import { importNames } from '../../../src/kit/build/imports.ts';
import { type TestKernel, testKernel } from '../../support/kernel.ts';
import { buildAgent } from './build.ts';

const PATIENCE = 120_000;

const SERVANT = `
import {
  Agent, Child, capabilities, describe, ExitReason, ExitSignal, Failure, Filter, Json, jsonOf, log, mailbox, Message,
  MonitorDown, processes, ReceivedTag, ReplyMessage, RequestMessage, Result, RestartType, textOf, TimerMessage,
  timers, tools, TopicMessage, Unit,
} from 'ringfence/assemblyscript';

class Servant extends Agent {
  private ticks: i32 = 0;
  private ticking: u64 = 0;

  onStart(): void {
    log.info(\`started as \${processes.self()} by \${processes.parent()}\`);
  }
  onMessage(message: Message): void {
    const text = textOf(message.payload);
    log.info(text.isOk ? \`message \${text.value}\` : \`message: \${text.error}\`);
  }
  onTopic(message: TopicMessage): void {
    log.info(\`topic \${message.topic} \${textOf(message.payload).value}\`);
  }
  onReply(reply: ReplyMessage): void {
    log.info(\`reply \${textOf(reply.payload).value}\`);
  }
  onDown(down: MonitorDown): void {
    log.info(\`down \${down.monitor} \${said(down.reason)}\`);
  }
  onExit(signal: ExitSignal): void {
    log.info(\`exit \${said(signal.reason)}\`);
  }
  onTimer(timer: TimerMessage): void {
    log.info(\`timer \${textOf(timer.payload).value}\`);
    this.ticks += 1;
    if (timer.timer == this.ticking && this.ticks == 3) told('cancel', timers.cancel(timer.timer));
  }
  onIdle(): void {
    log.info('idle');
    this.stop();
  }
  onCancelled(reason: string): void {
    log.info('last words');
  }
  onRequest(request: RequestMessage): void {
    const asked = jsonOf(request.payload);
    if (!asked.isOk) {
      mailbox.answer(request, Json.object().with('error', asked.error));
      return;
    }
    const word = asked.value.field<string>('do');
    if (!word.isOk) {
      mailbox.answer(request, Json.object().with('error', word.error));
      return;
    }
    const did = this.act(word.value, asked.value);
    const told = mailbox.answer(request, did);
    if (!told.isOk) log.warn(describe(told.error));
  }
  private act(word: string, about: Json): Json {
    if (word == 'say') return unit(mailbox.send(about.field<u64>('to').value, about.field<string>('text').value));
    if (word == 'bytes') return unit(mailbox.send(about.field<u64>('to').value, new Uint8Array(3)));
    if (word == 'ask') {
      const answer = mailbox.ask(about.field<u64>('to').value, about.get('what')!, 10_000);
      if (!answer.isOk) return failed(answer.error);
      const read = jsonOf(answer.value);
      return read.isOk ? read.value : Json.of(read.error);
    }
    if (word == 'subscribe') return unit(mailbox.subscribe(about.field<string>('topic').value));
    if (word == 'unsubscribe') return unit(mailbox.unsubscribe(about.field<string>('topic').value));
    if (word == 'publish') return unit(mailbox.publish(about.field<string>('topic').value, about));
    if (word == 'after') return id(timers.after(1, 'once'));
    if (word == 'every') {
      const timer = timers.every(1, 'again');
      if (timer.isOk) this.ticking = timer.value;
      return id(timer);
    }
    if (word == 'receive') {
      const received = mailbox.receive(Filter.topic('nobody'), 1);
      return received.isOk ? Json.of('something came') : failed(received.error);
    }
    if (word == 'tool') {
      const result = tools.call(about.field<string>('name').value, about.get('with')!);
      return result.isOk ? result.value : failed(result.error);
    }
    if (word == 'deep') {
      const deep = Json.object();
      deep.with('self', deep);
      const result = tools.call('add', deep);
      return result.isOk ? result.value : failed(result.error);
    }
    if (word == 'stream') return this.stream(about);
    if (word == 'tools') return this.listTools();
    if (word == 'grants') {
      const kinds = Json.list();
      const held = capabilities.held();
      for (let index = 0; index < held.length; index++) kinds.push(held[index].kind);
      return kinds;
    }
    if (word == 'more') {
      const asked = capabilities.ask('tools', ['add'], 'sums');
      return asked.isOk ? Json.of<i32>(asked.value) : failed(asked.error);
    }
    if (word == 'trap') return unit(processes.trapExit(true));
    if (word == 'spawn') {
      const child = Child.ofDigest('child', about.field<string>('digest').value);
      child.grant('ipc', ['receive']).argument('one').variable('A', 'b');
      child.linked = about.get('linked') !== null;
      child.restart = RestartType.Temporary;
      return id(child.spawn());
    }
    if (word == 'monitor') return id(processes.monitor(about.field<u64>('pid').value));
    if (word == 'demonitor') return unit(processes.demonitor(about.field<u64>('id').value));
    if (word == 'link') return unit(processes.link(about.field<u64>('pid').value));
    if (word == 'unlink') return unit(processes.unlink(about.field<u64>('pid').value));
    if (word == 'stop') return unit(processes.stop(about.field<u64>('pid').value));
    if (word == 'kill') return unit(processes.kill(about.field<u64>('pid').value));
    if (word == 'idle') this.idleMs = 1;
    if (word == 'fail') {
      this.fail('it was told to');
      this.fail('and again');
    }
    return Json.nothing();
  }
  private listTools(): Json {
    const offered = tools.list();
    return offered.isOk ? Json.of(offered.value.length) : failed(offered.error);
  }
  private stream(about: Json): Json {
    const stream = tools.stream(about.field<string>('name').value, about.get('with')!);
    if (!stream.isOk) return failed(stream.error);
    const most = about.field<i32>('most').value;
    let sum = 0;
    for (let count = 0; count < most; count++) {
      const item = stream.value.next();
      if (!item.isOk) return failed(item.error);
      const value = item.value;
      if (value === null) return Json.of(\`\${sum} in all\`);
      sum += value.as<i32>().value;
    }
    stream.value.close();
    return Json.of(sum);
  }
}

function said(reason: ExitReason): string {
  return reason.name;
}
function told(what: string, result: Result<Unit, Failure>): void {
  log.info(result.isOk ? what : \`\${what} \${describe(result.error)}\`);
}
function unit(result: Result<Unit, Failure>): Json {
  return result.isOk ? Json.of('done') : failed(result.error);
}
function id(result: Result<u64, Failure>): Json {
  return result.isOk ? Json.of(result.value) : failed(result.error);
}
function failed(failure: Failure): Json {
  return Json.object().with('failure', failure.name);
}
export function run(): Result<Unit, string> {
  return new Servant().run();
}
`;

let folder: string;
let host: TestKernel;
let module: LoadedModule;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ringfence-sdk-'));
  host = await testKernel();
  module = await host.kernel.load(await buildAgent(folder, 'servant', SERVANT));
  const parameters = { type: 'object', properties: { a: {}, b: {} } };
  host.kernel.registerTool({ name: 'add', description: 'Adds.', parameters }, async (args) => {
    const { a, b } = args as { a: number; b: number };
    return { sum: a + b, text: 'é"😀' };
  });
  host.kernel.registerTool({ name: 'count', description: 'Counts.' }, async function* (args) {
    for (let item = 1; item <= (args as { to: number }).to; item += 1) yield item;
  });
}, PATIENCE);
afterAll(async () => {
  await host.kernel.close();
  rmSync(folder, { recursive: true, force: true });
});

/** A servant, and what comes of telling it to do something. */
async function servant(grants: Record<string, unknown> = {}) {
  const lines: string[] = [];
  const agent = await host.kernel.spawn({
    module,
    grants: { ipc: 'all', ...grants },
    onLog: ({ message }) => lines.push(message),
  });
  return { agent, lines, tell: (what: object) => tell(agent, what) };
}

async function tell(agent: Agent, what: object): Promise<unknown> {
  const text = JSON.stringify(what);
  const answer = await agent.request({ tag: 'json', val: text }, { timeoutMs: 20_000 });
  expect(answer.tag).toBe('json');
  return JSON.parse(String(answer.val));
}

async function ended(agent: Agent): Promise<unknown> {
  agent.stop();
  const { exit } = await agent.exited;
  return exit.reason;
}

describe('an agent', () => {
  test('hears of its start, its messages and its end, and ends well when it is asked to', async () => {
    const { agent, lines, tell } = await servant();
    await agent.send('hello');
    await agent.send({ tag: 'binary', val: new Uint8Array(2) });
    expect(await tell({ do: 'nothing' })).toBe(null);
    expect(await ended(agent)).toBe('normal');
    expect(lines).toEqual([
      `started as ${agent.pid} by 0`,
      'message hello',
      'message: it is bytes, not a text',
      'last words',
    ]);
  });

  test('what it does not understand is an error that says why, and it goes on', async () => {
    const { agent, tell } = await servant();
    expect(await agent.request('{"do":')).toMatchObject({
      val: '{"error":"at character 6 it needs a value"}',
    });
    expect(await tell({ does: 1 })).toEqual({ error: "'do' is missing" });
    expect(await ended(agent)).toBe('normal');
  });

  test('may end itself with an error, of which the first reason counts', async () => {
    const { agent, tell } = await servant();
    expect(await tell({ do: 'fail' })).toBe(null);
    expect((await agent.exited).exit).toMatchObject({
      reason: 'error',
      message: expect.stringContaining('it was told to'),
    });
  });

  test('does something of its own when nothing arrives', async () => {
    const { agent, lines, tell } = await servant();
    await tell({ do: 'idle' });
    expect((await agent.exited).exit.reason).toBe('normal');
    expect(lines).toContain('idle');
  });
});

describe('the mailbox', () => {
  test('sends, asks and answers; who is not there is an error', async () => {
    const [one, other] = await Promise.all([servant(), servant()]);
    expect(await one.tell({ do: 'say', to: other.agent.pid, text: 'hi' })).toBe('done');
    expect(await one.tell({ do: 'bytes', to: other.agent.pid })).toBe('done');
    expect(await one.tell({ do: 'ask', to: other.agent.pid, what: { do: 'grants' } })).toContain(
      'ipc',
    );
    expect(await one.tell({ do: 'say', to: 4_000_000, text: 'hi' })).toEqual({
      failure: 'not-found',
    });
    expect(other.lines.slice(1)).toEqual(['message hi', 'message: it is bytes, not a text']);
    await ended(other.agent);
    expect(await one.tell({ do: 'ask', to: other.agent.pid, what: {} })).toEqual({
      failure: 'closed',
    });
    await ended(one.agent);
  });

  test('without a grant nothing is sent', async () => {
    const [one, other] = [await servant({ ipc: 'receive_only' }), await servant()];
    expect(await one.tell({ do: 'say', to: other.agent.pid, text: 'hi' })).toEqual({
      failure: 'denied',
    });
    await Promise.all([ended(one.agent), ended(other.agent)]);
  });

  test('waits for as long as it is told', async () => {
    const { agent, tell } = await servant();
    expect(await tell({ do: 'receive' })).toEqual({ failure: 'timeout' });
    await ended(agent);
  });

  test('publishes what subscribers get', async () => {
    const [one, other] = [await servant(), await servant()];
    expect(await other.tell({ do: 'subscribe', topic: 'news' })).toBe('done');
    expect(await one.tell({ do: 'publish', topic: 'news' })).toBe('done');
    expect(await other.tell({ do: 'unsubscribe', topic: 'news' })).toBe('done');
    expect(other.lines).toContain('topic news {"do":"publish","topic":"news"}');
    await Promise.all([ended(one.agent), ended(other.agent)]);
  });
});

test('timers ring once, or until they are cancelled', async () => {
  const { agent, lines, tell } = await servant();
  expect(await tell({ do: 'after' })).toEqual(expect.any(Number));
  await expect.poll(() => lines).toContain('timer once');
  expect(await tell({ do: 'every' })).toEqual(expect.any(Number));
  await expect.poll(() => lines).toContain('cancel');
  expect(lines.filter((line) => line === 'timer again').length).toBeGreaterThanOrEqual(2);
  await ended(agent);
});

describe('tools', () => {
  test('take JSON and give JSON', async () => {
    const { agent, tell } = await servant({ tools: ['add'] });
    const call = { do: 'tool', name: 'add', with: { a: 40, b: 2 } };
    expect(await tell(call)).toEqual({ sum: 42, text: 'é"😀' });
    expect(await tell({ do: 'tools' })).toBe(1);
    await ended(agent);
  });

  test('fail with an error: without the grant, and with arguments that can not be written', async () => {
    const { agent, tell } = await servant();
    expect(await tell({ do: 'tool', name: 'add', with: {} })).toEqual({ failure: 'denied' });
    expect(await tell({ do: 'tools' })).toEqual({ failure: 'denied' });
    expect(await tell({ do: 'deep' })).toEqual({ failure: 'invalid' });
    await ended(agent);
  });

  test('give items, to their end or for as long as they are wanted', async () => {
    const { agent, tell } = await servant({ tools: ['add', 'count'] });
    const count = { do: 'stream', name: 'count', with: { to: 500 } };
    expect(await tell({ ...count, most: 1_000 })).toBe('125250 in all');
    expect(await tell({ ...count, most: 100 })).toBe(5_050);
    expect(await tell({ do: 'stream', name: 'add', with: { a: 1, b: 2 }, most: 1 })).toEqual({
      failure: 'invalid',
    });
    await ended(agent);
  });
});

describe('capabilities', () => {
  /** Where the program says nothing else, nobody gets more. */
  const DENIED = 2;

  test('what is held is told, and more can be asked for', async () => {
    const { agent, tell } = await servant({ tools: ['add'] });
    expect(await tell({ do: 'grants' })).toEqual(expect.arrayContaining(['ipc', 'tools']));
    expect(await tell({ do: 'more' })).toBe(DENIED);
    await ended(agent);
  });
});

describe('processes', () => {
  const SPAWN = { spawn: 4 };

  test('are spawned, watched and stopped', async () => {
    const { agent, lines, tell } = await servant(SPAWN);
    const pid = await tell({ do: 'spawn', digest: module.digest });
    expect(pid).toEqual(expect.any(Number));
    expect(await tell({ do: 'monitor', pid })).toEqual(expect.any(Number));
    const other = await tell({ do: 'monitor', pid });
    expect(await tell({ do: 'demonitor', id: other })).toBe('done');
    expect(await tell({ do: 'stop', pid })).toBe('done');
    await expect
      .poll(() => lines.filter((line) => line.startsWith('down')))
      .toEqual([expect.stringMatching(/^down \d+ normal$/)]);
    await ended(agent);
  });

  test('that are linked tell of their end who traps exits', async () => {
    const { agent, lines, tell } = await servant(SPAWN);
    expect(await tell({ do: 'trap' })).toBe('done');
    const pid = await tell({ do: 'spawn', digest: module.digest, linked: true });
    expect(await tell({ do: 'unlink', pid })).toBe('done');
    expect(await tell({ do: 'link', pid })).toBe('done');
    expect(await tell({ do: 'kill', pid })).toBe('done');
    await expect.poll(() => lines).toContain('exit killed');
    await ended(agent);
  });

  test('are not spawned without a grant', async () => {
    const { agent, tell } = await servant();
    expect(await tell({ do: 'spawn', digest: module.digest })).toEqual({ failure: 'denied' });
    await ended(agent);
  });
});

describe('what an agent imports', () => {
  const importsOf = async (name: string, source: string, wit?: string) =>
    importNames(await buildAgent(folder, name, source, wit));

  test(
    'is what it uses, and what reports that it aborts',
    async () => {
      const source = `
import { Json, Result, tools, UNIT, Unit } from 'ringfence/assemblyscript';
export function run(): Result<Unit, string> {
  tools.call('add', Json.object());
  return Result.ok<Unit, string>(UNIT);
}`;
      expect(await importsOf('frugal', source)).toEqual([
        'ringfence:agent/types@0.1.0',
        'ringfence:agent/tools@0.1.0',
        'ringfence:agent/log@0.1.0',
      ]);
    },
    PATIENCE,
  );

  test(
    'can be nothing: JSON needs no host',
    async () => {
      const wit = 'package my:pure; world pure { export run: func() -> result<_, string>; }';
      const source = `
import { Json, Result, UNIT, Unit } from 'ringfence/assemblyscript';
export function run(): Result<Unit, string> {
  const read = Json.parse('[1]');
  return read.isOk ? Result.ok<Unit, string>(UNIT) : Result.err<Unit, string>(read.error);
}`;
      expect(await importsOf('pure', source, wit)).toEqual([]);
    },
    PATIENCE,
  );
});

test(
  'what the world does not import is not there, and the error names it',
  async () => {
    const wit = `package my:mute;
world mute { import ringfence:agent/log@0.1.0; export run: func() -> result<_, string>; }`;
    const source = `
import { log, tools, Json, Result, UNIT, Unit } from 'ringfence/assemblyscript';
export function run(): Result<Unit, string> {
  log.info('hello');
  tools.call('add', Json.object());
  return Result.ok<Unit, string>(UNIT);
}`;
    await expect(buildAgent(folder, 'mute', source, wit)).rejects.toMatchObject({
      code: 'RF_MODULE_INVALID',
      message: expect.stringMatching(
        /^agent\.ts:2:\d+: .*'tools'.*: the world has to import ringfence:agent\/tools\.$/,
      ),
    });
  },
  PATIENCE,
);
