/** What agents hold: issued at their spawn and while they run, taken back, and as their workers are told it. */

import type { BackendStart } from '../backend/backend.ts';
import type { Grant, GrantId, GrantSpec } from '../capability/grant.ts';
import type { HeldGrant } from '../capability/held.ts';
import { GrantRegistry } from '../capability/registry.ts';
import { RingfenceError } from '../errors.ts';
import type { Pid } from '../process/state.ts';
import type { Process } from './process.ts';

/** The agents that hold grants. */
export interface Holders {
  /** One that has not exited. */
  findLive(pid: Pid): Process | undefined;
  /** @throws {RingfenceError} `RF_PROCESS_NOT_FOUND` for one that was never there, or long ago */
  get(pid: Pid): unknown;
}

/** A grant as the agent's worker holds it. */
function held(process: Process, grant: Grant): HeldGrant {
  return {
    id: grant.id,
    kind: grant.kind,
    index: process.grantIndexes.get(grant.id) ?? 0,
    scope: grant.scope,
    expiresAtMs: grant.expiresAtMs ?? Number.POSITIVE_INFINITY,
  };
}

/** The grants of all agents of a kernel. */
export class AgentGrants {
  readonly #registry = new GrantRegistry();
  readonly #holders: Holders;
  readonly #onRevoked: (revoked: readonly Grant[]) => void;

  /** `onRevoked` is told what was revoked: what goes on under it is to be given up. Must not throw. */
  constructor(holders: Holders, onRevoked: (revoked: readonly Grant[]) => void) {
    this.#holders = holders;
    this.#onRevoked = onRevoked;
  }

  /** Gives an agent what it has from its spawn on, of its parent's where it has one. */
  issue(pid: Pid, specs: readonly GrantSpec[], parent: Pid | null): readonly Grant[] {
    return this.#registry.issue(pid, specs, parent);
  }

  /** Each has a bit of its agent's control block, which says that it was revoked. */
  index(process: Process, grants: readonly Grant[]): void {
    for (const { id } of grants) {
      process.grantIndexes.set(id, process.grantIndexes.size);
    }
  }

  /** An agent has ended, or was never spawned: it holds nothing. */
  exited(pid: Pid): void {
    this.#registry.exited(pid);
  }

  /** What a live agent holds that is in force. */
  of(pid: Pid): Grant[] {
    return this.#registry.of(pid).filter(({ id }) => this.#registry.isInForce(id));
  }

  /** What its worker is started with. */
  ofStart(process: Process): Pick<BackendStart, 'grants' | 'mounts'> {
    const grants = this.#registry.of(process.pid);
    const mounts = grants.flatMap((grant) => {
      const index = process.grantIndexes.get(grant.id);
      if (grant.kind !== 'files' || index === undefined) {
        return [];
      }
      const root = process.request.roots.get(grant.scope.guest)?.fd ?? null;
      return [{ index, root }];
    });
    return { grants: grants.map((grant) => held(process, grant)), mounts };
  }

  /**
   * Gives a running agent more.
   *
   * @throws {RingfenceError} `RF_PROCESS_NOT_FOUND`, `RF_CLOSED`, `RF_LIMIT_EXCEEDED`, `RF_USAGE`
   */
  grant(pid: Pid, specs: readonly GrantSpec[]): Grant[] {
    const process = this.#holders.findLive(pid);
    if (process === undefined) {
      this.#holders.get(pid);
      throw new RingfenceError('RF_CLOSED', `Cannot grant anything to pid ${pid}: it has ended.`, {
        pid,
      });
    }
    if (specs.some(({ kind }) => kind === 'files')) {
      throw new RingfenceError(
        'RF_USAGE',
        `Cannot mount a directory for pid ${pid} while it runs: mount it when you spawn the agent.`,
        { pid },
      );
    }
    const grants = this.#registry.issue(pid, specs, null);
    this.index(process, grants);
    for (const grant of grants) {
      process.running?.granted(held(process, grant));
    }
    return grants;
  }

  /**
   * Takes a grant back, and all that was derived from it. Once this has returned no check sees it as
   * in force; the promise resolves when calls that waited under it were told, too.
   *
   * @throws {RingfenceError} `RF_USAGE` for a grant that was never given.
   */
  revoke(id: GrantId): Promise<Grant[]> {
    const revoked = this.#registry.revoke(id);
    const told: Promise<void>[] = [];
    for (const owner of new Set(revoked.map((grant) => grant.owner))) {
      const process = this.#holders.findLive(owner);
      for (const grant of revoked) {
        const index = process?.grantIndexes.get(grant.id);
        if (grant.owner === owner && index !== undefined) {
          process?.block?.revokeGrant(index);
        }
      }
      if (process?.running != null) {
        told.push(process.running.revoked());
      }
    }
    this.#onRevoked(revoked);
    return Promise.all(told).then(() => revoked);
  }
}
