/** What of a kernel stands in the audit chain, and what does not happen while it can't be written. */

import { CanonicalJson, canonical } from '../audit/canonical.ts';
import { AuditLog } from '../audit/log.ts';
import { openAudit } from '../audit/open.ts';
import type { Envelope, Receipt } from '../audit/receipt.ts';
import type { AuditEvent } from '../audit/vocabulary.ts';
import type { LostWorker } from '../backend/lost.ts';
import type { WriteAhead } from '../backend/write-ahead.ts';
import type { Elevation } from '../capability/elevation.ts';
import type { Grant, GrantSpec } from '../capability/grant.ts';
import { RingfenceError } from '../errors.ts';
import type { DeadLetterReason } from '../ipc/dead-letters.ts';
import { KERNEL_PID, type Pid, type ProcessState } from '../process/state.ts';
import type { Process } from '../supervisor/process.ts';
import type { Denial, Report } from '../supervisor/report.ts';
import { TurnoverMap } from '../turnover-map.ts';
import { FUEL_TABLE_VERSION } from '../wasm/metering/costs.ts';
import { AuditCounts, type CountEvent } from './audit-counts.ts';
import { PolicyAudit } from './audit-policy.ts';
import { SupervisionAudit } from './audit-supervision.ts';
import { grantText, SpawnTexts, usageText } from './audit-texts.ts';
import { ToolAudit } from './audit-tools.ts';
import { CAPACITY_DEFAULT, type KernelOptions } from './spawn-options.ts';

/** Agents that have exited and of which receipts can still be given. */
const RECEIPTS_MAX = 10_000;

/** How often it is told what running agents were denied. */
const DENIALS_MS = 10_000;

/** Requests for more of one agent that are recorded one by one. */
const ELEVATIONS_MAX = 256;

/** What is kept of an agent for its receipt. */
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
  report: Report | null;
  /** How often it has asked for more. */
  elevations: number;
  /** What it was denied, as far as that is recorded, and when that was. */
  told: Map<string, number> | null;
  toldMs: number | null;
}

/** What an event says itself. */
type Said = {
  [Kind in AuditEvent['kind']]: Pick<AuditEvent<Kind>, 'kind' | 'payload'>;
}[AuditEvent['kind']];

/**
 * What such an agent does outside of the kernel, in directories and on the network, is not recorded call by
 * call: that it was let do it must be on disk before it begins.
 */
const reachesOutside = ({ request }: Process): boolean =>
  request.module !== null && (request.roots.size > 0 || request.grants.some(isOutside));

const isOutside = ({ kind }: Pick<GrantSpec, 'kind'>): boolean => kind === 'network';

/** SHA-256 of what a run was given and what it gave, by names of the program's. */
export interface RunHashes {
  readonly inputs?: Readonly<Record<string, string>>;
  readonly outputs?: Readonly<Record<string, string>>;
}

/**
 * The audit of a kernel that is being opened; null: it has none.
 *
 * @throws {RingfenceError} as `openAudit`
 */
export async function openKernelAudit(options: KernelOptions): Promise<KernelAudit | null> {
  const { audit, onWarning } = options;
  if (audit === undefined) {
    return null;
  }
  return audit instanceof AuditLog
    ? new KernelAudit(audit, false)
    : new KernelAudit(await openAudit({ ...(onWarning && { onWarning }), ...audit }), true);
}

/** Writes what happens in a kernel into the audit log. */
export class KernelAudit implements WriteAhead {
  readonly log: AuditLog;
  readonly tools: ToolAudit;
  readonly supervision: SupervisionAudit;
  readonly policies: PolicyAudit;
  readonly #counts = new AuditCounts(Date.now);
  readonly #texts = new SpawnTexts();
  readonly #isOwn: boolean;
  readonly #release: () => void;
  readonly #runs = new TurnoverMap<Pid, Run>();
  /** The last agents that have exited, in a ring. */
  readonly #exited: Pid[] = [];
  #exits = 0;
  #timer: NodeJS.Timeout | null = null;

  /**
   * `isOwn`: it ends with the kernel.
   *
   * @throws {RingfenceError} `RF_USAGE` for a log that another kernel writes into
   */
  constructor(log: AuditLog, isOwn: boolean) {
    this.#release = log.claim();
    this.log = log;
    this.#isOwn = isOwn;
    const note = (event: AuditEvent): void => this.note(event);
    this.tools = new ToolAudit({ log, counts: this.#counts, note });
    this.supervision = new SupervisionAudit(note);
    this.policies = new PolicyAudit(note);
  }

  /** `catalogue`: the tools of ringfence's own that it offers. */
  opened(
    { capacity = CAPACITY_DEFAULT, quotas = {}, ownerQuotas = {} }: KernelOptions,
    catalogue: readonly string[],
  ): void {
    this.note({
      kind: 'kernel.open',
      payload: { capacity, catalogue, owner_quotas: ownerQuotas, quotas, software: 'ringfence' },
    });
  }

  /** @throws {RingfenceError} `RF_AUDIT`, `RF_CLOSED` while what happens can't be recorded */
  requireRecording(): void {
    if (this.log.problem !== null) {
      throw this.log.problem;
    }
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
    const { request, parentPid, restartedFrom, owner } = process;
    const grants = this.#texts.grants(request.grants);
    const { module } = request;
    const event = this.#ofAgent(process, {
      kind: 'agent.spawn',
      payload: {
        backend: module === null ? 'native' : 'wasm',
        grants: new CanonicalJson(grants),
        isolation: request.isolation,
        limits: new CanonicalJson(this.#texts.limits(request.limits)),
        owner,
        parent_pid: parentPid,
        restarted_from: restartedFrom,
      },
    });
    this.#runs.set(process.pid, {
      agentId: process.agentId,
      module: module?.digest ?? null,
      recorded: reachesOutside(process) ? this.#recorded(event) : this.#noted(event),
      first: this.log.last + 1,
      grants,
      report: null,
      elevations: 0,
      told: null,
      toldMs: null,
    });
    if (restartedFrom !== null) {
      this.#about(process, {
        kind: 'agent.restart',
        payload: {
          new_pid: process.pid,
          old_pid: restartedFrom,
          restarts: request.lineage.restarts,
          strategy: 'supervised',
        },
      });
    }
  }

  started(pid: Pid): Promise<void> | null {
    return this.#runs.get(pid)?.recorded ?? null;
  }

  /** Of a grant that is recorded in this turn; null: nobody has to wait for it. */
  grantOnDisk(grant: Pick<GrantSpec, 'kind'>): Promise<void> | null {
    return isOutside(grant) ? this.#flushed() : null;
  }

  async #flushed(): Promise<void> {
    await null;
    await this.log.flush();
  }

  /** Of more than so many that have exited, the first goes. */
  #hasExited(pid: Pid): void {
    const forgotten = this.#exited[this.#exits % RECEIPTS_MAX];
    if (forgotten !== undefined) {
      this.#runs.delete(forgotten);
    }
    this.#exited[this.#exits % RECEIPTS_MAX] = pid;
    this.#exits += 1;
  }

  /** From now on what agents are denied is told while they run, too: it begins with the kernel. */
  watch(agents: () => readonly Process[]): void {
    this.#timer = setInterval(() => {
      for (const process of agents()) {
        this.#tellDenials(process, [...process.denials.values()]);
      }
      this.#tellCounts(this.#counts.takeAll());
    }, DENIALS_MS).unref();
  }

  /** What an agent was denied since that was told last: one event a kind of call, with their number. */
  #tellDenials(process: Process, denied: readonly Denial[]): void {
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

  /** An agent has ended: what it was denied, and how it ended. */
  exited(process: Process, report: Report): void {
    const { denied, exit, usage } = report;
    const run = this.#runs.get(process.pid);
    const unrecorded = (run?.elevations ?? 0) - ELEVATIONS_MAX;
    const asked =
      unrecorded > 0
        ? [{ capability: 'elevation', operation: 'capabilities.request', count: unrecorded }]
        : [];
    if (denied.length + asked.length > 0) {
      this.#tellDenials(process, [...denied, ...asked]);
    }
    this.#tellCounts(this.#counts.take(process.pid));
    this.#about(process, {
      kind: 'agent.exit',
      payload: {
        code: exit.code,
        denials: denied.reduce((sum, { count }) => sum + count, 0),
        fuel_table: String(FUEL_TABLE_VERSION),
        message: exit.message,
        reason: exit.reason,
        usage: new CanonicalJson(usageText(usage)),
      },
    });
    if (run !== undefined) {
      run.report = report;
      run.told = null;
      this.#hasExited(process.pid);
    }
  }

  revoked(grants: readonly Grant[]): void {
    for (const { owner, kind, id } of grants) {
      this.note({
        kind: 'capability.revoked',
        pid: owner,
        payload: { capability: kind, ids: [id] },
      });
    }
  }

  granted(pid: Pid, grants: readonly Grant[]): void {
    for (const grant of grants) {
      const payload = { grant: new CanonicalJson(grantText(grant)), id: grant.id };
      this.note({ kind: 'capability.grant', pid, payload });
    }
  }

  /** An agent has asked for more. From the 257th time on it is only counted: it may ask without end. */
  elevated(
    pid: Pid,
    agentId: string,
    asked: { readonly grant: unknown; readonly reason: string },
    decision: string,
  ): void {
    const run = this.#runs.get(pid);
    if (run !== undefined) {
      run.elevations += 1;
      if (run.elevations > ELEVATIONS_MAX) {
        return;
      }
    }
    const payload = { decision, grant: asked.grant, reason: asked.reason };
    this.note({ kind: 'capability.elevate', pid, agentId, payload });
  }

  /** The program has answered a request that was deferred. */
  answered({ id, pid, agentId, spec }: Elevation, decision: string): void {
    const payload = { decision, grant: new CanonicalJson(grantText(spec)), request: id };
    this.note({ kind: 'capability.answer', pid, agentId, payload });
  }

  deadLetter(sender: Pid, reason: DeadLetterReason): void {
    this.#counts.add(sender, { kind: 'ipc.dead_letter', name: reason });
  }

  messagesLost(messages: number): void {
    this.#counts.add(KERNEL_PID, { kind: 'ipc.lost', name: null }, messages);
  }

  workerLost({ agents, isolation }: LostWorker): void {
    this.note({ kind: 'worker.lost', payload: { agents, isolation } });
  }

  #tellCounts(events: readonly CountEvent[]): void {
    for (const event of events) {
      const { agentId = null, module = null } = this.#runs.get(event.pid ?? KERNEL_PID) ?? {};
      this.note({ ...event, agentId, module });
    }
  }

  loaded(digest: string, bytes: number, cached: boolean): void {
    this.note({ kind: 'module.load', module: digest, payload: { bytes, cached } });
  }

  refused(error: unknown): void {
    if (error instanceof RingfenceError) {
      this.note({ kind: 'module.refuse', payload: { code: error.code, reason: error.message } });
    }
  }

  /**
   * A signed receipt of an agent that has exited.
   *
   * @throws {RingfenceError} `RF_PROCESS_NOT_FOUND` for one that runs, or is not among the last 10,000;
   * `RF_AUDIT_KEY` where the chain has no key, `RF_AUDIT`
   */
  async receipt(pid: Pid, hashes: RunHashes): Promise<Envelope> {
    const run = this.#runs.get(pid);
    if (run?.report == null) {
      throw new RingfenceError(
        'RF_PROCESS_NOT_FOUND',
        `Cannot give a receipt of pid ${pid}: it has not exited, or too long ago; ask when its report is there.`,
        { pid },
      );
    }
    const { report, first, grants } = run;
    const { agent_id, module, denied, deterministic, exit, limits, usage } = report;
    const said = {
      agent_id: agent_id.toWellFormed(),
      denied,
      deterministic,
      exit: { ...exit, message: exit.message?.toWellFormed() ?? null },
      fuel_table: String(FUEL_TABLE_VERSION),
      grants: JSON.parse(grants) as Receipt['grants'],
      inputs: hashes.inputs ?? {},
      limits: { ...limits },
      module_sha256: module.sha256,
      outputs: hashes.outputs ?? {},
      pid,
      usage: { ...usage },
    };
    // What JSON does not have is found before anything is signed.
    canonical(said);
    return await this.log.issueReceipt(said, first);
  }

  async close(): Promise<void> {
    if (this.#timer !== null) {
      clearInterval(this.#timer);
    }
    this.#tellCounts(this.#counts.takeAll());
    this.note({ kind: 'kernel.close', payload: {} });
    await this.leave();
  }

  /** Writes nothing more: the kernel is closed, or was never opened. */
  async leave(): Promise<void> {
    this.#release();
    if (this.#isOwn) {
      await this.log.close();
    } else {
      // Why it can't be written its own operator is told by the log.
      await this.log.flush().catch(() => {});
    }
  }

  #about(process: Process, event: Said): void {
    this.note(this.#ofAgent(process, event));
  }

  #ofAgent({ pid, agentId, request }: Process, event: Said): AuditEvent {
    return { ...event, pid, agentId, module: request.module?.digest ?? null } as AuditEvent;
  }

  /** Nobody waits for it. */
  #noted(event: AuditEvent): null {
    this.note(event);
    return null;
  }

  /** Resolves when it is on disk. Nobody need look at it. */
  #recorded(event: AuditEvent): Promise<void> {
    const recorded = this.log.recorded(event).then(() => {});
    recorded.catch(() => {});
    return recorded;
  }

  /**
   * Records what has happened. It never throws: what has happened has happened. A log that is closed says
   * so to who must not go on without; what is no event is there as one that was lost.
   */
  note(event: AuditEvent): void {
    try {
      this.log.append(event);
    } catch (error) {
      const { code, message } = error as RingfenceError;
      if (code !== 'RF_CLOSED') {
        this.log.append({ kind: 'chain.lost', payload: { events: 1, reason: message } });
      }
    }
  }
}
