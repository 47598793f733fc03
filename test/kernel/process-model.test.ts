/**
 * Goal: whatever agents do to each other, and in whatever order they end, nothing is delivered twice or
 * out of order, every end is told to whom it concerns once, and nothing is kept of who has ended.
 * Method: random histories of the real supervisor with agents that the test drives, against a model of
 * lists; `FC_SEED` and `FC_PATH` run one again that has failed.
 */

import { isDeepStrictEqual } from 'node:util';
import * as fc from 'fast-check';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { parseGrants } from '../../src/capability/input.ts';
import type { Mail, Payload } from '../../src/ipc/message.ts';
import type { Answer, Question } from '../../src/ipc/question.ts';
import type { BackendEndReason } from '../../src/process/exit.ts';
import { exitCode, type Report } from '../../src/supervisor/report.ts';
import { Supervisor } from '../../src/supervisor/supervisor.ts';
import { REQUEST } from '../support/agents-world.ts';
import { FakeBackend, type FakeGuest, said, textOf } from '../support/fake-backend.ts';
import { type Asked, isApart, type ModelAgent, ProcessModel } from '../support/process-model.ts';

const HISTORIES = Number(process.env.RINGFENCE_MODEL_HISTORIES ?? 400);
const AGENTS_MAX = 24;
/** Nobody ever has it. */
const STRANGER = 999;
const TOPICS = ['news', 'weather'] as const;
const SERVICES = ['clock', 'store'] as const;
const ENDS = ['normal', 'error', 'trap', 'fuel', 'timeout', 'worker_lost'] as const;

const unexpected = (): never => {
  throw new Error('no history asks for this');
};

/** The supervisor, and what the test has seen of it. */
class Real {
  readonly backend = new FakeBackend();
  readonly reports: Promise<Report>[] = [];
  readonly replies: Promise<string>[] = [];
  readonly deadLetters: string[] = [];
  readonly supervisor: Supervisor;
  sent = 0;

  constructor() {
    this.supervisor = new Supervisor({
      capacity: AGENTS_MAX,
      quotas: {},
      ownerQuotas: {},
      onLog: () => {},
      requireRecording: () => {},
      nearLimit: () => {},
      callTool: unexpected,
      spawnChild: unexpected,
      elevate: unexpected,
      changed: () => {},
      exited: () => {},
      childStopped: () => {},
      tools: () => [],
      revoked: () => {},
      onMessage: null,
      undelivered: (to: number, mail: readonly Mail[], why: string) => {
        this.deadLetters.push(...mail.map(({ payload }) => `${why} ${to} ${payload.val}`));
      },
      lost: () => {},
      warn: () => {},
    });
  }

  /** Texts that tell in which order they were sent. */
  nextText(): string {
    this.sent += 1;
    return String(this.sent);
  }

  guest(pid: number): FakeGuest {
    return this.backend.guests.get(pid) as FakeGuest;
  }

  spawn(parentPid: number, ipc: boolean, service: string | null, linked: boolean): string {
    try {
      const { exited } = this.supervisor.spawn(
        {
          ...REQUEST,
          parentPid,
          grants: parseGrants({
            ...(ipc ? { ipc: 'all' } : {}),
            ...(parentPid === 0 ? { spawn: AGENTS_MAX } : {}),
          }),
          isolation: isApart(this.backend.guests.size + 1) ? 'process' : 'shared',
          provides: service === null ? [] : [service],
          linked,
        },
        this.backend,
      );
      this.reports.push(exited);
      return 'ok';
    } catch (error) {
      return (error as { code: string }).code;
    }
  }

  ask(pid: number, question: Question): Promise<{ said: string; answer: Answer }> {
    return this.guest(pid).ask(question);
  }

  request(pid: number, text: string, timeoutMs: number): void {
    this.replies.push(
      this.supervisor.mail
        .request(pid, textOf(text), timeoutMs)
        .then((outcome) =>
          outcome.tag !== 'reply'
            ? said(outcome)
            : typeof outcome.val === 'string'
              ? outcome.val
              : String((outcome.val as Payload).val),
        ),
    );
  }
}

/** What a program's request is to come to, beside the model's own of it. */
interface ProgramRequest {
  readonly outcome: string;
  readonly asked: Asked | undefined;
  reply: string;
}

class Model extends ProcessModel {
  readonly requests: ProgramRequest[] = [];

  /** Somebody who can act, or undefined. */
  actor(which: number): ModelAgent | undefined {
    const live = this.in('live');
    return live[which % live.length];
  }

  /** Anybody who was ever spawned, or somebody who never was. */
  anybody(which: number): number {
    return which >= AGENTS_MAX
      ? STRANGER
      : (this.agents[which % this.agents.length]?.pid ?? STRANGER);
  }
}

type Step = fc.AsyncCommand<Model, Real, false>;

/** One thing that somebody does: told to the model, done, and both must say the same of it. */
class Does implements Step {
  readonly #text: string;
  readonly #act: (model: Model, real: Real) => Promise<void> | void;
  readonly #may: (model: Model) => boolean;

  constructor(
    text: string,
    may: (model: Model) => boolean,
    act: (model: Model, real: Real) => Promise<void> | void,
  ) {
    this.#text = text;
    this.#may = may;
    this.#act = act;
  }

  check(model: Readonly<Model>): boolean {
    return this.#may(model as Model);
  }

  async run(model: Model, real: Real): Promise<void> {
    await this.#act(model, real);
    // What is under way is done before anybody does more.
    await vi.advanceTimersByTimeAsync(0);
    compare(model, real);
  }

  toString(): string {
    return this.#text;
  }
}

function compare(model: Model, real: Real): void {
  expect(real.supervisor.router.size).toBe(model.size);
  expect(real.supervisor.list().map(({ pid }) => pid)).toEqual(
    model.agents.filter(({ phase }) => phase !== 'ended').map(({ pid }) => pid),
  );
  for (const { pid, inbox, phase } of model.agents) {
    if (phase !== 'ended') {
      const { mailbox } = real.guest(pid).correspondence;
      expect(`${pid}: ${mailbox.size}`).toBe(`${pid}: ${inbox.length}`);
      const isKilled = real.supervisor.find(pid)?.block?.command !== 0;
      expect(`${pid}: ${isKilled}`).toBe(`${pid}: ${phase === 'dying'}`);
    }
  }
  for (const { asker, correlation, state } of model.asked) {
    if (asker !== 0 && model.find(asker) !== undefined && state !== 'timeout') {
      const standing = real.guest(asker).correspondence.conversations.standing(correlation);
      expect(standing).toBe(state === 'replied' ? 'unknown' : state);
    }
  }
}

const which = fc.nat(AGENTS_MAX - 1);
const whom = fc.nat(AGENTS_MAX);
const topic = fc.constantFrom(...TOPICS);

/** What an agent does to another. */
const acts = (
  name: string,
  act: (model: Model, real: Real, actor: ModelAgent, pid: number) => Promise<void> | void,
) =>
  fc.tuple(which, whom).map(
    ([by, to]) =>
      new Does(
        `${name}(${by}, ${to})`,
        (model) => model.actor(by) !== undefined,
        (model, real) => act(model, real, model.actor(by) as ModelAgent, model.anybody(to)),
      ),
  );

/** A question, and what the model says to it. */
const asks = (
  name: string,
  question: (model: Model, actor: ModelAgent, pid: number) => Question,
  answer: (model: Model, actor: ModelAgent, pid: number) => string,
) =>
  acts(name, async (model, real, actor, pid) => {
    const asked = question(model, actor, pid);
    const expected = answer(model, actor, pid);
    const { said: outcome, answer: id } = await real.ask(actor.pid, asked);
    expect(`${name} ${outcome}`).toBe(`${name} ${expected}`);
    if (asked.ask === 'monitor' && outcome === 'ok') {
      expect(id).toBe(model.lastMonitor);
    }
  });

const watching = [
  asks(
    'link',
    (_model, _actor, pid) => ({ ask: 'link', pid }),
    (model, actor, pid) => model.askLink(actor, pid),
  ),
  asks(
    'unlink',
    (_model, _actor, pid) => ({ ask: 'unlink', pid }),
    (model, actor, pid) => {
      model.unlink(actor.pid, pid);
      return 'ok';
    },
  ),
  asks(
    'monitor',
    (_model, _actor, pid) => ({ ask: 'monitor', pid }),
    (model, actor, pid) => model.monitor(actor, pid),
  ),
  asks(
    'demonitor',
    (_model, _actor, monitor) => ({ ask: 'demonitor', monitor }),
    (model, actor, monitor) => model.demonitor(actor.pid, monitor),
  ),
  asks(
    'trap-exit',
    (_model, _actor, pid) => ({ ask: 'trap-exit', enabled: pid % 3 > 0 }),
    (_model, actor, pid) => {
      actor.trapping = pid % 3 > 0;
      return 'ok';
    },
  ),
  ...(['graceful', 'force'] as const).map((mode) =>
    asks(
      `stop ${mode}`,
      (_model, _actor, pid) => ({ ask: 'stop', pid, mode }),
      (model, actor, pid) => model.askStop(actor, pid, mode),
    ),
  ),
];

const byProgram = [
  fc.tuple(whom, whom).map(
    ([one, other]) =>
      new Does(
        `program links(${one}, ${other})`,
        (model) => [one, other].every((each) => model.find(model.anybody(each)) !== undefined),
        (model, real) => {
          model.link(model.anybody(one), model.anybody(other));
          real.supervisor.router.link(model.anybody(one), model.anybody(other));
        },
      ),
  ),
  fc.tuple(which, fc.constantFrom(0, 100, 1_000)).map(
    ([to, milliseconds]) =>
      new Does(
        `program stops(${to}, ${milliseconds})`,
        (model) => model.actor(to) !== undefined,
        (model, real) => {
          const { pid } = model.actor(to) as ModelAgent;
          model.stop(pid, milliseconds, 'enough');
          real.supervisor.commands.stop(pid, milliseconds, 'enough');
        },
      ),
  ),
  fc.tuple(whom, fc.constantFrom(500, 2_000)).map(
    ([to, milliseconds]) =>
      new Does(
        `program requests(${to}, ${milliseconds})`,
        () => true,
        (model, real) => {
          const text = real.nextText();
          const pid = model.anybody(to);
          const outcome = model.request(0, pid, text, milliseconds);
          const asked = outcome === 'ok' ? model.asked.at(-1) : undefined;
          model.requests.push({ outcome, asked, reply: '' });
          real.request(pid, text, milliseconds);
        },
      ),
  ),
];

const spawning = fc
  .record({
    parent: fc.option(which),
    ipc: fc.integer({ min: 0, max: 4 }).map((one) => one > 0),
    service: fc.option(fc.constantFrom(...SERVICES), { freq: 4 }),
    linked: fc.boolean(),
  })
  .map(
    ({ parent, ipc, service, linked }) =>
      new Does(
        `spawn(${parent}, ${ipc ? 'ipc' : 'mute'}, ${service}, ${linked ? 'linked' : ''})`,
        (model) => model.agents.length < AGENTS_MAX && isParent(model, parent, ipc),
        (model, real) => {
          const parentPid = parent === null ? 0 : (model.actor(parent) as ModelAgent).pid;
          const taken = service !== null && model.provider(service) !== undefined;
          expect(real.spawn(parentPid, ipc, service, linked)).toBe(
            taken ? 'RF_SERVICE_TAKEN' : 'ok',
          );
          if (!taken) {
            model.spawn(parentPid, ipc, service, linked);
          }
        },
      ),
  );

/** Who was spawned by the program may spawn, and no child may talk to more than its parent. */
function isParent(model: Model, parent: number | null, ipc: boolean): boolean {
  const actor = parent === null ? null : model.actor(parent);
  return actor === null || (actor !== undefined && actor.parent === 0 && (actor.ipc || !ipc));
}

const mail = [
  acts('send', async (model, real, { pid }, to) => {
    const text = real.nextText();
    const expected = model.send(pid, to, text);
    expect(await real.guest(pid).send({ tag: 'process', pid: to }, text)).toBe(expected);
  }),
  acts('broadcast', async (model, real, actor) => {
    const text = real.nextText();
    model.broadcast(actor, text);
    expect(await real.guest(actor.pid).send({ tag: 'broadcast' }, text)).toBe('ok');
  }),
  acts('request', async (model, real, { pid }, to) => {
    const text = real.nextText();
    const expected = model.request(pid, to, text);
    expect(await real.guest(pid).request({ tag: 'process', pid: to }, text)).toBe(expected);
  }),
  acts('request of a service', async (model, real, { pid }, to) => {
    const text = real.nextText();
    const name = SERVICES[to % SERVICES.length] as string;
    const expected = model.request(pid, model.provider(name), text);
    const address = { tag: 'service', name, method: null } as const;
    expect(await real.guest(pid).request(address, text)).toBe(expected);
  }),
  fc.tuple(topic, fc.constantFrom('subscribe', 'unsubscribe', 'publish')).chain(([name, ask]) =>
    acts(`${ask} ${name}`, async (model, real, actor) => {
      const text = real.nextText();
      if (ask === 'publish') {
        if (actor.ipc) {
          model.publish(actor.pid, name, text);
        }
        const asked = { ask, topic: name, payload: textOf(text) } as const;
        const { said: outcome } = await real.ask(actor.pid, asked);
        expect(outcome).toBe(actor.ipc ? 'ok' : 'denied');
        return;
      }
      const expected =
        ask === 'subscribe' ? model.subscribe(actor, name) : model.unsubscribe(actor.pid, name);
      const asked = { ask: ask as 'subscribe', topic: name };
      expect((await real.ask(actor.pid, asked)).said).toBe(expected);
    }),
  ),
];

async function reply(model: Model, real: Real, actor: ModelAgent, id: number): Promise<void> {
  const text = real.nextText();
  const asked = actor.unanswered[id - 1];
  const expected = model.reply(actor, id, text);
  expect(await real.guest(actor.pid).reply(id, text)).toBe(expected);
  const request = model.requests.find((each) => each.asked === asked && asked != null);
  if (expected === 'ok' && request !== undefined) {
    request.reply = text;
  }
}

const takes = [
  acts('take', (model, real, actor, sender) => {
    const from = sender % 2 === 0 ? null : sender;
    const filter =
      from === null ? ({ tag: 'any' } as const) : ({ tag: 'sender', val: from } as const);
    expect(real.guest(actor.pid).take(filter)).toEqual(model.take(actor, from));
  }),
  acts('reply', (model, real, actor, at) =>
    reply(model, real, actor, (at % (actor.unanswered.length + 1)) + 1),
  ),
  acts('serve', async (model, real, actor) => {
    const delivery = model.take(actor, null);
    expect(real.guest(actor.pid).take({ tag: 'any' })).toEqual(delivery);
    if (delivery?.tag === 'request') {
      await reply(model, real, actor, actor.unanswered.length);
    }
  }),
  // Under an id by which somebody else was asked, or nobody.
  acts('forge', async (model, real, { pid, apart }, at) => {
    if (!apart) {
      return;
    }
    const open = model.asked.filter(({ to, state }) => to !== pid && state === 'waiting');
    const { asker, correlation } = open[at % open.length] ?? { asker: STRANGER, correlation: 1 };
    expect(await real.guest(pid).forge(asker, correlation, 'forged')).toBe('not-found');
  }),
];

const ending = [
  fc.tuple(which, fc.constantFrom(...ENDS)).map(
    ([by, reason]) =>
      new Does(
        `end(${by}, ${reason})`,
        (model) => model.actor(by) !== undefined,
        (model, real) => end(model, real, model.actor(by) as ModelAgent, reason),
      ),
  ),
  which.map(
    (by) =>
      new Does(
        `kill(${by})`,
        (model) => model.actor(by) !== undefined,
        (model, real) => {
          const { pid } = model.actor(by) as ModelAgent;
          model.kill(pid);
          real.supervisor.commands.kill(pid);
        },
      ),
  ),
  // The end of one that was killed is seen; or it had ended by itself before that.
  fc.tuple(which, fc.constantFrom('killed' as const, 'killed' as const, 'normal' as const)).map(
    ([by, reason]) =>
      new Does(
        `reap(${by}, ${reason})`,
        (model) => model.in('dying').length > 0,
        (model, real) => {
          const dying = model.in('dying');
          end(model, real, dying[by % dying.length] as ModelAgent, reason);
        },
      ),
  ),
];

function end(model: Model, real: Real, agent: ModelAgent, reason: BackendEndReason): void {
  model.end(agent, reason);
  real.guest(agent.pid).end(reason);
  // A backend that says so twice is not believed.
  real.guest(agent.pid).ended = false;
  real.guest(agent.pid).end('internal');
}

const waits = fc.constantFrom(1, 99, 100, 1_000, 6_000).map(
  (milliseconds) =>
    new Does(
      `wait(${milliseconds})`,
      () => true,
      async (model) => {
        model.wait(milliseconds);
        await vi.advanceTimersByTimeAsync(milliseconds);
      },
    ),
);

/** Who has ended asks and sends in vain. */
const ghosts = which.map(
  (at) =>
    new Does(
      `ghost(${at})`,
      (model) => model.in('ended').length > 0 && model.in('live').length > 0,
      async (model, real) => {
        const dead = model.in('ended');
        const ghost = real.guest((dead[at % dead.length] as ModelAgent).pid);
        const { pid } = model.actor(at) as ModelAgent;
        expect(await ghost.send({ tag: 'process', pid }, 'boo')).toBe('closed');
        expect(await ghost.request({ tag: 'process', pid }, 'boo')).toBe('closed');
        expect((await ghost.ask({ ask: 'link', pid })).said).toBe('closed');
        expect((await ghost.ask({ ask: 'monitor', pid })).said).toBe('closed');
        expect((await ghost.ask({ ask: 'trap-exit', enabled: true })).said).toBe('closed');
        expect((await ghost.ask({ ask: 'subscribe', topic: 'news' })).said).toBe('closed');
      },
    ),
);

const history = fc.commands<Model, Real, false>(
  [
    spawning,
    spawning,
    spawning,
    ...watching,
    ...byProgram,
    ...mail,
    ...mail,
    ...takes,
    ...takes,
    ...ending,
    waits,
    ghosts,
  ],
  { maxCommands: 120, size: 'max' },
);

/** Ends everybody, and looks at what is left. */
async function settle(model: Model, real: Real): Promise<void> {
  for (const { pid } of model.agents) {
    model.kill(pid);
  }
  const closed = real.supervisor.close();
  for (const agent of model.in('dying')) {
    end(model, real, agent, 'killed');
  }
  await vi.advanceTimersByTimeAsync(10_000);
  await closed;
  expect(real.supervisor.router.size).toBe(0);
  expect(real.supervisor.services.list()).toEqual([]);
  expect([...real.deadLetters].sort()).toEqual([...model.deadLetters].sort());
  expect(vi.getTimerCount()).toBe(0);

  const reports = await Promise.all(real.reports);
  expect(reports.map(({ exit }) => `${exit.reason} ${exit.code}`)).toEqual(
    model.agents.map(({ reason }) => `${reason} ${exitCode(reason as BackendEndReason)}`),
  );
  expect(await Promise.all(real.replies)).toEqual(
    model.requests.map(({ outcome, asked, reply }) =>
      asked === undefined ? outcome : asked.state === 'replied' ? reply : asked.state,
    ),
  );
  for (const { taken } of real.backend.guests.values()) {
    const bySender = Map.groupBy(
      taken.filter((each): each is Mail => 'sender' in each),
      ({ sender }) => sender,
    );
    for (const mails of bySender.values()) {
      const numbers = mails.map(({ payload }) => Number(payload.val));
      const inOrder = [...new Set(numbers)].sort((a, b) => a - b);
      expect(isDeepStrictEqual(numbers, inOrder), `${numbers}`).toBe(true);
    }
  }
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

test(`${HISTORIES} histories are as the model says`, { timeout: 600_000 }, async () => {
  const seed = Number(process.env.FC_SEED ?? 20_260_101);
  const { FC_PATH: path } = process.env;
  console.info(`seed ${seed}`);
  await fc.assert(
    fc.asyncProperty(history, async (steps) => {
      const model = new Model();
      const real = new Real();
      await fc.asyncModelRun(() => ({ model, real }), steps);
      await settle(model, real);
    }),
    {
      numRuns: HISTORIES,
      seed,
      ...(path === undefined ? {} : { path }),
    },
  );
});

test('a request of the program’s has its time also where nothing is taken', async () => {
  const real = new Real();
  real.spawn(0, true, null, false);
  real.guest(1).hangs = true;
  real.request(1, 'how', 500);
  await vi.advanceTimersByTimeAsync(500);
  expect(await real.replies[0]).toBe('timeout');
  expect(real.supervisor.router.size).toBe(0);
  real.guest(1).hangs = false;
  real.request(1, 'how', 500);
  await vi.advanceTimersByTimeAsync(0);
  real.guest(1).take({ tag: 'any' });
  expect(await real.guest(1).reply(1, 'well')).toBe('ok');
  expect(await real.replies[1]).toBe('well');
});
