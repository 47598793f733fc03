/** Finds agents that nobody can ask for anything any more: what runs them does not answer. */

import type { Process } from './process.ts';

/** Enough for answers that have arrived to be read, where this thread was busy all the while. */
const READ_FIRST_MS = 100;

/**
 * Resolves with those whose thread or process has not answered within a time, and who are still there.
 * Who is starting is passed over: a start has a time of its own.
 */
export async function silentOf(
  processes: readonly Process[],
  withinMs: number,
): Promise<Process[]> {
  const silent = new Set<Process>();
  const all = Promise.withResolvers<void>();
  for (const process of processes) {
    const { running, state } = process;
    if (running !== null && state !== 'starting') {
      silent.add(process);
      void running.answers().then(() => {
        silent.delete(process);
        if (silent.size === 0) {
          all.resolve();
        }
      });
    }
  }
  if (silent.size > 0) {
    let timer = setTimeout(() => {
      timer = setTimeout(all.resolve, READ_FIRST_MS);
    }, withinMs);
    await all.promise;
    clearTimeout(timer);
  }
  return [...silent].filter(({ state }) => state !== 'exited');
}
