/**
 * Where messages go that leave a worker, and what agents ask about each other. Whom an agent may watch,
 * link, stop and reach is decided here, by who it is, by its family and by the grants that it holds;
 * what its own worker's gate has let pass is looked at again.
 *
 * Its state is that of conversations between agents: links and monitors, subscriptions, services, and
 * requests that wait for a reply. What an agent held of it is gone when it has ended.
 */

import type { CallOutcome, Sending } from '../backend/backend.ts';
import { CAPABILITY_NAME, type Grant, type GrantKind } from '../capability/grant.ts';
import { reachesPid, reachesTopic } from '../capability/scope.ts';
import { ASKED_MAX } from '../ipc/conversations.ts';
import type { DeadLetterReason } from '../ipc/dead-letters.ts';
import { FanOut } from '../ipc/fan-out.ts';
import { type Ending, type Mail, mailOf, type Payload } from '../ipc/message.ts';
import { OpenRequests } from '../ipc/open-requests.ts';
import type { Answer, Question, ToolListing } from '../ipc/question.ts';
import { RELATIONS_PER_AGENT_MAX, Relations } from '../ipc/relations.ts';
import type { Services } from '../ipc/services.ts';
import { TOPICS_PER_AGENT_MAX, Topics } from '../ipc/topics.ts';
import { KERNEL_PID, type Pid } from '../process/state.ts';
import type { Process } from './process.ts';

/**
 * How long what goes to many waits for each to have taken it, in milliseconds: a process that takes its
 * mail late, on purpose, would otherwise hold up whoever publishes, up to the time at which it is ended.
 */
export const SLOW_MS_MAX = 2_000;

/** What the router needs of the rest of the kernel. */
export interface RouterOptions {
  readonly services: Services;
  /** An agent that has not exited. */
  find(pid: Pid): Process | undefined;
  /** All that have not exited. */
  list(): Process[];
  /** Who has spawned the agent that has or had this pid, as far as the kernel remembers. */
  parentOf(pid: Pid): Pid | null;
  grantsOf(pid: Pid): Grant[];
  /** Ends an agent whose link has ended. */
  kill(pid: Pid, message: string): void;
  stop(pid: Pid, message: string): void;
  /** Its parent has stopped a child, one that runs or one that waits to be started again. */
  childStopped(pid: Pid): void;
  /** Those that an agent may call. */
  tools(pid: Pid): readonly ToolListing[];
  /** A message for the program that runs the kernel. */
  toKernel(sending: Sending, from: Process): CallOutcome<number>;
  /** A reply to a request of the program's. */
  repliedToKernel(correlation: number, from: Pid, payload: Payload): boolean;
  /** There will be no reply to a request of the program's. */
  unansweredToKernel(correlation: number): void;
  /** Mail that found nobody, or no room, and whose sender is not told. */
  undelivered(to: Pid, mail: Mail, why: DeadLetterReason): void;
}

const refused = (error: string, message: string): CallOutcome<never> => ({
  tag: 'err',
  error,
  message,
});

const senderEnded = (): CallOutcome<never> => refused('closed', 'the sender has ended');

const hasEnded = (pid: Pid): CallOutcome<never> =>
  refused('closed', `pid ${pid} has ended: nothing can be sent to it`);

const holdsTooMany = (): CallOutcome<never> =>
  refused(
    'limit-exceeded',
    `it holds ${RELATIONS_PER_AGENT_MAX} links and monitors, and those are the most: give one up`,
  );

const done = <Value>(val: Value): CallOutcome<Value> => ({ tag: 'ok', val });

/** Routes messages and answers questions: see the head of this file. */
export class Router {
  readonly #options: RouterOptions;
  readonly #relations = new Relations();
  readonly #topics = new Topics();
  readonly #fanOut = new FanOut();
  readonly #trapping = new Set<Pid>();
  /** Those that went through here. */
  readonly #requests = new OpenRequests();
  /** Whom an end has doomed by a link; null: nobody is being ended for one. */
  #doomed: { readonly pid: Pid; readonly message: string }[] | null = null;

  constructor(options: RouterOptions) {
    this.#options = options;
  }

  /** Ends of links and monitors, subscriptions, requests that wait, traps: none of who has ended. */
  get size(): number {
    return this.#relations.size + this.#topics.size + this.#trapping.size + this.#requests.size;
  }

  // ── messages ────────────────────────────────────────────────────────────────────────────────────

  /** Sends as `from`; answers to whom it came. */
  async send(from: Pid, sending: Sending, signal?: AbortSignal): Promise<CallOutcome<number>> {
    const { to, body } = sending;
    if (from !== KERNEL_PID && this.#options.find(from) === undefined) {
      // What ran it may say more than it should.
      return senderEnded();
    }
    if (body.tag === 'reply') {
      return to.tag === 'process'
        ? this.#reply(from, to.pid, body.correlation, sending.payload, signal)
        : refused('invalid', 'a reply goes to who asked');
    }
    switch (to.tag) {
      case 'process':
        return this.#sendTo(from, to.pid, null, sending, signal);
      case 'service': {
        const provider = this.#options.services.provider(to.name);
        return provider === undefined
          ? refused('not-found', 'nobody provides this service now: ask again later')
          : this.#sendTo(from, provider, to.method, sending, signal);
      }
      case 'broadcast':
        return body.tag === 'message'
          ? this.#broadcast(from, sending.payload)
          : refused('invalid', 'a request goes to one: send a message to all instead');
      case 'kernel': {
        const process = this.#options.find(from);
        return process === undefined ? senderEnded() : this.#options.toKernel(sending, process);
      }
    }
  }

  async #sendTo(
    from: Pid,
    to: Pid,
    method: string | null,
    { body, payload, waitMs }: Sending,
    signal?: AbortSignal,
  ): Promise<CallOutcome<number>> {
    const receiver = this.#options.find(to);
    if (receiver?.running == null) {
      return this.#options.parentOf(to) !== null
        ? hasEnded(to)
        : refused('not-found', `there is no agent with pid ${to}: send to one that was spawned`);
    }
    // Before it is under way: its reply, or the end of who was asked, may be faster.
    if (body.tag === 'request' && !this.#opens(from, body.correlation, to)) {
      return refused('invalid', 'a request waits under this id already: give each its own');
    }
    const sent = mailOf(body, from, method, payload);
    const mail: Mail = sent.tag === 'request' ? { ...sent, routed: true } : sent;
    const outcome = await receiver.running.deliver(mail, waitMs, signal);
    if (body.tag === 'request' && outcome.tag === 'err') {
      this.#requests.close(from, body.correlation);
    }
    return outcome;
  }

  /** The program bounds by itself what it asks. */
  #opens(asker: Pid, correlation: number, asked: Pid): boolean {
    const most = asker === KERNEL_PID ? Number.POSITIVE_INFINITY : ASKED_MAX;
    return this.#requests.open({ asker, correlation, asked }, most);
  }

  async #reply(
    from: Pid,
    to: Pid,
    correlation: number,
    payload: Payload,
    signal?: AbortSignal,
  ): Promise<CallOutcome<number>> {
    // A thread of ours has asked directly, and looks at who replies itself; a process can say anything.
    const isKnown = this.#requests.isOpen({ asker: to, correlation, asked: from });
    if (!isKnown && (to === KERNEL_PID || !this.#isInThread(from))) {
      return refused(
        'not-found',
        `pid ${to} does not wait for this reply: it has ended, or given up`,
      );
    }
    if (to === KERNEL_PID) {
      this.#requests.close(to, correlation);
      return this.#options.repliedToKernel(correlation, from, payload)
        ? done(to)
        : refused('not-found', 'the host does not wait for this reply: it has given up');
    }
    const outcome = await this.#deliverReply(from, to, correlation, payload, signal);
    if (outcome.tag === 'ok') {
      this.#requests.close(to, correlation);
    }
    return outcome;
  }

  async #deliverReply(
    from: Pid,
    to: Pid,
    correlation: number,
    payload: Payload,
    signal?: AbortSignal,
  ): Promise<CallOutcome<number>> {
    const asker = this.#options.find(to);
    return asker?.running == null
      ? hasEnded(to)
      : asker.running.deliver({ tag: 'reply', sender: from, correlation, payload }, null, signal);
  }

  /** Whether what is said of an agent is said by code of ours. */
  #isInThread(pid: Pid): boolean {
    const process = this.#options.find(pid);
    return process !== undefined && process.request.isolation !== 'process';
  }

  /** The program answers a request of an agent's. */
  replyOfProgram(to: Pid, correlation: number, payload: Payload): Promise<CallOutcome<number>> {
    return this.#deliverReply(KERNEL_PID, to, correlation, payload);
  }

  /** The program, or an agent, no longer waits for this reply. */
  gaveUp(asker: Pid, correlation: number): void {
    this.#requests.close(asker, correlation);
  }

  /** An agent will not reply to this one. Of those that came directly only its thread knows, which is ours. */
  unanswered(asked: Process, asker: Pid, correlation: number): void {
    if (
      this.#isInThread(asked.pid) ||
      this.#requests.isOpen({ asker, correlation, asked: asked.pid })
    ) {
      this.#requests.close(asker, correlation);
      this.#tellUnanswered(asker, correlation);
    }
  }

  #tellUnanswered(asker: Pid, correlation: number): void {
    if (asker === KERNEL_PID) {
      this.#options.unansweredToKernel(correlation);
    } else {
      this.#options.find(asker)?.running?.signal({ tag: 'unanswered', correlation });
    }
  }

  /** To everybody whom the sender's scope reaches, and who may receive; who has no room misses it. */
  async #broadcast(from: Pid, payload: Payload): Promise<CallOutcome<number>> {
    const sender = this.#options.find(from);
    const scopes = this.#ipcScopes(from);
    const reached = this.#options
      .list()
      .filter(
        ({ pid }) =>
          pid !== from &&
          scopes.some((scope) => reachesPid(scope, pid, sender?.parentPid ?? KERNEL_PID)) &&
          this.#ipcScopes(pid).length > 0,
      );
    return done(await this.#toAll(reached, { tag: 'message', sender: from, payload }));
  }

  /** Sends a message of the program's to everybody who has subscribed. Answers how many got it. */
  publish(from: Pid, topic: string, payload: Payload): Promise<number> {
    const receivers = this.#topics
      .subscribers(topic)
      .filter((pid) => pid !== from && this.#reachesTopic(pid, topic))
      .flatMap((pid) => this.#options.find(pid) ?? []);
    return this.#toAll(receivers, { tag: 'topic', sender: from, topic, payload });
  }

  /** Answers how many have taken it by when it goes on: who is slow is not waited for. */
  #toAll(receivers: readonly Process[], mail: Mail): Promise<number> {
    const { sender } = mail;
    return this.#fanOut.run(receivers.length, sender === KERNEL_PID, async () =>
      sender !== KERNEL_PID && this.#options.find(sender) === undefined
        ? 0
        : this.#deliverToAll(receivers, mail),
    );
  }

  async #deliverToAll(receivers: readonly Process[], mail: Mail): Promise<number> {
    let taken = 0;
    const deliveries = receivers.map(async ({ pid, running }) => {
      const outcome = await running?.deliver(mail, null);
      if (outcome?.tag === 'ok') {
        taken += 1;
      } else {
        const hasExited = outcome === undefined || outcome.error === 'closed';
        this.#options.undelivered(pid, mail, hasExited ? 'exited' : 'mailbox_full');
      }
    });
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, SLOW_MS_MAX);
    await Promise.race([Promise.all(deliveries), late]);
    clearTimeout(timer);
    return taken;
  }

  #ipcScopes(pid: Pid) {
    return this.#options
      .grantsOf(pid)
      .flatMap((grant) => (grant.kind === 'ipc' ? [grant.scope] : []));
  }

  #reachesTopic(pid: Pid, topic: string): boolean {
    return this.#ipcScopes(pid).some((scope) => reachesTopic(scope, topic));
  }

  // ── questions ───────────────────────────────────────────────────────────────────────────────────

  /** Answers what an agent asks, as far as it may. */
  async ask(asker: Process, question: Question): Promise<CallOutcome<Answer>> {
    const { pid } = asker;
    if (this.#options.find(pid) === undefined) {
      // Whatever was kept for it now would be kept for ever.
      return senderEnded();
    }
    switch (question.ask) {
      case 'link':
        return this.#linkFor(asker, question.pid);
      case 'unlink':
        this.#relations.unlink(pid, question.pid);
        return done(null);
      case 'monitor':
        return this.#monitorFor(asker, question.pid);
      case 'demonitor':
        return this.#relations.demonitor(pid, question.monitor)
          ? done(null)
          : refused('not-found', 'it has no such monitor, or that has told already');
      case 'trap-exit':
        this.setTrapExit(pid, question.enabled);
        return done(null);
      case 'stop':
        return this.#stopFor(asker, question.pid, question.mode);
      case 'subscribe':
        return this.#subscribe(asker, question.topic);
      case 'unsubscribe':
        return this.#topics.unsubscribe(pid, question.topic)
          ? done(null)
          : refused('not-found', 'it has not subscribed to this topic');
      case 'publish':
        if (!this.#reachesTopic(pid, question.topic)) {
          return this.#deny(asker, 'ipc', 'ipc.publish', 'the topic is outside of its scope');
        }
        await this.publish(pid, question.topic, question.payload);
        return done(null);
      case 'tools':
        return done(this.#options.tools(pid));
    }
  }

  #deny(asker: Process, kind: GrantKind, operation: string, why: string): CallOutcome<never> {
    asker.deny(CAPABILITY_NAME[kind], operation);
    return refused('denied', `${operation}: ${why}: ask for ${CAPABILITY_NAME[kind]}`);
  }

  #subscribe(asker: Process, topic: string): CallOutcome<null> {
    if (!this.#reachesTopic(asker.pid, topic)) {
      return this.#deny(asker, 'ipc', 'ipc.subscribe', 'the topic is outside of its scope');
    }
    return this.#topics.subscribe(asker.pid, topic)
      ? done(null)
      : refused(
          'limit-exceeded',
          `it has subscribed to ${TOPICS_PER_AGENT_MAX} topics, and those are the most: leave one`,
        );
  }

  /** Its parent, its children, itself, and whom it may send to. */
  #mayWatch(asker: Process, pid: Pid): boolean {
    return (
      pid === asker.pid ||
      pid === asker.parentPid ||
      this.#options.parentOf(pid) === asker.pid ||
      this.#ipcScopes(asker.pid).some((scope) => reachesPid(scope, pid, asker.parentPid))
    );
  }

  #hasRoom(pid: Pid): boolean {
    return this.#relations.heldBy(pid) < RELATIONS_PER_AGENT_MAX;
  }

  #monitorFor(asker: Process, target: Pid): CallOutcome<number> {
    if (target === KERNEL_PID || target < 0) {
      return refused('invalid', 'the kernel can not be monitored: it ends with all agents');
    }
    if (!this.#mayWatch(asker, target)) {
      return this.#deny(asker, 'ipc', 'process.monitor', 'the agent is outside of its scope');
    }
    if (!this.#hasRoom(asker.pid)) {
      return holdsTooMany();
    }
    const found = this.#options.find(target);
    if (found !== undefined) {
      return done(this.#relations.monitor(asker.pid, target));
    }
    const monitor = this.#relations.nextMonitor();
    const reason: Ending = { tag: 'crash', val: 'it is not there: it has ended, or never was' };
    asker.running?.signal({ tag: 'down', monitor, pid: target, reason });
    return done(monitor);
  }

  /**
   * A link can end both, and what a trapped exit tells has room in a full mailbox: an agent links its own
   * children and nobody else. So nobody is ended, or flooded, by a link that it did not want.
   */
  #linkFor(asker: Process, target: Pid): CallOutcome<null> {
    if (target === asker.pid) {
      return done(null);
    }
    if (this.#options.find(target) === undefined) {
      return refused('not-found', 'the agent has ended, or never was: spawn it linked');
    }
    if (this.#options.parentOf(target) !== asker.pid) {
      return this.#deny(
        asker,
        'spawn',
        'process.link',
        'the agent is no child of the caller: monitor it instead',
      );
    }
    if (!this.#hasRoom(asker.pid)) {
      return holdsTooMany();
    }
    this.#relations.link(asker.pid, target);
    return done(null);
  }

  #stopFor(asker: Process, target: Pid, mode: 'graceful' | 'force'): CallOutcome<null> {
    const isChild = this.#options.parentOf(target) === asker.pid;
    const isThere = this.#options.find(target) !== undefined;
    if (!isChild && !isThere) {
      return refused('not-found', 'there is no such agent: stop a child of the caller');
    }
    if (!isChild) {
      return this.#deny(asker, 'spawn', 'process.stop', 'the agent is no child of the caller');
    }
    this.#options.childStopped(target);
    const message = `its parent, pid ${asker.pid}, has stopped it`;
    if (!isThere) {
      return done(null);
    }
    if (mode === 'force') {
      this.#options.kill(target, message);
    } else {
      this.#options.stop(target, message);
    }
    return done(null);
  }

  // ── of the program and the kernel ───────────────────────────────────────────────────────────────

  /** Links two agents that have not exited. */
  link(one: Pid, other: Pid): void {
    if (one !== other) {
      this.#relations.link(one, other);
    }
  }

  unlink(one: Pid, other: Pid): void {
    this.#relations.unlink(one, other);
  }

  setTrapExit(pid: Pid, enabled: boolean): void {
    if (enabled) {
      this.#trapping.add(pid);
    } else {
      this.#trapping.delete(pid);
    }
  }

  /** An agent has ended: those whom that concerns are told, and nothing of it is left here. */
  exited(pid: Pid, reason: Ending): void {
    const { linked, monitors } = this.#relations.exited(pid);
    this.#topics.exited(pid);
    this.#options.services.exited(pid);
    this.#trapping.delete(pid);
    for (const { asker, correlation } of this.#requests.exited(pid)) {
      this.#tellUnanswered(asker, correlation);
    }
    for (const { monitor, watcher } of monitors) {
      this.#options.find(watcher)?.running?.signal({ tag: 'down', monitor, pid, reason });
    }
    for (const other of linked) {
      if (this.#trapping.has(other)) {
        this.#options.find(other)?.running?.signal({ tag: 'exit', pid, reason });
      } else if (reason.tag !== 'normal') {
        const message = `pid ${pid}, which it was linked to, has ended: ${said(reason)}`;
        this.#doom({ pid: other, message });
      }
    }
  }

  /** One after another, also where each end is told within the kill: a chain of links has any length. */
  #doom(doomed: { readonly pid: Pid; readonly message: string }): void {
    if (this.#doomed !== null) {
      this.#doomed.push(doomed);
      return;
    }
    const all = [doomed];
    this.#doomed = all;
    try {
      for (const { pid, message } of all) {
        // It may have ended for another's end meanwhile.
        if (this.#options.find(pid) !== undefined) {
          this.#options.kill(pid, message);
        }
      }
    } finally {
      this.#doomed = null;
    }
  }
}

const said = (reason: Ending): string =>
  reason.tag === 'crash' ? `crash: ${reason.val}` : reason.tag;
