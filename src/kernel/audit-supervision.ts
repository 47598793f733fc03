/** What supervisors decide, as the audit chain holds it. */

import type { AuditEvent } from '../audit/vocabulary.ts';
import type { Pid } from '../process/state.ts';
import { DEFAULT_INTENSITY } from '../supervisor/intensity.ts';
import type { TreeSpecification } from '../supervisor/specification.ts';
import type { Supervised } from '../supervisor/tree.ts';

/** Records what the supervisors of a kernel do; each has a number of its own. */
export class SupervisionAudit {
  readonly #note: (event: AuditEvent) => void;
  #last = 0;

  constructor(note: (event: AuditEvent) => void) {
    this.#note = note;
  }

  /** A supervisor starts; what it decides is told to the function. */
  follow({ rules, children }: TreeSpecification): (decided: Supervised) => void {
    this.#last += 1;
    const supervisor = this.#last;
    const { strategy, intensity, periodMs } = rules;
    this.#note({
      kind: 'supervisor.start',
      payload: {
        children: children.length,
        intensity,
        period_ms: Math.round(periodMs),
        strategy,
        supervisor,
      },
    });
    return (decided) => {
      if (decided.type === 'ended') {
        const { reason, childId } = decided.end;
        this.#note({
          kind: 'supervisor.stop',
          payload: { child: childId, reason, supervisor },
        });
      } else {
        this.#decided(decided, { supervisor, intensity, periodMs });
      }
    };
  }

  /** It was decided whether a child of an agent is started again: the agent has no supervisor's number. */
  ofChild(pid: Pid, decided: Supervised): void {
    if (decided.type !== 'ended') {
      this.#decided(decided, { pid, supervisor: null, ...DEFAULT_INTENSITY });
    }
  }

  #decided(
    decided: Exclude<Supervised, { readonly type: 'ended' }>,
    by: {
      readonly supervisor: number | null;
      readonly pid?: Pid;
      readonly intensity: number;
      readonly periodMs: number;
    },
  ): void {
    const { supervisor, pid = 0, intensity, periodMs } = by;
    const child = decided.childId;
    if (decided.type === 'gave_up') {
      const payload = { child, intensity, period_ms: Math.round(periodMs), supervisor };
      this.#note({ kind: 'supervisor.give_up', pid, payload });
    } else {
      const payload = { child, restarts: decided.restarts, supervisor, wait_ms: decided.waitMs };
      this.#note({ kind: 'supervisor.restart', pid, payload });
    }
  }
}
