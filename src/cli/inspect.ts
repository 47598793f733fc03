/** `ringfence inspect`: what a module is, what it imports, and which grants it can use. */

import { stat } from 'node:fs/promises';
import { type LoadedModule, namesOfFeatures } from '../index.ts';
import type { Environment } from './environment.ts';
import { STATUS_OF_SIGNAL } from './exit-status.ts';
import { optionThatGrants } from './explain.ts';
import { Interruption } from './interruption.ts';
import type { InspectInvocation } from './invocation.ts';
import { loadWithProgress } from './load.ts';
import { printableJson, printableLine } from './printable.ts';
import { printLine } from './say.ts';

/** What `--json` prints; keys are only ever added. */
interface Inspection {
  readonly path: string;
  readonly sha256: string;
  /** null where the file has none of its own, as a pipe. */
  readonly size_bytes: number | null;
  readonly world: string;
  /** It is a wasip1 command, and runs through an adapter. */
  readonly adapted: boolean;
  readonly imports: readonly {
    readonly interface: string;
    readonly version: string | null;
    readonly functions: readonly string[];
  }[];
  readonly exports: readonly string[];
  readonly needed_grants: readonly string[];
  readonly declared_memory_bytes: number;
  /** What it uses of the features that have to be allowed. */
  readonly features: readonly string[];
}

async function sizeOf(path: string): Promise<number | null> {
  const status = await stat(path);
  return status.isFile() ? status.size : null;
}

function inspectionOf(
  path: string,
  size: number | null,
  module: LoadedModule,
  neededGrants: readonly string[],
): Inspection {
  return {
    path,
    sha256: module.digest,
    size_bytes: size,
    world: module.world,
    adapted: module.adapted,
    imports: module.imports.map(({ interface: name, version, functions }) => ({
      interface: name,
      version,
      functions,
    })),
    exports: module.exports,
    needed_grants: neededGrants,
    declared_memory_bytes: module.declaredBytes,
    features: namesOfFeatures(module.features),
  };
}

const bytes = (count: number): string => `${count.toLocaleString('en-US')} bytes`;

/** The lines for people. Names are the module's own, and so made printable. */
function describe(inspection: Inspection): string {
  const row = (label: string, value: string) => `${label.padEnd(9)} ${printableLine(value)}`;
  const grants = inspection.needed_grants.map((grant) => {
    const option = optionThatGrants(grant);
    return option === null ? grant : `${grant} (${option})`;
  });
  const imports = inspection.imports.flatMap(({ interface: name, version, functions }) => [
    `  ${printableLine(version === null ? name : `${name}@${version}`)}`,
    ...functions.map((called) => `    ${printableLine(called)}`),
  ]);
  const { features } = inspection;
  return [
    row('module', inspection.path),
    row('sha256', inspection.sha256),
    row('size', inspection.size_bytes === null ? 'unknown' : bytes(inspection.size_bytes)),
    row('world', inspection.world + (inspection.adapted ? ' (a wasip1 command, adapted)' : '')),
    row('memory', `${bytes(inspection.declared_memory_bytes)} declared`),
    row('grants', grants.length === 0 ? 'none needed' : `can use ${grants.join(', ')}`),
    ...(features.length === 0 ? [] : [row('features', `${features.join(', ')} (--wasm-features)`)]),
    row('exports', inspection.exports.join(', ')),
    imports.length === 0 ? row('imports', 'none') : 'imports',
    ...imports,
    '',
  ].join('\n');
}

/**
 * Inspects a module and answers the exit status.
 *
 * @throws {RingfenceError} for a file that can't be read, and a module that can't be run.
 */
export async function inspect(
  invocation: InspectInvocation,
  environment: Environment,
): Promise<number> {
  const interruption = new Interruption(environment);
  const { modulePath } = invocation;
  const kernel = await environment.openKernel({
    workers: 1,
    capacity: 1,
    onWarning: (text) => {
      printLine(environment.stderr, `ringfence: warning: ${printableLine(text)}`);
    },
  });
  try {
    const module = await loadWithProgress(
      kernel,
      modulePath,
      environment,
      interruption,
      invocation.features,
    );
    const inspection = inspectionOf(
      modulePath,
      await sizeOf(modulePath),
      module,
      await kernel.neededGrants(module),
    );
    const text = invocation.json ? `${printableJson(inspection)}\n` : describe(inspection);
    // A reader that has seen enough, such as `head`, is no failure.
    await environment.stdout.write(Buffer.from(text)).catch(() => {});
    return 0;
  } catch (error) {
    if (interruption.received === null) {
      throw error;
    }
    return STATUS_OF_SIGNAL[interruption.received];
  } finally {
    interruption.stopListening();
    await kernel.close();
  }
}
