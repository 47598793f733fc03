/**
 * Builds the guest examples into `guest-examples/build/`: `node scripts/build-guests.ts [NAME…]`.
 */

import { fileURLToPath } from 'node:url';
import { RingfenceError } from '../src/errors.ts';
import { type BuildReport, buildGuests as build } from '../src/kit/build/build-guests.ts';

const ROOT = fileURLToPath(new URL('../guest-examples', import.meta.url));
const BUILD_FOLDER = fileURLToPath(new URL('../guest-examples/build', import.meta.url));

/**
 * Builds the guest examples, all of them or those named by `only`; what hasn't changed is skipped.
 *
 * @throws RingfenceError with one sentence for each guest that can't be built.
 */
export async function buildGuests(
  options: { only?: readonly string[] } = {},
): Promise<BuildReport> {
  const terminal = process.stdout.isTTY === true;
  return await build({
    root: ROOT,
    buildFolder: BUILD_FOLDER,
    ...(options.only === undefined ? {} : { only: options.only }),
    onBuilt: ({ name, done, total }) => {
      if (!terminal) return;
      process.stdout.write(`\r\x1b[Kbuilding guests: ${done}/${total} ${name}`);
      if (done === total) process.stdout.write('\r\x1b[K');
    },
  });
}

if (import.meta.main) {
  const names = process.argv.slice(2);
  try {
    const report = await buildGuests(names.length > 0 ? { only: names } : {});
    console.log(`${report.built.length} built, ${report.files.size - report.built.length} fresh`);
  } catch (error) {
    if (!(error instanceof RingfenceError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 1;
  }
}
