/** Agents that ask for more than they were granted: a trusted function, or later a person, decides. */

import { createHash } from 'node:crypto';
import { RingfenceError } from '../errors.ts';
import type { GrantSpec } from './grant.ts';

/** What an agent asks for. */
export interface ElevationRequest {
  /** Names the request in its kernel: from 1, never given out again. */
  readonly id: number;
  readonly pid: number;
  readonly agentId: string;
  readonly spec: GrantSpec;
  /** The agent's own words, at most 1,000 characters: make them printable before they are shown. */
  readonly reason: string;
}

/** A request that was deferred and waits for its answer. */
export type Elevation = ElevationRequest;

/** What is decided: now, or later by {@link Elevations.answer}. */
export type ElevationAnswer = 'permit' | 'defer' | 'deny';

/** What an agent is told. */
export type ElevationOutcome = 'permitted' | 'deferred' | 'denied';

/** How requests are decided. */
export interface ElevationOptions {
  /** @default everything is denied */
  readonly decide?: (request: ElevationRequest) => ElevationAnswer | Promise<ElevationAnswer>;
  /** Grants what was permitted. */
  grant(pid: number, spec: GrantSpec): void;
  /** A request that was deferred was answered. Must not throw. */
  answered?(request: Elevation, answer: 'permit' | 'deny'): void;
  /** Tells the operator why something was denied that nobody has decided. */
  warn(text: string): void;
  /** How long a decision can take, in milliseconds. @default 30,000 */
  readonly timeoutMs?: number;
}

/** Characters of a reason. */
export const REASON_CHARACTERS_MAX = 1_000;
/** Requests of one agent that are being decided or are deferred. */
export const PENDING_PER_AGENT_MAX = 16;
/** Requests of all agents that are. */
export const PENDING_MAX = 1_000;
/** Requests of one agent that are put to the decider in its life: it can't be worn down by more. */
export const ASKED_PER_AGENT_MAX = 256;
/** Characters of a scope that is asked for, written out. */
const SCOPE_CHARACTERS_MAX = 16_384;
const TIMEOUT_MS_DEFAULT = 30_000;

/** What is known of one agent's requests, by what they ask for. */
interface Asking {
  readonly denied: Set<string>;
  readonly deciding: Map<string, Promise<ElevationOutcome>>;
  readonly deferred: Map<string, Elevation>;
  asked: number;
}

/** Written out with its sets in order, so that the same scope is the same text. */
function canonical(value: unknown): unknown {
  if (value instanceof Set) {
    return [...value].map((item) => JSON.stringify(item)).sort();
  }
  if (typeof value === 'object' && value !== null) {
    const fields = Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1));
    return fields.map(([name, field]) => [name, canonical(field)]);
  }
  return value;
}

/** The same for the same kind and scope, whatever the expiry; null: it is too much to ask for. */
function keyOf({ kind, scope }: GrantSpec): string | null {
  const text = JSON.stringify([kind, canonical(scope)]);
  return text.length > SCOPE_CHARACTERS_MAX
    ? null
    : createHash('sha256').update(text).digest('base64');
}

const isAnswer = (value: unknown): value is ElevationAnswer =>
  value === 'permit' || value === 'defer' || value === 'deny';

const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);

/** The requests of all agents. */
export class Elevations {
  readonly #options: ElevationOptions;
  readonly #agents = new Map<number, Asking>();
  readonly #deferred = new Map<number, { readonly elevation: Elevation; readonly key: string }>();
  #lastId = 0;
  #pending = 0;

  constructor(options: ElevationOptions) {
    this.#options = options;
  }

  /**
   * Asks for a grant of a live agent. What was denied to it before is denied without asking, what is
   * deferred or being decided is not asked again, and what is permitted is granted before it is told.
   * A directory is always denied: they are mounted at the spawn only.
   */
  async request(
    pid: number,
    agentId: string,
    spec: GrantSpec,
    reason: string,
  ): Promise<ElevationOutcome> {
    const { decide } = this.#options;
    const key = spec.kind === 'files' ? null : keyOf(spec);
    if (decide === undefined || key === null) {
      return 'denied';
    }
    const asking = this.#askingOf(pid);
    if (asking.denied.has(key)) {
      return 'denied';
    }
    if (asking.deferred.has(key)) {
      return 'deferred';
    }
    const underWay = asking.deciding.get(key);
    if (underWay !== undefined) {
      return underWay;
    }
    if (
      asking.asked >= ASKED_PER_AGENT_MAX ||
      asking.deciding.size + asking.deferred.size >= PENDING_PER_AGENT_MAX ||
      this.#pending >= PENDING_MAX
    ) {
      return 'denied';
    }
    this.#lastId += 1;
    asking.asked += 1;
    const request: ElevationRequest = Object.freeze({
      id: this.#lastId,
      pid,
      agentId,
      spec,
      reason: reason.slice(0, REASON_CHARACTERS_MAX).toWellFormed(),
    });
    this.#pending += 1;
    const deciding = this.#settle(request, key, asking);
    asking.deciding.set(key, deciding);
    return deciding;
  }

  /** Has a request decided, and does what was decided. */
  async #settle(request: ElevationRequest, key: string, asking: Asking): Promise<ElevationOutcome> {
    const answer = await this.#decided(request);
    asking.deciding.delete(key);
    this.#pending -= 1;
    if (this.#agents.get(request.pid) !== asking) {
      // It has ended meanwhile: nobody is there to be granted anything.
      return 'denied';
    }
    if (answer === 'defer') {
      this.#pending += 1;
      asking.deferred.set(key, request);
      this.#deferred.set(request.id, { elevation: request, key });
      return 'deferred';
    }
    if (answer === 'permit' && this.#granted(request)) {
      return 'permitted';
    }
    asking.denied.add(key);
    return 'denied';
  }

  /** What the decider says in time; a denial where it says nothing that can be used. */
  async #decided(request: ElevationRequest): Promise<ElevationAnswer> {
    const { decide, timeoutMs = TIMEOUT_MS_DEFAULT } = this.#options;
    const { promise: late, resolve } = Promise.withResolvers<'late'>();
    // A decider that never answers does not keep a program alive that has nothing else to do.
    const timer = setTimeout(resolve, timeoutMs, 'late').unref();
    try {
      // Later than the caller's own turn, so that a decider that throws or answers at once is no other.
      const answer = await Promise.race([Promise.resolve(request).then(decide), late]);
      if (isAnswer(answer)) {
        return answer;
      }
      this.#deny(
        request,
        answer === 'late'
          ? `nobody has decided it within ${timeoutMs} ms`
          : "the decision is none: answer 'permit', 'defer' or 'deny'",
      );
    } catch (error) {
      this.#deny(request, `deciding it failed: ${messageOf(error)}`);
    } finally {
      clearTimeout(timer);
    }
    return 'deny';
  }

  #granted(request: ElevationRequest): boolean {
    try {
      this.#options.grant(request.pid, request.spec);
      return true;
    } catch (error) {
      this.#deny(request, `it could not be granted: ${messageOf(error)}`);
      return false;
    }
  }

  #deny({ pid, spec, id }: ElevationRequest, why: string): void {
    this.#options.warn(`the request ${id} of pid ${pid} for ${spec.kind} was denied: ${why}`);
  }

  /** Requests that were deferred, the oldest first. */
  list(): Elevation[] {
    return [...this.#deferred.values()].map(({ elevation }) => elevation);
  }

  /**
   * Answers a deferred request.
   *
   * @throws {RingfenceError} `RF_USAGE` for one that doesn't wait for an answer, and what granting it
   * throws; it waits no longer then.
   */
  answer(id: number, answer: 'permit' | 'deny'): void {
    const found = this.#deferred.get(id);
    if (found === undefined) {
      throw new RingfenceError(
        'RF_USAGE',
        `Cannot answer the request ${String(id)} as none of this id waits: it was answered, or its agent has ended.`,
        { id: typeof id === 'number' ? id : null },
      );
    }
    if (answer !== 'permit' && answer !== 'deny') {
      throw new RingfenceError(
        'RF_USAGE',
        `Cannot answer the request ${id} with this answer: write 'permit' or 'deny'.`,
        { id },
      );
    }
    const { elevation, key } = found;
    const asking = this.#agents.get(elevation.pid);
    this.#deferred.delete(id);
    asking?.deferred.delete(key);
    this.#pending -= 1;
    this.#options.answered?.(elevation, answer);
    if (answer === 'permit') {
      this.#options.grant(elevation.pid, elevation.spec);
    } else {
      asking?.denied.add(key);
    }
  }

  /** Forgets an agent that has ended. What is being decided for it grants nothing. */
  exited(pid: number): void {
    const asking = this.#agents.get(pid);
    this.#agents.delete(pid);
    for (const { id } of asking?.deferred.values() ?? []) {
      this.#deferred.delete(id);
      this.#pending -= 1;
    }
  }

  #askingOf(pid: number): Asking {
    const known = this.#agents.get(pid);
    if (known !== undefined) {
      return known;
    }
    const asking = {
      denied: new Set<string>(),
      deciding: new Map(),
      deferred: new Map(),
      asked: 0,
    };
    this.#agents.set(pid, asking);
    return asking;
  }
}
