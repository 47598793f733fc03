/**
 * What agents may do to each other, and what comes of it, told a second time and simply: lists and
 * loops, nothing indexed, nothing asynchronous. Histories are held against it.
 */

import type { Delivery, Ending, Mail } from '../../src/ipc/message.ts';
import type { BackendEndReason } from '../../src/process/exit.ts';
import { ROOM, textOf } from './fake-backend.ts';

/** 0: the program. */
const PROGRAM = 0;
/** How long who is asked to end by its parent has. */
const STOP_MS = 5_000;

/** Every second one. */
export const isApart = (pid: number): boolean => pid % 2 === 0;

/** A request that somebody waits for, under its own id for it. */
export interface Asked {
  readonly asker: number;
  readonly correlation: number;
  readonly to: number;
  state: 'waiting' | 'closed' | 'replied' | 'timeout';
}

export interface ModelAgent {
  readonly pid: number;
  readonly parent: number;
  /** Whether it may talk to all. */
  readonly ipc: boolean;
  readonly service: string | null;
  /** Whether it runs in a process of its own: that may say anything. */
  readonly apart: boolean;
  /** Dying: it was killed, and its end was not seen yet. */
  phase: 'live' | 'dying' | 'ended';
  trapping: boolean;
  inbox: Delivery[];
  /** By its ids: null where it has replied, or there is nobody to reply to. */
  readonly unanswered: (Asked | null)[];
  correlations: number;
  stopsAtMs: number;
  reason: BackendEndReason | null;
}

export class ProcessModel {
  readonly agents: ModelAgent[] = [];
  readonly asked: Asked[] = [];
  links: (readonly [number, number])[] = [];
  monitors: { readonly id: number; readonly watcher: number; readonly target: number }[] = [];
  subscriptions: { readonly pid: number; readonly topic: string }[] = [];
  readonly deadLetters: string[] = [];
  nowMs = 0;
  #monitorIds = 0;
  #programIds = 0;
  /** When somebody is ended by force, and when a request of the program's is given up. */
  #due: { readonly atMs: number; readonly act: () => void }[] = [];

  in(phase: ModelAgent['phase']): ModelAgent[] {
    return this.agents.filter((agent) => agent.phase === phase);
  }

  /** What has to be kept of all: both ends of links and monitors, subscriptions, requests, traps. */
  get size(): number {
    const trapping = this.agents.filter((agent) => agent.trapping && agent.phase !== 'ended');
    const waiting = this.asked.filter(({ state }) => state === 'waiting');
    const { links, monitors, subscriptions } = this;
    return (
      2 * (links.length + monitors.length) + subscriptions.length + waiting.length + trapping.length
    );
  }

  find(pid: number): ModelAgent | undefined {
    return this.agents.find((agent) => agent.pid === pid && agent.phase !== 'ended');
  }

  #parentOf(pid: number): number | null {
    return this.agents.find((agent) => agent.pid === pid)?.parent ?? null;
  }

  provider(service: string): number | undefined {
    return this.agents.find((agent) => agent.service === service && agent.phase !== 'ended')?.pid;
  }

  spawn(parent: number, ipc: boolean, service: string | null, linked: boolean): void {
    const pid = this.agents.length + 1;
    this.agents.push({
      pid,
      parent,
      ipc,
      service,
      apart: isApart(pid),
      phase: 'live',
      trapping: false,
      inbox: [],
      unanswered: [],
      correlations: 0,
      stopsAtMs: Number.POSITIVE_INFINITY,
      reason: null,
    });
    if (linked && parent !== PROGRAM) {
      this.link(parent, pid);
    }
  }

  // ── mail ────────────────────────────────────────────────────────────────────────────────────────

  #post(to: number, mail: Mail): string {
    const receiver = this.find(to);
    if (receiver === undefined) {
      return this.#parentOf(to) === null ? 'not-found' : 'closed';
    }
    if (mailOf(receiver).length >= ROOM) {
      return 'mailbox-full';
    }
    receiver.inbox.push(mail);
    return 'ok';
  }

  send(sender: number, to: number, text: string): string {
    return this.#post(to, { tag: 'message', sender, payload: textOf(text) });
  }

  /** To many: who has no room misses it. */
  #toAll(pids: readonly number[], mail: Mail): void {
    for (const pid of pids) {
      if (this.#post(pid, mail) !== 'ok') {
        this.deadLetters.push(`mailbox_full ${pid} ${mail.payload.val}`);
      }
    }
  }

  broadcast({ pid, ipc }: ModelAgent, text: string): void {
    const reached = this.agents.filter(
      (other) => ipc && other.pid !== pid && other.ipc && other.phase !== 'ended',
    );
    this.#toAll(
      reached.map((other) => other.pid),
      { tag: 'message', sender: pid, payload: textOf(text) },
    );
  }

  publish(sender: number, topic: string, text: string): void {
    const pids = this.subscriptions.filter((each) => each.topic === topic && each.pid !== sender);
    this.#toAll(
      pids.map(({ pid }) => pid),
      { tag: 'topic', sender, topic, payload: textOf(text) },
    );
  }

  subscribe({ pid, ipc }: ModelAgent, topic: string): string {
    if (ipc && !this.subscriptions.some((each) => each.pid === pid && each.topic === topic)) {
      this.subscriptions.push({ pid, topic });
    }
    return ipc ? 'ok' : 'denied';
  }

  unsubscribe(pid: number, topic: string): string {
    const before = this.subscriptions.length;
    this.subscriptions = this.subscriptions.filter(
      (each) => each.pid !== pid || each.topic !== topic,
    );
    return this.subscriptions.length < before ? 'ok' : 'not-found';
  }

  request(asker: number, to: number | undefined, text: string, timeoutMs = 0): string {
    const agent = this.find(asker);
    const correlation = agent === undefined ? ++this.#programIds : ++agent.correlations;
    const payload = textOf(text);
    const mail: Mail = {
      tag: 'request',
      sender: asker,
      correlation,
      method: null,
      routed: true,
      payload,
    };
    const outcome = to === undefined ? 'not-found' : this.#post(to, mail);
    if (outcome === 'ok') {
      const asked: Asked = { asker, correlation, to: to as number, state: 'waiting' };
      this.asked.push(asked);
      if (asker === PROGRAM) {
        this.#at(timeoutMs, () => {
          asked.state = asked.state === 'waiting' ? 'timeout' : asked.state;
        });
      }
    }
    return outcome;
  }

  reply(agent: ModelAgent, id: number, text: string): string {
    const asked = agent.unanswered[id - 1];
    if (asked == null) {
      return 'not-found';
    }
    if (asked.state !== 'waiting') {
      agent.unanswered[id - 1] = null;
      const isGone = asked.asker !== PROGRAM && !this.find(asked.asker);
      // Who says what a process says is not believed, and told nothing.
      return isGone && !agent.apart ? 'closed' : 'not-found';
    }
    const { asker, correlation } = asked;
    const mail: Mail = { tag: 'reply', sender: agent.pid, correlation, payload: textOf(text) };
    const outcome = asker === PROGRAM ? 'ok' : this.#post(asker, mail);
    if (outcome === 'ok') {
      asked.state = 'replied';
      agent.unanswered[id - 1] = null;
    }
    return outcome;
  }

  take(agent: ModelAgent, sender: number | null): Delivery | null {
    const at = agent.inbox.findIndex(
      (each) => sender === null || ('sender' in each && each.sender === sender),
    );
    const [delivery = null] = at < 0 ? [] : agent.inbox.splice(at, 1);
    if (delivery?.tag === 'request') {
      const { sender: asker, correlation } = delivery;
      const asked = this.asked.find(
        (each) => each.asker === asker && each.correlation === correlation,
      );
      agent.unanswered.push(asked ?? null);
    }
    return delivery;
  }

  // ── watching ────────────────────────────────────────────────────────────────────────────────────

  areLinked(one: number, other: number): boolean {
    return this.links.some((link) => link.includes(one) && link.includes(other));
  }

  link(one: number, other: number): void {
    if (one !== other && !this.areLinked(one, other)) {
      this.links.push([one, other]);
    }
  }

  unlink(one: number, other: number): void {
    this.links = this.links.filter(
      (link) => one === other || !(link.includes(one) && link.includes(other)),
    );
  }

  #mayWatch(agent: ModelAgent, pid: number): boolean {
    const isFamily = pid === agent.parent || this.#parentOf(pid) === agent.pid;
    return agent.ipc || pid === agent.pid || isFamily;
  }

  askLink(agent: ModelAgent, pid: number): string {
    if (pid === agent.pid) {
      return 'ok';
    }
    if (this.find(pid) === undefined) {
      return 'not-found';
    }
    if (this.#parentOf(pid) !== agent.pid) {
      return 'denied';
    }
    this.link(agent.pid, pid);
    return 'ok';
  }

  monitor(agent: ModelAgent, target: number): string {
    if (!this.#mayWatch(agent, target)) {
      return 'denied';
    }
    this.#monitorIds += 1;
    const id = this.#monitorIds;
    if (this.find(target) === undefined) {
      const val = 'it is not there: it has ended, or never was';
      const reason: Ending = { tag: 'crash', val };
      agent.inbox.push({ tag: 'down', monitor: id, pid: target, reason });
    } else {
      this.monitors.push({ id, watcher: agent.pid, target });
    }
    return 'ok';
  }

  get lastMonitor(): number {
    return this.#monitorIds;
  }

  demonitor(watcher: number, id: number): string {
    const before = this.monitors.length;
    this.monitors = this.monitors.filter((each) => each.id !== id || each.watcher !== watcher);
    return this.monitors.length < before ? 'ok' : 'not-found';
  }

  // ── ending ──────────────────────────────────────────────────────────────────────────────────────

  kill(pid: number): void {
    const agent = this.find(pid);
    if (agent !== undefined) {
      agent.phase = 'dying';
    }
  }

  stop(pid: number, milliseconds: number, message: string): void {
    const agent = this.find(pid);
    if (agent === undefined) {
      return;
    }
    if (!agent.ipc || milliseconds === 0) {
      this.kill(pid);
      return;
    }
    const atMs = this.nowMs + milliseconds;
    if (agent.stopsAtMs > atMs) {
      if (agent.stopsAtMs === Number.POSITIVE_INFINITY) {
        agent.inbox.push({ tag: 'cancelled', message });
      }
      agent.stopsAtMs = atMs;
      this.#at(milliseconds, () => this.kill(pid));
    }
  }

  askStop(agent: ModelAgent, pid: number, mode: 'graceful' | 'force'): string {
    if (this.#parentOf(pid) !== agent.pid) {
      return this.find(pid) === undefined ? 'not-found' : 'denied';
    }
    if (mode === 'force') {
      this.kill(pid);
    } else {
      this.stop(pid, STOP_MS, `its parent, pid ${agent.pid}, has stopped it`);
    }
    return 'ok';
  }

  #at(milliseconds: number, act: () => void): void {
    this.#due.push({ atMs: this.nowMs + milliseconds, act });
  }

  wait(milliseconds: number): void {
    this.nowMs += milliseconds;
    const due = this.#due.filter(({ atMs }) => atMs <= this.nowMs);
    this.#due = this.#due.filter(({ atMs }) => atMs > this.nowMs);
    for (const { act } of due) {
      act();
    }
  }

  /** Its end is seen: those whom that concerns are told. */
  end(agent: ModelAgent, reason: BackendEndReason): void {
    const { pid } = agent;
    agent.phase = 'ended';
    agent.reason = reason;
    for (const mail of mailOf(agent)) {
      this.deadLetters.push(`exited ${pid} ${mail.payload.val}`);
    }
    agent.inbox = [];
    this.subscriptions = this.subscriptions.filter((each) => each.pid !== pid);
    for (const asked of this.asked) {
      if (asked.state === 'waiting' && (asked.to === pid || asked.asker === pid)) {
        asked.state = 'closed';
      }
    }
    const ending = endingOf(reason);
    const fired = this.monitors.filter(({ target }) => target === pid);
    this.monitors = this.monitors.filter(
      ({ target, watcher }) => target !== pid && watcher !== pid,
    );
    for (const { id, watcher } of fired) {
      this.find(watcher)?.inbox.push({ tag: 'down', monitor: id, pid, reason: ending });
    }
    const linked = this.links.filter((link) => link.includes(pid));
    this.links = this.links.filter((link) => !link.includes(pid));
    for (const [one, other] of linked) {
      const left = this.find(one === pid ? other : one);
      if (left?.trapping) {
        left.inbox.push({ tag: 'exit', pid, reason: ending });
      } else if (left !== undefined && reason !== 'normal') {
        this.kill(left.pid);
      }
    }
  }
}

const isMail = (delivery: Delivery): delivery is Mail => 'sender' in delivery;
const mailOf = ({ inbox }: ModelAgent): Mail[] => inbox.filter(isMail);

function endingOf(reason: BackendEndReason): Ending {
  return reason === 'normal' || reason === 'killed' || reason === 'timeout'
    ? { tag: reason }
    : { tag: 'crash', val: `${reason}: so it was` };
}
