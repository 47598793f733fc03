/** `ringfence bench`: what a module costs, from its preparation to how many of it fit. */

import { availableParallelism, cpus, totalmem } from 'node:os';
import { loadPolicy, type Policy } from '../../index.ts';
import { openPlainKernel, type PlainKernel } from '../../plain/index.ts';
import type { Environment } from '../environment.ts';
import { STATUS, STATUS_OF_SIGNAL } from '../exit-status.ts';
import { Interruption } from '../interruption.ts';
import { kvOf } from '../kv-option.ts';
import { loadPermitted, type PermittedModule } from '../load.ts';
import { offerServers } from '../mcp-servers.ts';
import { permissionsFor } from '../permissions.ts';
import { printableJson, printableLine } from '../printable.ts';
import { ProgressLine } from '../progress.ts';
import { printLine } from '../say.ts';
import { HOLDING } from './held-agents.ts';
import type { BenchInvocation } from './invocation.ts';
import { FailingRun, measureRuns } from './measured-runs.ts';
import { measureMemory } from './memory.ts';
import { measureInProcess } from './memory-process.ts';
import { measurePreparing } from './prepare.ts';
import { tableOf } from './table.ts';
import type { Told } from './told.ts';

/** Which part of the time these have; the rest is that of the runs. */
const SHARE = { prepare: 0.15, memory: 0.25 } as const;

const NO_MODULE = { path: null, digest: '' } as const;

/** What one call has at hand. */
interface Bench {
  readonly invocation: BenchInvocation;
  readonly environment: Environment;
  readonly interruption: Interruption;
  readonly policy: Policy | null;
  readonly progress: ProgressLine;
}

/**
 * Measures a module, and answers the exit status.
 *
 * @throws {RingfenceError} for wrong usage, files that can't be read, and modules that can't be run
 */
export async function bench(
  invocation: BenchInvocation,
  environment: Environment,
): Promise<number> {
  const { policyPath, warnings } = invocation.permissions;
  warn(environment, warnings);
  const policy = policyPath === null ? null : await loadPolicy(policyPath);
  if (policy === null) {
    // Without a policy they depend on no module: what is wrong is said before one is prepared.
    permissionsFor(invocation.permissions, null, NO_MODULE);
  }
  const interruption = new Interruption(environment);
  const progress = new ProgressLine(environment, 'measuring');
  try {
    const told = await measure({ invocation, environment, interruption, policy, progress });
    progress.erase();
    const text = invocation.json ? `${printableJson(told)}\n` : tableOf(told);
    await environment.stdout.write(Buffer.from(text)).catch(() => {});
    return STATUS.ok;
  } catch (error) {
    progress.erase();
    if (interruption.received !== null) {
      return STATUS_OF_SIGNAL[interruption.received];
    }
    if (error instanceof FailingRun) {
      printLine(environment.stderr, `ringfence: ${printableLine(error.message)}`);
      return STATUS.bad;
    }
    throw error;
  } finally {
    interruption.exitAtNext();
    interruption.stopListening();
    environment.stdin.close();
  }
}

function warn({ stderr }: Environment, warnings: readonly string[]): void {
  for (const warning of warnings) {
    printLine(stderr, `ringfence: warning: ${printableLine(warning)}`);
  }
}

const budget = ({ invocation }: Bench, share: keyof typeof SHARE): number =>
  invocation.seconds * 1_000 * SHARE[share];

/** Opens a kernel for the module, does `work` with it, and closes it. */
async function inKernel<Result>(
  bench: Bench,
  options: Partial<typeof HOLDING>,
  work: (plainKernel: PlainKernel, permitted: PermittedModule) => Promise<Result>,
): Promise<Result> {
  const { invocation, environment, policy, interruption } = bench;
  const { permissions, modulePath } = invocation;
  const opened = await openPlainKernel({
    ...options,
    secrets: permissions.secrets,
    catalogue: { tools: 'all', exec: policy?.exec ?? {} },
    ...kvOf(permissions.kvPath, policy),
    onWarning: (text) => warn(environment, [text]),
  });
  const { kernel } = opened;
  try {
    const permitting = { asked: permissions, policy, environment, interruption };
    const permitted = await loadPermitted(kernel, modulePath, permitting);
    const { variables } = environment;
    const { signal } = interruption;
    await offerServers(kernel, policy, permitted.decision.grants, { variables, signal });
    return await work(opened, permitted);
  } finally {
    await kernel.close();
  }
}

async function measure(bench: Bench): Promise<Told> {
  const { invocation, environment, interruption, policy, progress } = bench;
  const { permissions: asked, modulePath, rounds, parts } = invocation;
  let prepare: Told['prepare'] = null;
  if (parts.has('prepare')) {
    const permitting = { asked, policy, environment, interruption };
    const limits = { budgetMs: budget(bench, 'prepare'), rounds };
    const { cold, cached } = await measurePreparing(modulePath, permitting, limits);
    prepare = { cold_ms: cold, cached_ms: cached };
  }
  // This is the process that another call has started for it.
  const isHolding = parts.has('memory') && parts.size === 1;
  const told = await inKernel(bench, isHolding ? HOLDING : {}, async (opened, permitted) => {
    warn(environment, isHolding ? [] : permitted.warnings);
    const runs = parts.has('start') || parts.has('fuel') || parts.has('plain');
    return {
      module: moduleOf(bench, permitted),
      machine: machine(),
      prepare,
      ...(runs
        ? await measureRuns(bench, opened, permitted)
        : { run: null, start: null, fuel: null, plain: null }),
      memory: isHolding
        ? await measureMemory(opened.kernel, permitted, {
            invocation,
            signal: interruption.signal,
            budgetMs: budget(bench, 'memory'),
          })
        : null,
    };
  });
  if (!parts.has('memory') || isHolding) {
    return told;
  }
  // When nothing else runs any more, and nobody else has the module's files.
  progress.update('how many fit');
  return { ...told, memory: await measureInProcess(invocation, environment, interruption.signal) };
}

function moduleOf({ invocation }: Bench, { module, decision }: PermittedModule): Told['module'] {
  return {
    path: invocation.modulePath,
    sha256: module.digest,
    world: module.world,
    isolation: decision.isolation,
  };
}

function machine(): Told['machine'] {
  return {
    node: process.versions.node,
    v8: process.versions.v8,
    platform: process.platform,
    arch: process.arch,
    cores: availableParallelism(),
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    memory_bytes: totalmem(),
  };
}
