/** The processes that a test's own process has started, as the system sees them. */

import { readdirSync, readFileSync } from 'node:fs';

/** Their pids, those of zombies too. On Linux alone. */
export function childProcesses(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const stat = readFileSync(`/proc/${name}/stat`, 'latin1');
        const parent = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1];
        return Number(parent) === process.pid ? [Number(name)] : [];
      } catch {
        return [];
      }
    });
}
