/** Turns a wasip1 command, a core module, into a component by jco's adapter; names all other kinds. */

import { RingfenceError } from '../../../errors.ts';
import { DEFAULT_METER_CAPS } from '../../metering/caps.ts';
import type { Features } from '../../metering/features.ts';
import { decodeModule, type ModuleExport, type ModuleImport } from '../../metering/module.ts';
import { passExitCode } from './exit-code.ts';
import { printable, reasonOf } from './sentence.ts';
import { type ComponentTools, commandAdapter } from './tools.ts';
import { validateCode } from './validate.ts';

const WASIP1 = 'wasi_snapshot_preview1';

/**
 * The component of a wasip1 command.
 *
 * @throws RingfenceError `RF_MODULE_INVALID` for bytes that are no module, `RF_MODULE_REFUSED` with the
 * module's kind in `fields.kind` for every module that is no wasip1 command.
 */
export async function adaptCommand(
  bytes: Uint8Array,
  tools: ComponentTools,
  features: Features,
): Promise<Uint8Array> {
  // Decoded by our own reader first: it has caps, and says where the bytes are wrong.
  const decoded = decodeModule(bytes, DEFAULT_METER_CAPS, features);
  requireCommand(decoded.imports, decoded.exports);
  validateCode([bytes], features);
  try {
    const adapter = commandAdapter();
    const command = await passExitCode(bytes, decoded, adapter, tools);
    return await tools.componentNew(command, [[WASIP1, adapter]]);
  } catch (error) {
    throw new RingfenceError(
      'RF_MODULE_REFUSED',
      `The wasip1 command can't be adapted to a component (${reasonOf(error)}): build it as a component.`,
      { kind: 'wasip1-command' },
    );
  }
}

/** Refuses by name whatever is no wasip1 command. */
export function requireCommand(
  imports: readonly ModuleImport[],
  exports: readonly ModuleExport[],
): void {
  const exported = (name: string, kind: string) =>
    exports.some((entry) => entry.name === name && entry.kind === kind);
  const foreign = imports.find((entry) => entry.module !== WASIP1);
  if (foreign !== undefined) refuseForeign(foreign);
  const strange = imports.find((entry) => entry.kind !== 'function');
  if (strange !== undefined) {
    const what = printable(`${strange.module} ${strange.name}`, 100);
    refuse(
      'other',
      `imports a ${strange.kind} (${what}), which no wasip1 command does`,
      'build it as a component',
    );
  }
  if (!exported('_start', 'function')) {
    if (exported('_initialize', 'function')) {
      refuse(
        'wasip1-reactor',
        'is a wasip1 reactor: it has functions to be called but no program to run',
        'build it as a command (with a main function) or as a component that exports run',
      );
    }
    refuse(
      'other',
      'is a core module that is no program (it exports no _start)',
      'build it as a component, or as a wasip1 command',
    );
  }
  if (!exported('memory', 'memory')) {
    refuse(
      'other',
      'exports _start but no memory, which a wasip1 command does',
      'build it with --export-memory or as a component',
    );
  }
}

function refuseForeign(entry: ModuleImport): never {
  const name = printable(entry.module, 100);
  if (entry.module === 'wasi_unstable') {
    refuse('wasip0', `imports ${name}, which is older than wasip1`, 'build it with current tools');
  }
  if (entry.module.includes(':')) {
    refuse(
      'unlinked',
      `is the core module of a component (it imports ${name}), not the component`,
      'make the component of it (for instance by jco new)',
    );
  }
  refuse(
    'other',
    `is a core module that imports ${name}, and only wasip1 commands are adapted`,
    'build it as a component, or as a wasip1 command',
  );
}

function refuse(kind: string, problem: string, advice: string): never {
  throw new RingfenceError('RF_MODULE_REFUSED', `The file ${problem}: ${advice}.`, { kind });
}
