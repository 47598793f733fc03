/** Memory of a process and of all that it started: what each has for itself, and its part of what is shared. */

import { readdirSync, readFileSync } from 'node:fs';

/** Bytes; null where the kernel does not tell (Linux does). */
export function proportionalBytes(pid: number): number | null {
  if (process.platform !== 'linux') return null;
  return [pid, ...descendantsOf(pid)].reduce((sum, each) => sum + proportionOf(each), 0);
}

/** One that has ended meanwhile has none. */
function proportionOf(pid: number): number {
  try {
    const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
    return Number(/^Pss:\s+(\d+) kB$/m.exec(text)?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}

function descendantsOf(pid: number): number[] {
  const children = new Map<number, number[]>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const parent = parentOf(Number(name));
    if (parent !== null) children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
  }
  const found: number[] = [];
  for (let open = [pid]; open.length > 0; ) {
    open = open.flatMap((each) => children.get(each) ?? []);
    found.push(...open);
  }
  return found;
}

function parentOf(pid: number): number | null {
  try {
    // The program's name, in parentheses, may hold anything.
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return Number(text.slice(text.lastIndexOf(')') + 2).split(' ')[1]);
  } catch {
    return null;
  }
}
