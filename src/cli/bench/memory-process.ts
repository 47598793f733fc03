/** The same command again, in a process that does nothing but hold agents: its memory is all that is looked at. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Environment } from '../environment.ts';
import type { BenchInvocation } from './invocation.ts';
import type { Told, Unmeasured } from './told.ts';

/** How long the process may take beside what it measures: its start, and the end of all that it holds. */
const SPARE_MS = 60_000;
/** What is read of its answer. */
const ANSWER_BYTES_MAX = 1024 * 1024;

/** What memory was measured by it. */
export async function measureInProcess(
  { own, guestArguments, seconds }: BenchInvocation,
  { program }: Environment,
  signal: AbortSignal,
): Promise<Told['memory'] | Unmeasured> {
  const [file, ...before] = program;
  const guests = guestArguments.length === 0 ? [] : ['--', ...guestArguments];
  const child = spawn(file!, [...before, ...own, '--only=memory', '--json', ...guests], {
    stdio: ['ignore', 'pipe', 'ignore'],
    windowsHide: true,
  });
  const end = () => child.kill('SIGTERM');
  const timer = setTimeout(end, seconds * 1_000 + SPARE_MS);
  signal.addEventListener('abort', end, { once: true });
  const chunks: Buffer[] = [];
  let bytes = 0;
  child.stdout.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes <= ANSWER_BYTES_MAX) {
      chunks.push(chunk);
    }
  });
  try {
    const [status] = (await once(child, 'close')) as [number | null];
    signal.throwIfAborted();
    return status === 0
      ? (JSON.parse(Buffer.concat(chunks).toString()) as Told).memory
      : { unmeasured: `the process that holds its agents ended with status ${status}` };
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', end);
  }
}
