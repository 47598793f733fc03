/** `ringfence check`: what a component needs, whether it gets that, and what is wrong with it. */

import { stat } from 'node:fs/promises';
import { relative, resolve } from 'node:path';
import { loadPolicy, RingfenceError } from '../index.ts';
import type { CheckedGrant, ComponentCheck } from '../kit/index.ts';
import type { Environment } from './environment.ts';
import { STATUS, STATUS_OF_SIGNAL } from './exit-status.ts';
import { optionThatGrants } from './explain.ts';
import { Interruption } from './interruption.ts';
import type { CheckInvocation } from './kit-invocation.ts';
import { printableJson, printableLine } from './printable.ts';
import { ProgressLine } from './progress.ts';
import { printError } from './say.ts';

/** What a compiler says of the source, and not of how it was called. */
const OF_THE_SOURCE: ReadonlySet<string> = new Set(['RF_MODULE_INVALID', 'RF_WIT_INVALID']);

/**
 * Checks a project or a component, and answers the exit status: 1 where something keeps it from running.
 *
 * @throws {RingfenceError} for wrong usage, and for what can't be read
 */
export async function check(
  { path, policyPath, json }: CheckInvocation,
  environment: Environment,
): Promise<number> {
  const { checkComponent, checkProject, isGood } = await import('../kit/index.ts');
  const interruption = new Interruption(environment);
  const progress = new ProgressLine(environment, 'checking');
  const policy = policyPath === null ? undefined : await loadPolicy(policyPath);
  const options = {
    policy,
    onProgress: (stage: string) => progress.update(stage),
    signal: interruption.signal,
  };
  try {
    const place = resolve(path);
    const checked = (await isDirectory(path))
      ? await checkProject(place, options)
      : await checkComponent(place, options);
    progress.erase();
    const shown = { ...checked, file: relative(process.cwd(), checked.file) };
    const text = json ? `${printableJson(toldOf(shown))}\n` : describe(shown);
    await environment.stdout.write(Buffer.from(text)).catch(() => {});
    return isGood(checked) ? STATUS.ok : STATUS.bad;
  } catch (error) {
    progress.erase();
    if (interruption.received !== null) {
      return STATUS_OF_SIGNAL[interruption.received];
    }
    if (error instanceof RingfenceError && OF_THE_SOURCE.has(error.code)) {
      printError(environment, error);
      return STATUS.bad;
    }
    throw error;
  } finally {
    interruption.stopListening();
  }
}

async function isDirectory(path: string): Promise<boolean> {
  const status = await stat(path).catch(() => null);
  return status?.isDirectory() ?? false;
}

/** What `--json` prints; keys are only ever added. */
function toldOf(checked: ComponentCheck) {
  const { file, sizeBytes, sha256, world, imports, exports, grants, policy } = checked;
  const { memory, features, start, fit, problems, unusedGrants } = checked;
  return {
    path: file,
    sha256,
    size_bytes: sizeBytes,
    world,
    imports,
    exports,
    needed_grants: grants,
    unused_grants: unusedGrants,
    policy,
    memory: {
      declared_bytes: memory.declaredBytes,
      maximum_bytes: memory.maximumBytes,
      limit_bytes: memory.limitBytes,
    },
    features,
    start,
    fit: fit && {
      world: fit.world,
      differences: fit.differences,
      extra_imports: fit.extraImports,
      extra_exports: fit.extraExports,
      unused_imports: fit.unusedImports,
    },
    problems,
  };
}

const count = (value: number): string => value.toLocaleString('en-US');

/** The lines for people. Names are the module's own, and so made printable. */
function describe(checked: ComponentCheck): string {
  const row = (label: string, value: string) => `${label.padEnd(9)} ${printableLine(value)}`;
  const rows = [
    row('component', checked.file),
    row('sha256', checked.sha256),
    row('size', `${count(checked.sizeBytes)} bytes`),
  ];
  if (checked.world !== null) {
    rows.push(
      row('world', worldWords(checked)),
      row('memory', memoryWords(checked.memory)),
      row('start', startWords(checked)),
      ...(checked.features.length === 0 ? [] : [row('features', checked.features.join(', '))]),
      ...grantRows(checked.grants, row),
      ...importRows(checked.imports),
    );
  }
  const { problems } = checked;
  rows.push(
    problems.length === 0 ? row('problems', 'none') : 'problems',
    ...problems.map(({ severity, message }) => `  ${severity}: ${printableLine(message)}`),
    '',
  );
  return rows.join('\n');
}

function worldWords({ world, fit }: ComponentCheck): string {
  if (fit === null) {
    return world ?? '';
  }
  const fits = fit.differences.length === 0 ? 'fits' : 'does not fit';
  return `${world}, ${fits} ${fit.world}`;
}

function memoryWords({ declaredBytes, maximumBytes, limitBytes }: ComponentCheck['memory']) {
  const most = maximumBytes === null ? '' : `, ${count(maximumBytes)} at most`;
  const limit = limitBytes === 0 ? 'no limit' : `its limit is ${count(limitBytes)}`;
  return `${count(declaredBytes ?? 0)} bytes at its start${most}; ${limit}`;
}

function startWords({ start, world, memory }: ComponentCheck): string {
  if (start === null) {
    const { declaredBytes, limitBytes } = memory;
    if (limitBytes !== 0 && (declaredBytes ?? 0) > limitBytes) {
      return 'it is not started with less memory than it declares';
    }
    return world === 'wasi:http'
      ? 'by its first request'
      : 'it does not come to its first host call';
  }
  const until = start.until === null ? 'to its end' : `until it calls ${start.until}`;
  return `${count(start.fuel)} units of fuel ${until}`;
}

function grantRows(
  grants: readonly CheckedGrant[],
  row: (label: string, value: string) => string,
): string[] {
  if (grants.length === 0) {
    return [row('grants', 'none needed')];
  }
  return [
    'grants',
    ...grants.flatMap(({ grant, functions, granted }) => {
      const option = optionThatGrants(grant);
      const how = option === null ? '' : ` (${option})`;
      const state = { true: ', granted', false: ', not granted', null: '' }[`${granted}`];
      return [
        `  ${grant}${how}${state}, for`,
        ...functions.map((name) => `    ${printableLine(name)}`),
      ];
    }),
  ];
}

function importRows(imports: ComponentCheck['imports']): string[] {
  if (imports.length === 0) {
    return ['imports   none'];
  }
  return [
    'imports',
    ...imports.flatMap(({ interface: name, version, functions }) => [
      `  ${printableLine(version === null ? name : `${name}@${version}`)}`,
      ...functions.map((called) => `    ${printableLine(called)}`),
    ]),
  ];
}
