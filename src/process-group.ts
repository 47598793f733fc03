/** Programs that are started for agents: each leads a process group, which is ended as a whole. */

import type { ChildProcess } from 'node:child_process';

/** Signals a process that leads a group, and all that are still in that. */
export function signalGroup({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  if (pid === undefined) {
    return;
  }
  try {
    process.kill(-pid, signal);
  } catch {
    // Nobody is left in it.
  }
}

const running = new Set<ChildProcess>();

function endAll(): void {
  for (const child of running) {
    signalGroup(child, 'SIGKILL');
  }
}

/**
 * Has a process and its group end with this program, also where that exits without ending them. Answers
 * what to call once the process has ended.
 */
export function endsWithProgram(child: ChildProcess): () => void {
  if (running.size === 0) {
    process.on('exit', endAll);
  }
  running.add(child);
  return () => {
    if (running.delete(child) && running.size === 0) {
      process.off('exit', endAll);
    }
  };
}
