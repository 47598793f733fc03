/** What the audit chain holds of agents: that they begin, what they are denied, how they end; and their receipts. */

import { AgentDrafts, type DraftedAgent } from '../audit/agent-drafts.ts';
import { canonical } from '../audit/canonical.ts';
import type { Draft } from '../audit/event.ts';
import type { AuditLog } from '../audit/log.ts';
import type { Envelope, Receipt } from '../audit/receipt.ts';
import type { AuditEvent } from '../audit/vocabulary.ts';
import { RingfenceError } from '../errors.ts';
import type { Pid, ProcessState } from '../process/state.ts';
import type { Process } from '../supervisor/process.ts';
import { type Denial, type Exit, reportLimits } from '../supervisor/report.ts';
import { TurnoverMap } from '../turnover-map.ts';
import { FUEL_TABLE_VERSION } from '../wasm/metering/costs.ts';
import { reachesOutside } from './audit-outside.ts';
import { SpawnTexts, usageText } from './audit-texts.ts';
import { ExitedRuns } from './exited-runs.ts';

/** Requests for more of one agent that are recorded one by one. */
const ELEVATIONS_MAX = 256;

const FUEL_TABLE = String(FUEL_TABLE_VERSION);

const NOBODY_DENIED: readonly Denial[] = [];

/** What is kept of an agent while it runs. */
interface Run {
  readonly agentId: string;
  /** Its module's digest; null: it is a function. */
  readonly module: string | null;
  /** Resolves when its spawn is on disk, where it must not begin before; null: it may. */
  readonly recorded: Promise<void> | null;
  /** None of its events is before this one. */
  readonly first: number;
  /** As canonical JSON. */
  readonly grants: string;
  /** How often it has asked for more. */
  elevations: number;
  /** What it was denied, as far as that is recorded, and when that was. */
  told: Map<string, number> | null;
  toldMs: number | null;
}

/** SHA-256 of what a run was given and what it gave, by names of the program's. */
export interface RunHashes {
  readonly inputs?: Readonly<Record<string, string>>;
  readonly outputs?: Readonly<Record<string, string>>;
}

/** What an event says itself. */
type Said = {
  [Kind in AuditEvent['kind']]: Pick<AuditEvent<Kind>, 'kind' | 'payload'>;
}[AuditEvent['kind']];

/** Where the events go. */
export interface AgentNotes {
  readonly log: AuditLog;
  /** Records what has happened; never throws. */
  readonly note: (event: AuditEvent) => void;
  /** The same of an event that `write` writes when it is called. */
  readonly noteDraft: (write: () => Draft, isExit: boolean) => void;
}

const agentOf = ({ pid, agentId, request }: Process): DraftedAgent => ({
  pid,
  agentId,
  module: request.module?.digest ?? null,
});

/** Writes what becomes of agents into the audit log. */
export class AgentAudit {
  readonly #notes: AgentNotes;
  readonly #drafts = new AgentDrafts();
  readonly #texts = new SpawnTexts();
  readonly #runs = new TurnoverMap<Pid, Run>();
  readonly #exited = new ExitedRuns();

  constructor(notes: AgentNotes) {
    this.#notes = notes;
  }

  /** Who an agent is, or was; null: nobody who is remembered has the pid. */
  find(pid: Pid): Pick<DraftedAgent, 'agentId' | 'module'> | null {
    return this.#runs.get(pid) ?? this.#exited.find(pid);
  }

  /** Resolves when it is on disk that an agent begins; null: nobody waits. */
  started(pid: Pid): Promise<void> | null {
    return this.#runs.get(pid)?.recorded ?? null;
  }

  /** An agent was spawned (`from` is null), or has changed its state. */
  changed(process: Process, from: ProcessState | null): void {
    if (from === null) {
      this.#spawned(process);
      return;
    }
    const { state } = process;
    if (state !== 'exited') {
      // That it runs is what its spawn leads to; everything else is told.
      if (state === 'suspended' || from === 'suspended') {
        const kind = state === 'suspended' ? 'agent.suspend' : 'agent.resume';
        this.#about(process, { kind, payload: {} });
      } else if (state !== 'running') {
        this.#about(process, { kind: 'process.state', payload: { from, to: state } });
      }
    }
  }

  #spawned(process: Process): void {
    const { pid, request, parentPid, restartedFrom, owner } = process;
    const grants = this.#texts.grants(request.grants);
    const agent = agentOf(process);
    const said = {
      grants,
      isolation: request.isolation,
      limits: this.#texts.limits(request.limits),
      owner,
      parentPid,
      restartedFrom,
    };
    const write = (): Draft => this.#drafts.spawn(agent, said, Date.now());
    const { log, noteDraft } = this.#notes;
    let recorded: Promise<void> | null = null;
    if (reachesOutside(process)) {
      recorded = onDisk(log, write);
    } else {
      noteDraft(write, false);
    }
    this.#runs.set(pid, {
      agentId: agent.agentId,
      module: agent.module,
      recorded,
      first: log.last + 1,
      grants,
      elevations: 0,
      told: null,
      toldMs: null,
    });
    if (restartedFrom !== null) {
      this.#about(process, {
        kind: 'agent.restart',
        payload: {
          new_pid: pid,
          old_pid: restartedFrom,
          restarts: request.lineage.restarts,
          strategy: 'supervised',
        },
      });
    }
  }

  /** An agent asks for more; false: from the 257th time on it is only counted, as it may ask without end. */
  asks(pid: Pid): boolean {
    const run = this.#runs.get(pid);
    if (run === undefined) {
      return true;
    }
    run.elevations += 1;
    return run.elevations <= ELEVATIONS_MAX;
  }

  /** What an agent was denied since that was told last: one event a kind of call, with their number. */
  tellDenials(process: Process, denied: Iterable<Denial> = process.denials.values()): void {
    const run = this.#runs.get(process.pid);
    const firstMs = run?.toldMs ?? Math.floor(process.spawnedAtMs);
    const told = run?.told ?? new Map<string, number>();
    for (const { capability, operation, count } of denied) {
      const name = `${capability} ${operation}`;
      const more = count - (told.get(name) ?? 0);
      if (more > 0) {
        told.set(name, count);
        this.#about(process, {
          kind: 'capability.deny',
          payload: { capability, count: more, first_ms: firstMs, operation },
        });
      }
    }
    if (run !== undefined) {
      run.told = told;
      run.toldMs = Date.now();
    }
  }

  /** Tells what an agent that ends was denied and was not told of; answers all that it was denied. */
  #lastDenials(process: Process, run: Run | undefined): readonly Denial[] {
    const denied = process.denials.size === 0 ? NOBODY_DENIED : [...process.denials.values()];
    const unrecorded = (run?.elevations ?? 0) - ELEVATIONS_MAX;
    if (unrecorded > 0) {
      const asked = { capability: 'elevation', operation: 'capabilities.request' };
      this.tellDenials(process, [...denied, { ...asked, count: unrecorded }]);
    } else if (denied.length > 0) {
      this.tellDenials(process, denied);
    }
    return denied;
  }

  /** An agent has ended; `counts` tells what it was counted to do. */
  exited(process: Process, exit: Exit, counts: () => void): void {
    const { pid, request, usage } = process;
    const run = this.#runs.get(pid);
    const denied = this.#lastDenials(process, run);
    counts();
    const said = {
      code: exit.code,
      denials: denied.reduce((sum, { count }) => sum + count, 0),
      fuelTable: FUEL_TABLE,
      message: exit.message,
      reason: exit.reason,
    };
    const agent = agentOf(process);
    this.#notes.noteDraft(() => this.#drafts.exit(agent, said, usageText(usage), Date.now()), true);
    if (run !== undefined) {
      const { deterministic, limits } = request;
      const { first, grants } = run;
      this.#runs.delete(pid);
      this.#exited.add({ ...agent, deterministic, first, grants, exit, usage, limits, denied });
    }
  }

  /**
   * A signed receipt of an agent that has exited.
   *
   * @throws {RingfenceError} `RF_PROCESS_NOT_FOUND` for one that runs, or is not among the last 10,000;
   * `RF_AUDIT_KEY` where the chain has no key, `RF_AUDIT`
   */
  async receipt(pid: Pid, hashes: RunHashes): Promise<Envelope> {
    const run = this.#exited.find(pid);
    if (run === null) {
      throw new RingfenceError(
        'RF_PROCESS_NOT_FOUND',
        `Cannot give a receipt of pid ${pid}: it has not exited, or too long ago; ask when its report is there.`,
        { pid },
      );
    }
    const { agentId, denied, deterministic, exit, first, grants, limits, module, usage } = run;
    const said = {
      agent_id: agentId.toWellFormed(),
      denied,
      deterministic,
      exit: { ...exit, message: exit.message?.toWellFormed() ?? null },
      fuel_table: FUEL_TABLE,
      grants: JSON.parse(grants) as Receipt['grants'],
      inputs: hashes.inputs ?? {},
      limits: { ...reportLimits(limits) },
      module_sha256: module,
      outputs: hashes.outputs ?? {},
      pid,
      usage: { ...usage },
    };
    // What JSON does not have is found before anything is signed.
    canonical(said);
    return await this.#notes.log.issueReceipt(said, first);
  }

  #about(process: Process, event: Said): void {
    this.#notes.note({ ...event, ...agentOf(process) } as AuditEvent);
  }
}

/** Resolves when an event is on disk. Nobody need look at it. */
function onDisk(log: AuditLog, write: () => Draft): Promise<void> {
  const recorded = (async () => {
    await log.recordedDraft(write());
  })();
  recorded.catch(() => {});
  return recorded;
}
