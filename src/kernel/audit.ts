/** What of a kernel stands in the audit chain, and what does not happen while it can't be written. */

import { CanonicalJson } from '../audit/canonical.ts';
import type { Draft } from '../audit/event.ts';
import { AuditLog } from '../audit/log.ts';
import { openAudit } from '../audit/open.ts';
import type { Envelope } from '../audit/receipt.ts';
import type { AuditEvent } from '../audit/vocabulary.ts';
import type { LostWorker } from '../backend/lost.ts';
import type { WriteAhead } from '../backend/write-ahead.ts';
import type { Elevation } from '../capability/elevation.ts';
import type { Grant, GrantSpec } from '../capability/grant.ts';
import { RingfenceError } from '../errors.ts';
import type { DeadLetterReason } from '../ipc/dead-letters.ts';
import { KERNEL_PID, type Pid, type ProcessState } from '../process/state.ts';
import type { Process } from '../supervisor/process.ts';
import type { Exit } from '../supervisor/report.ts';
import { AgentAudit, type RunHashes } from './audit-agents.ts';
import { AuditCounts, type CountEvent } from './audit-counts.ts';
import { isOutside } from './audit-outside.ts';
import { PolicyAudit } from './audit-policy.ts';
import { SupervisionAudit } from './audit-supervision.ts';
import { grantText } from './audit-texts.ts';
import { ToolAudit } from './audit-tools.ts';
import { CAPACITY_DEFAULT, type KernelOptions } from './spawn-options.ts';

/** How often it is told what running agents were denied. */
const DENIALS_MS = 10_000;

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
  readonly #isOwn: boolean;
  readonly #release: () => void;
  readonly #agents: AgentAudit;
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
    const noteDraft = (write: () => Draft, isExit: boolean): void =>
      this.#note(() => log.appendDraft(write(), isExit));
    this.#agents = new AgentAudit({ log, note, noteDraft });
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
    this.#agents.changed(process, from);
  }

  started(pid: Pid): Promise<void> | null {
    return this.#agents.started(pid);
  }

  /** Of a grant that is recorded in this turn; null: nobody has to wait for it. */
  grantOnDisk(grant: Pick<GrantSpec, 'kind'>): Promise<void> | null {
    return isOutside(grant) ? this.#flushed() : null;
  }

  async #flushed(): Promise<void> {
    await null;
    await this.log.flush();
  }

  /** From now on what agents are denied is told while they run, too: it begins with the kernel. */
  watch(agents: () => readonly Process[]): void {
    this.#timer = setInterval(() => {
      for (const process of agents()) {
        this.#agents.tellDenials(process);
      }
      this.#tellCounts(this.#counts.takeAll());
    }, DENIALS_MS).unref();
  }

  /** An agent has ended: what it was denied, and how it ended. */
  exited(process: Process, exit: Exit): void {
    this.#agents.exited(process, exit, () => this.#tellCounts(this.#counts.take(process.pid)));
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

  /** An agent has asked for more. */
  elevated(
    pid: Pid,
    agentId: string,
    asked: { readonly grant: unknown; readonly reason: string },
    decision: string,
  ): void {
    if (!this.#agents.asks(pid)) {
      return;
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
      const { agentId = null, module = null } = this.#agents.find(event.pid ?? KERNEL_PID) ?? {};
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
    return await this.#agents.receipt(pid, hashes);
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

  /**
   * Records what has happened. It never throws: what has happened has happened. A log that is closed says
   * so to who must not go on without; what is no event is there as one that was lost.
   */
  note(event: AuditEvent): void {
    this.#note(() => this.log.append(event));
  }

  #note(append: () => void): void {
    try {
      append();
    } catch (error) {
      const { code, message } = error as RingfenceError;
      if (code !== 'RF_CLOSED') {
        this.log.append({ kind: 'chain.lost', payload: { events: 1, reason: message } });
      }
    }
  }
}
