/**
 * What `npm start` does: builds the guest `word-count` from its source, runs it inside its fence on a
 * text of this repository, and prints its output and its report.
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { RingfenceError } from '../src/errors.ts';
import { buildGuests } from './build-guests.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const LAUNCHER = fileURLToPath(new URL('../bin/ringfence.cjs', import.meta.url));
const TEXT = fileURLToPath(new URL('../LICENSE', import.meta.url));
const GUEST = 'word-count';

/** Runs the real command line with a file as its input, and answers its exit status. */
async function run(modulePath: string): Promise<number> {
  const args = ['run', '--report', '-', relative(ROOT, modulePath)];
  console.log(`> npx ringfence ${args.join(' ')} < ${relative(ROOT, TEXT)}`);
  const input = openSync(TEXT, 'r');
  try {
    const child = spawn(process.execPath, [LAUNCHER, ...args], {
      cwd: ROOT,
      stdio: [input, 'inherit', 'inherit'],
    });
    const [status] = await once(child, 'exit');
    return status ?? 1;
  } finally {
    closeSync(input);
  }
}

try {
  console.log(`> building ${GUEST} from guest-examples/${GUEST}`);
  const { files } = await buildGuests({ only: [GUEST] });
  process.exitCode = await run(files.get(GUEST)!);
} catch (error) {
  if (!(error instanceof RingfenceError)) {
    throw error;
  }
  console.error(error.message);
  process.exitCode = 1;
}
