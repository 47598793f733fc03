/** What of tools stands in the audit chain: a call is on disk before its handler is reached. */

import { digestOf } from '../audit/canonical.ts';
import type { AuditLog } from '../audit/log.ts';
import type { AuditEvent } from '../audit/vocabulary.ts';
import type { Pid } from '../process/state.ts';
import { failure, type ToolOutcome } from '../tools/outcome.ts';
import type { ToolDescription } from '../tools/tool.ts';
import type { AuditCounts } from './audit-counts.ts';

const NOT_RECORDED = failure(
  'unavailable',
  'the call can not be recorded at the moment: try later',
);

/** A call of a tool, as an agent has made it; `tool` null: there is none of the name. */
export interface AskedCall {
  readonly pid: Pid;
  readonly agentId: string;
  readonly tool: string | null;
  readonly argumentsJson: string;
}

/** What becomes of a call. */
export interface RecordedCall {
  /** Resolves when it is on disk that the tool is called; with why not, where that can't be. */
  begin(): Promise<ToolOutcome | null>;
  ended(outcome: ToolOutcome): void;
}

/** What it writes into. */
export interface ToolAuditOptions {
  readonly log: Pick<AuditLog, 'recorded'>;
  readonly counts: AuditCounts;
  note(event: AuditEvent): void;
}

/** Records what is done with the tools of a kernel. */
export class ToolAudit {
  readonly #options: ToolAuditOptions;

  constructor(options: ToolAuditOptions) {
    this.#options = options;
  }

  registered(description: ToolDescription): void {
    this.#options.note({
      kind: 'tool.register',
      payload: { description: digestOf(JSON.stringify(description)), tool: description.name },
    });
  }

  unregistered(tool: string): void {
    this.#options.note({ kind: 'tool.unregister', payload: { tool } });
  }

  /**
   * An agent calls a tool. A call that does not reach it is only counted, and so is reading on in a stream
   * whose beginning was recorded: an agent may do both without end.
   */
  call({ pid, agentId, tool, argumentsJson }: AskedCall): RecordedCall {
    const { log, counts, note } = this.#options;
    let isRecorded = false;
    return {
      begin: async () => {
        const payload = {
          arguments: digestOf(argumentsJson),
          bytes: Buffer.byteLength(argumentsJson),
          tool: tool ?? '',
        };
        try {
          await log.recorded({ kind: 'tool.call', pid, agentId, payload });
        } catch {
          return NOT_RECORDED;
        }
        isRecorded = true;
        return null;
      },
      ended: (outcome) => {
        const answer = outcome.tag === 'ok' ? outcome.val : null;
        if (isRecorded) {
          const payload = {
            bytes: answer === null ? 0 : Buffer.byteLength(answer),
            outcome: outcome.tag === 'ok' ? 'ok' : outcome.error,
            result: answer === null ? null : digestOf(answer),
            tool: tool ?? '',
          };
          note({ kind: 'tool.result', pid, agentId, payload });
        } else if (outcome.tag === 'ok') {
          counts.add(pid, { kind: 'tool.read', name: null, tool });
        } else {
          counts.add(pid, { kind: 'tool.refuse', name: outcome.error, tool });
        }
      },
    };
  }
}
