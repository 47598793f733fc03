/** The operator's functions: what one of them throws must not end the program, nor reach an agent. */

import type { LogLine, ResourceWarning } from '../supervisor/options.ts';
import type { KernelOptions } from './spawn-options.ts';

/** What the operator is told, by functions that never throw. */
export interface Operator {
  warn(text: string): void;
  log(line: LogLine): void;
  logFailed(error: unknown): void;
  nearLimit(warning: ResourceWarning): void;
  toolFailed(tool: string, error: unknown): void;
  telemetryFailed(error: unknown): void;
}

const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);

/** The functions that a kernel was opened with. */
export function operatorOf(options: KernelOptions): Operator {
  const { onWarning, onLog, onResourceWarning } = options;
  const warn = (text: string): void => {
    try {
      onWarning?.(text);
    } catch (error) {
      process.emitWarning(`onWarning failed: ${messageOf(error)} (it was told: ${text})`);
    }
  };
  const logFailed = (error: unknown): void => warn(`onLog failed: ${messageOf(error)}`);
  return {
    warn,
    log: (line) => {
      try {
        onLog?.(line);
      } catch (error) {
        logFailed(error);
      }
    },
    logFailed,
    nearLimit: (warning) => {
      try {
        onResourceWarning?.(warning);
      } catch (error) {
        warn(`onResourceWarning failed: ${messageOf(error)}`);
      }
    },
    telemetryFailed: (error) => warn(`telemetry failed: ${messageOf(error)}`),
    toolFailed: (tool, error) => warn(`the tool '${tool}' failed: ${messageOf(error)}`),
  };
}
