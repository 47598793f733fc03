/**
 * The two events that come with each agent, its spawn and its exit. Of agents that are spawned alike most of what
 * these say is the same: it is kept as it was written, and only what differs is written anew. It is what `draft`
 * writes, from which it comes (a test compares the two).
 */

import { CanonicalJson } from './canonical.ts';
import { agentJson, type Draft, draft } from './event.ts';

/** Modules of which is kept what was written last. */
const MODULES_MAX = 64;

/** Who an event is about. */
export interface DraftedAgent {
  readonly pid: number;
  readonly agentId: string;
  /** SHA-256 of its module; null: it is a function. */
  readonly module: string | null;
}

/** What a spawn says. */
export interface SpawnSaid {
  /** As canonical JSON. */
  readonly grants: string;
  readonly isolation: string;
  /** As canonical JSON. */
  readonly limits: string;
  readonly owner: string | null;
  readonly parentPid: number;
  readonly restartedFrom: number | null;
}

/** What an exit says, besides what was used. */
export interface ExitSaid {
  readonly code: number | null;
  readonly denials: number;
  readonly fuelTable: string;
  readonly message: string | null;
  readonly reason: string;
}

/** What was written last for each of some modules. */
class LastWritten<Said> {
  readonly #write: (module: string | null, said: Said) => string;
  readonly #isSame: (one: Said, other: Said) => boolean;
  readonly #byModule = new Map<string | null, { readonly said: Said; readonly text: string }>();

  constructor(
    write: (module: string | null, said: Said) => string,
    isSame: (one: Said, other: Said) => boolean,
  ) {
    this.#write = write;
    this.#isSame = isSame;
  }

  text(module: string | null, said: Said): string {
    const last = this.#byModule.get(module);
    if (last !== undefined && this.#isSame(last.said, said)) {
      return last.text;
    }
    const text = this.#write(module, said);
    if (last === undefined && this.#byModule.size >= MODULES_MAX) {
      this.#byModule.clear();
    }
    this.#byModule.set(module, { said, text });
    return text;
  }
}

/** What stands for a pid, at the end of what is written without one. */
const NO_PID = '0';

function writeSpawn(module: string | null, said: SpawnSaid): string {
  const { grants, isolation, limits, owner, parentPid, restartedFrom } = said;
  const payload = {
    backend: module === null ? 'native' : 'wasm',
    grants: new CanonicalJson(grants),
    isolation,
    limits: new CanonicalJson(limits),
    owner,
    parent_pid: parentPid,
    restarted_from: restartedFrom,
  };
  const { middle } = draft({ kind: 'agent.spawn', module, payload }, 0);
  return middle.slice(0, -NO_PID.length);
}

const isSameSpawn = (one: SpawnSaid, other: SpawnSaid): boolean =>
  one.grants === other.grants &&
  one.isolation === other.isolation &&
  one.limits === other.limits &&
  one.owner === other.owner &&
  one.parentPid === other.parentPid &&
  one.restartedFrom === other.restartedFrom;

/** What stands for what was used, in what is written without it. */
const NO_USAGE = new CanonicalJson('0');

const BEHIND_USAGE = '},"pid":';

function writeExit(module: string | null, said: ExitSaid): string {
  const { code, denials, fuelTable, message, reason } = said;
  const payload = { code, denials, fuel_table: fuelTable, message, reason, usage: NO_USAGE };
  const { middle } = draft({ kind: 'agent.exit', module, payload }, 0);
  return middle.slice(0, -`${NO_USAGE.text}${BEHIND_USAGE}${NO_PID}`.length);
}

const isSameExit = (one: ExitSaid, other: ExitSaid): boolean =>
  one.code === other.code &&
  one.denials === other.denials &&
  one.fuelTable === other.fuelTable &&
  one.message === other.message &&
  one.reason === other.reason;

/** Writes what spawns and exits say. */
export class AgentDrafts {
  readonly #spawns = new LastWritten(writeSpawn, isSameSpawn);
  readonly #exits = new LastWritten(writeExit, isSameExit);

  /** @throws {RingfenceError} `RF_USAGE`, as `draft` */
  spawn({ pid, agentId, module }: DraftedAgent, said: SpawnSaid, timeMs: number): Draft {
    const middle = `${this.#spawns.text(module, said)}${pid}`;
    return { agent: agentJson(agentId), middle, source: 'supervisor', timeMs };
  }

  /**
   * `usage`: as canonical JSON, which is short.
   *
   * @throws {RingfenceError} `RF_USAGE`, as `draft`
   */
  exit(
    { pid, agentId, module }: DraftedAgent,
    said: ExitSaid,
    usage: string,
    timeMs: number,
  ): Draft {
    const middle = `${this.#exits.text(module, said)}${usage}${BEHIND_USAGE}${pid}`;
    return { agent: agentJson(agentId), middle, source: 'supervisor', timeMs };
  }
}
