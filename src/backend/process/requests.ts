/**
 * What an agent in a process of its own asks for: messages, tools, children, grants. Its own gate has
 * let it pass; here it is checked again, by the same scopes, as a guest may have taken the process over.
 */

import { CAPABILITY_NAME, type GrantKind, type Scopes } from '../../capability/grant.ts';
import type { HeldGrant, HeldGrants } from '../../capability/held.ts';
import { reachesName, reachesPid, reachesTool, reachesTopic } from '../../capability/scope.ts';
import type { WordedGrant } from '../../capability/words.ts';
import { heldBytes, SIGNALS_UNREAD_MAX } from '../../ipc/message.ts';
import type { Question } from '../../ipc/question.ts';
import { Alarm } from '../../resource/alarm.ts';
import type { BackendEvents, BackendStart, ChildRequest, Sending } from '../backend.ts';
import { type OperationOutcome, Operations } from '../operations.ts';
import type { Denials } from './denials.ts';
import { ChildProtocolError } from './from-child.ts';

/** Operations that are under way at a time; an agent waits for each before the next. */
const UNDER_WAY_MAX = 16;

/** Operations that are worked on at a time: a tool may go on when nobody waits for it any more. */
const WORKING_MAX = 64;

/** Characters of a tool call's arguments, as the gate bounds them. */
const ARGUMENTS_CHARACTERS_MAX = 1024 * 1024;

/** Bytes of a character of a text, as the gate counts them. */
const BYTES_PER_CHARACTER = 2;

/** What is counted here. */
export interface Counted {
  readonly messagesSent: number;
  readonly toolCalls: number;
}

const SEND_OPERATIONS = {
  message: 'ipc.send',
  request: 'ipc.request',
  reply: 'ipc.reply',
} as const;

const ASK_OPERATIONS = {
  link: 'process.link',
  unlink: 'process.unlink',
  monitor: 'process.monitor',
  demonitor: 'process.demonitor',
  'trap-exit': 'process.trap-exit',
  stop: 'process.stop',
  subscribe: 'ipc.subscribe',
  unsubscribe: 'ipc.unsubscribe',
  publish: 'ipc.publish',
  tools: 'tools.list',
} as const satisfies Record<Question['ask'], string>;

/** What is said to be missing; where none is needed nothing is. */
const KIND_TO_ASK = {
  link: 'ipc',
  unlink: 'ipc',
  monitor: 'ipc',
  demonitor: 'ipc',
  'trap-exit': 'ipc',
  stop: 'spawn',
  subscribe: 'ipc',
  unsubscribe: 'ipc',
  publish: 'ipc',
  tools: 'tools',
} as const satisfies Record<Question['ask'], GrantKind>;

interface Under {
  readonly grant: HeldGrant;
  readonly operation: string;
  readonly expiry: Alarm | null;
}

/** The requests of one agent: checked by its grants, counted, and stopped when a grant is gone. */
export class Requests {
  readonly #start: BackendStart;
  readonly #events: BackendEvents;
  readonly #held: HeldGrants;
  readonly #denials: Denials;
  readonly #operations: Operations;
  readonly #unread: () => number;
  readonly #answer: (id: number, outcome: OperationOutcome) => void;
  /** The grants under which operations are under way. */
  readonly #under = new Map<number, Under>();
  /** Bytes of messages and of arguments of tools that are under way: they are kept here meanwhile. */
  readonly #kept = new Map<number, number>();
  #counted: Counted = { messagesSent: 0, toolCalls: 0 };

  /** `unread`: what the host has told it of others' ends, and it has not received. */
  constructor(
    start: BackendStart,
    events: BackendEvents,
    held: HeldGrants,
    denials: Denials,
    unread: () => number,
    answer: (id: number, outcome: OperationOutcome) => void,
  ) {
    this.#start = start;
    this.#unread = unread;
    this.#events = events;
    this.#held = held;
    this.#denials = denials;
    this.#answer = (id, outcome) => {
      this.#forget(id);
      answer(id, outcome);
    };
    this.#operations = new Operations(this.#answer);
  }

  get counted(): Counted {
    return this.#counted;
  }

  send(id: number, sending: Sending): void {
    this.#requireNew(id);
    const { tag } = sending.body;
    const operation = SEND_OPERATIONS[tag];
    // Whether it was asked what it replies to the kernel knows.
    const grant = tag === 'reply' ? this.#find('ipc', () => true) : this.#findFor(sending.to);
    if (this.#denies(id, 'ipc', operation, grant)) {
      return;
    }
    this.#keep(id, heldBytes(sending.payload));
    if (this.#countsMessage(id, operation)) {
      this.#begin(id, operation, grant, (signal) => this.#events.send(sending, signal));
    }
  }

  ask(id: number, question: Question): void {
    this.#requireNew(id);
    const operation = ASK_OPERATIONS[question.ask];
    const grant = this.#grantToAsk(question);
    if (grant !== 'none needed' && this.#denies(id, KIND_TO_ASK[question.ask], operation, grant)) {
      return;
    }
    if (question.ask === 'monitor' && this.#hasTooManyUnread(id, operation)) {
      return;
    }
    if (question.ask === 'publish') {
      this.#keep(id, heldBytes(question.payload));
      if (!this.#countsMessage(id, operation)) {
        return;
      }
    }
    const under = grant === 'none needed' ? null : grant;
    this.#begin(id, operation, under, () => this.#events.ask(question));
  }

  /** As the gate looks for it: what concerns one other agent the kernel decides, and needs none here. */
  #grantToAsk(question: Question): HeldGrant | null | 'none needed' {
    switch (question.ask) {
      case 'publish':
      case 'subscribe':
      case 'unsubscribe':
        return this.#find('ipc', (scope) => reachesTopic(scope, question.topic));
      case 'stop':
        return this.#find('spawn', () => true);
      case 'tools':
        return this.#find('tools', () => true);
      default:
        return 'none needed';
    }
  }

  #findFor(to: Sending['to']): HeldGrant | null {
    const { parentPid } = this.#start;
    switch (to.tag) {
      case 'process':
        return this.#find('ipc', (scope) => reachesPid(scope, to.pid, parentPid));
      case 'kernel':
        return this.#find('ipc', (scope) => reachesPid(scope, 0, parentPid));
      case 'service': {
        const service = this.#find('services', (scope) => reachesName(scope.names, to.name));
        return service === null ? null : this.#find('ipc', () => true);
      }
      case 'broadcast':
        return this.#find('ipc', () => true);
    }
  }

  /** False: its limit is used up, and it was told so. */
  #countsMessage(id: number, operation: string): boolean {
    const { messagesSent } = this.#counted;
    if (this.#exceeds(id, operation, messagesSent, this.#start.limits.messages)) {
      return false;
    }
    this.#counted = { ...this.#counted, messagesSent: messagesSent + 1 };
    return true;
  }

  callTool(id: number, name: string, argumentsJson: string): void {
    this.#requireNew(id);
    const grant = this.#find('tools', (scope) => reachesTool(scope, name));
    if (this.#denies(id, 'tools', 'tools.call', grant)) {
      return;
    }
    if (argumentsJson.length > ARGUMENTS_CHARACTERS_MAX) {
      throw new ChildProtocolError('arguments of a tool that its gate does not let pass');
    }
    this.#keep(id, argumentsJson.length * BYTES_PER_CHARACTER);
    const { toolCalls } = this.#counted;
    if (this.#exceeds(id, 'tools.call', toolCalls, this.#start.limits.toolCalls)) {
      return;
    }
    this.#counted = { ...this.#counted, toolCalls: toolCalls + 1 };
    this.#begin(id, 'tools.call', grant, (signal) =>
      this.#events.callTool(name, argumentsJson, signal),
    );
  }

  spawn(id: number, request: ChildRequest): void {
    this.#requireNew(id);
    // Which module, how many and with what the supervisor checks.
    const grant = this.#find('spawn', () => true);
    const isDenied = this.#denies(id, 'spawn', 'process.spawn', grant);
    if (!isDenied && !this.#hasTooManyUnread(id, 'process.spawn')) {
      this.#begin(id, 'process.spawn', grant, () => this.#events.spawn(request));
    }
  }

  requestGrant(id: number, grant: WordedGrant, reason: string): void {
    this.#requireNew(id);
    this.#begin(id, 'capabilities.request', null, () => this.#events.requestGrant(grant, reason));
  }

  abandon(id: number): void {
    this.#forget(id);
    this.#operations.abandon(id);
  }

  /** Grants may no longer be in force: what is under way under one is stopped. */
  revoked(): void {
    this.#held.look();
    for (const [id, { grant, operation }] of [...this.#under]) {
      if (!this.#held.inForce(grant)) {
        this.#operations.cancel(id, deniedOutcome(grant.kind, operation));
      }
    }
  }

  close(): void {
    for (const id of [...this.#under.keys()]) {
      this.#forget(id);
    }
    this.#kept.clear();
    this.#operations.abandonAll();
  }

  /** An answer forgets what its id stands for: none is given to what is under way by another's id. */
  #requireNew(id: number): void {
    if (this.#operations.has(id)) {
      throw new ChildProtocolError('an operation by the id of one that is under way');
    }
  }

  /** Its own gate lets no message and no call of a tool pass for which the host may not hold as much. */
  #keep(id: number, bytes: number): void {
    const { hostBytes } = this.#start.limits;
    const all = [...this.#kept.values()].reduce((sum, each) => sum + each, bytes);
    if (hostBytes !== 0 && all > hostBytes) {
      throw new ChildProtocolError('more bytes under way than may be held for it');
    }
    this.#kept.set(id, bytes);
  }

  #find<Kind extends GrantKind>(
    kind: Kind,
    reaches: (scope: Scopes[Kind]) => boolean,
  ): HeldGrant | null {
    this.#held.look();
    const grants: readonly HeldGrant<Kind>[] = this.#held.of[kind];
    return grants.find((grant) => this.#held.inForce(grant) && reaches(grant.scope)) ?? null;
  }

  #denies(id: number, kind: GrantKind, operation: string, grant: HeldGrant | null): boolean {
    if (grant !== null) {
      return false;
    }
    this.#denials.add(CAPABILITY_NAME[kind], operation);
    this.#answer(id, deniedOutcome(kind, operation));
    return true;
  }

  #exceeds(id: number, operation: string, used: number, limit: number): boolean {
    if (limit === 0 || used < limit) {
      return false;
    }
    const message = `${operation} would pass its limit of ${limit}: raise it, or call less`;
    this.#answer(id, { tag: 'err', error: 'limit-exceeded', message });
    return true;
  }

  /** Its own gate counts what it was told; what waits until it may receive is kept here. */
  #hasTooManyUnread(id: number, operation: string): boolean {
    if (this.#unread() < SIGNALS_UNREAD_MAX) {
      return false;
    }
    const message = `${operation}: ${SIGNALS_UNREAD_MAX} exits and monitors wait for it to receive them: ask for ipc first`;
    this.#answer(id, { tag: 'err', error: 'limit-exceeded', message });
    return true;
  }

  #begin(
    id: number,
    operation: string,
    grant: HeldGrant | null,
    work: (signal: AbortSignal) => Promise<OperationOutcome>,
  ): void {
    if (this.#operations.size >= UNDER_WAY_MAX) {
      throw new ChildProtocolError('more operations under way than an agent can have');
    }
    if (this.#operations.working >= WORKING_MAX) {
      const message = `${operation}: as much as may be is under way still that was given up: try later`;
      this.#answer(id, { tag: 'err', error: 'unavailable', message });
      return;
    }
    if (grant !== null) {
      this.#under.set(id, { grant, operation, expiry: this.#expiry(grant) });
    }
    this.#operations.begin(id, work);
  }

  #expiry({ expiresAtMs }: HeldGrant): Alarm | null {
    return expiresAtMs === Number.POSITIVE_INFINITY
      ? null
      : // The clock that `inForce` looks at.
        new Alarm({ atMs: expiresAtMs, now: Date.now, ring: () => this.revoked() });
  }

  #forget(id: number): void {
    this.#under.get(id)?.expiry?.clear();
    this.#under.delete(id);
    this.#kept.delete(id);
  }
}

function deniedOutcome(kind: GrantKind, operation: string): OperationOutcome {
  const message = `${operation} needs ${CAPABILITY_NAME[kind]} in force and in its scope: ask for it`;
  return { tag: 'err', error: 'denied', message };
}
