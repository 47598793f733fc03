/** Builds a project in a process of its own: a compiler that has failed may be unable to build again. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import * as z from 'zod';

const LAUNCHER = fileURLToPath(new URL('../../bin/ringfence.cjs', import.meta.url));

/** Bytes of a build's words that are kept. */
const OUTPUT_BYTES_MAX = 1024 * 1024;

const toldSchema = z.object({ file: z.string(), sha256: z.string() });

/** How a build came out. */
export type BuildOutcome =
  | { readonly kind: 'built'; readonly file: string; readonly sha256: string }
  /** What it has said of the source. */
  | { readonly kind: 'failed'; readonly said: string; readonly status: number }
  | { readonly kind: 'aborted' };

/** Builds the project of a folder; aborted, its process is ended at once. Never rejects. */
export async function buildInProcess(folder: string, signal: AbortSignal): Promise<BuildOutcome> {
  if (signal.aborted) return { kind: 'aborted' };
  const child = spawn(process.execPath, [LAUNCHER, 'build', '--json', '.'], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
    // Ctrl-C is told to the whole group of a terminal: its end is for whoever has started it.
    detached: true,
  });
  const end = (): void => void child.kill('SIGKILL');
  signal.addEventListener('abort', end, { once: true });
  const [stdout, stderr] = [collect(child.stdout), collect(child.stderr)];
  try {
    const [status] = (await once(child, 'close')) as [number | null];
    if (signal.aborted) return { kind: 'aborted' };
    if (status !== 0) return { kind: 'failed', said: stderr(), status: status ?? 1 };
    return { kind: 'built', ...toldSchema.parse(JSON.parse(stdout())) };
  } catch (error) {
    return { kind: 'failed', said: `ringfence: the build can't be started: ${error}\n`, status: 1 };
  } finally {
    signal.removeEventListener('abort', end);
  }
}

/** What comes out of a stream, up to a bound. */
function collect(stream: NodeJS.ReadableStream): () => string {
  const chunks: Buffer[] = [];
  let bytes = 0;
  stream.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes <= OUTPUT_BYTES_MAX) chunks.push(chunk);
  });
  return () => Buffer.concat(chunks).toString();
}
