/** `ringfence bindings`: writes the bindings of a WIT world. */

import { relative, sep } from 'node:path';
import { RingfenceError } from '../index.ts';
import type { BindingsInvocation } from './bindings-invocation.ts';
import type { Environment } from './environment.ts';
import { STATUS } from './exit-status.ts';
import { printableLine, quoted } from './printable.ts';

/**
 * Generates the bindings, writes them, says what was written, and answers the exit status.
 *
 * @throws {RingfenceError} `RF_FILE`, `RF_WIT_INVALID`, `RF_USAGE`
 */
export async function bindings(
  { witPath, language: wanted, world, outPath, guestPath }: BindingsInvocation,
  { stdout }: Environment,
): Promise<number> {
  // Who only runs agents does not wait for compilers to be loaded.
  const { BINDING_LANGUAGES, generateBindings, writeBindings } = await import('../kit/index.ts');
  const language = BINDING_LANGUAGES.find((each) => each === wanted);
  if (language === undefined) {
    throw new RingfenceError(
      'RF_USAGE',
      `Cannot use --lang ${quoted(wanted)}: the languages are ${BINDING_LANGUAGES.join(', ')}.`,
      { language: wanted },
    );
  }
  if (guestPath !== null && language !== 'assemblyscript') {
    throw new RingfenceError(
      'RF_USAGE',
      `Cannot use --guest with --lang ${language}: its bindings import no file of the guest's; leave the option out.`,
      { language },
    );
  }
  const guestModule = moduleSpecifier(outPath, guestPath ?? GUEST_PATH);
  const generated = await generateBindings({
    wit: witPath,
    language,
    ...(world === null ? {} : { world }),
    ...(language === 'assemblyscript' && { guestModule }),
  });
  writeBindings(generated, outPath);
  const line = `${generated.world}: ${generated.files.size} files in ${outPath}`;
  await stdout.write(Buffer.from(`${printableLine(line)}\n`)).catch(() => {});
  return STATUS.ok;
}

/** The guest's own file, where nothing else is said. */
const GUEST_PATH = 'agent.ts';

/** How a module in one folder names a file: `../agent`. */
function moduleSpecifier(folder: string, file: string): string {
  const path = relative(folder, file).split(sep).join('/').replace(/\.ts$/, '');
  return path.startsWith('.') ? path : `./${path}`;
}
