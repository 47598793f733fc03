/** `ringfence run`: one module, from its file to its report and exit status. */

import { writeFile } from 'node:fs/promises';
import { basename } from 'node:path';
import {
  type Agent,
  type Decision,
  type Exit,
  type Kernel,
  type LoadedModule,
  loadPolicy,
  type ModuleSource,
  type Policy,
  parseLimits,
  type Report,
  RingfenceError,
  refusalReport,
} from '../index.ts';
import { callPrinter } from './call-printer.ts';
import { digestOfFile } from './digest.ts';
import type { Environment } from './environment.ts';
import { STATUS, STATUS_OF_SIGNAL, statusOfError, statusOfRun } from './exit-status.ts';
import { explain } from './explain.ts';
import { GuestOutput } from './guest-output.ts';
import { Interruption } from './interruption.ts';
import type { RunInvocation } from './invocation.ts';
import { kvOf } from './kv-option.ts';
import { loadWithProgress } from './load.ts';
import { offerServers } from './mcp-servers.ts';
import { agentIdOf } from './module-name.ts';
import { permissionsFor, warningsAbout } from './permissions.ts';
import { printableJson, printableLine } from './printable.ts';
import { StalledReaders } from './readers.ts';
import { RecordingFile } from './recording-file.ts';
import { openReportDestination, type ReportDestination } from './report-destination.ts';
import { printError, printLine, printLostOutput, printStack } from './say.ts';
import { runSupervised, type SupervisedEnd } from './supervised-run.ts';
import { telemetryOf } from './telemetry.ts';
import { type Diagnosed, profileOf, tellWhere } from './where-it-stood.ts';

/** What one run has at hand. */
interface Run {
  readonly invocation: RunInvocation;
  readonly environment: Environment;
  readonly interruption: Interruption;
  readonly agentId: string;
  readonly destination: ReportDestination | null;
  readonly profile: ReportDestination | null;
  readonly recording: RecordingFile | null;
  readonly policy: Policy | null;
}

/** How a run has ended; `reason`: why its supervisor has, null where it had none. */
interface Ended {
  readonly report: Report;
  readonly reason: SupervisedEnd['reason'] | null;
  /** Null: it has not run, or under a supervisor. */
  readonly diagnosed: Diagnosed | null;
  /** The digest of its recording; null: there is none. */
  readonly recordedAs: string | null;
  /** What of it could not be written; its report is told all the same. */
  readonly unwritten: readonly unknown[];
}

/** Host calls that are shown where a module has trapped. */
const LAST_CALLS = 10;

const NO_MODULE = { path: null, digest: '' } as const;

function warn(environment: Environment, warnings: readonly string[]): void {
  for (const warning of warnings) {
    printLine(environment.stderr, `ringfence: warning: ${printableLine(warning)}`);
  }
}

/**
 * Runs a module and answers the exit status.
 *
 * @throws {RingfenceError} for wrong usage and for files that can't be read or written.
 */
export async function run(invocation: RunInvocation, environment: Environment): Promise<number> {
  const { policyPath, warnings } = invocation.permissions;
  warn(environment, warnings);
  const policy = policyPath === null ? null : await loadPolicy(policyPath);
  if (policy === null) {
    // Without a policy they depend on no module: what is wrong is said before one is prepared.
    permissionsFor(invocation.permissions, null, NO_MODULE);
  }
  const destination =
    invocation.report === null || (invocation.report === '-' && invocation.json)
      ? null
      : await openReportDestination(invocation.report, environment);
  const profile =
    invocation.profile === null
      ? null
      : await openReportDestination(invocation.profile.path, environment, 'profile');
  const recording =
    invocation.record === null ? null : await RecordingFile.open(invocation.record.path);
  const interruption = new Interruption(environment);
  const agentId = agentIdOf(invocation.modulePath);
  const running: Run = {
    invocation,
    environment,
    interruption,
    agentId,
    destination,
    profile,
    recording,
    policy,
  };
  try {
    const ended = await runToEnd(running);
    interruption.exitAtNext();
    return await tell(ended, running);
  } finally {
    interruption.stopListening();
    await recording?.discard();
  }
}

async function runToEnd(running: Run): Promise<Ended> {
  const { environment, interruption } = running;
  const telemetry = await telemetryOf(running.invocation.otel, environment);
  const kernel = await environment.openKernel({
    workers: 1,
    ...(telemetry !== null && { telemetry }),
    capacity: 16,
    // What of it the module may call is decided by its grants.
    secrets: running.invocation.permissions.secrets,
    catalogue: { tools: 'all', exec: running.policy?.exec ?? {} },
    ...kvOf(running.invocation.permissions.kvPath, running.policy),
    apart: filesOf(running.invocation),
    ...(running.invocation.audit !== null && { audit: running.invocation.audit.options }),
    onLog: ({ agentId, level, message }) => {
      printLine(environment.stderr, printableLine(`${agentId} ${level} ${message}`));
    },
    onWarning: (text) => warn(environment, [text]),
  });
  try {
    const ended = await loadAndRun(running, kernel);
    const failures = await failuresOf(writeReceipt(ended, running, kernel));
    return { ...ended, unwritten: [...ended.unwritten, ...failures] };
  } finally {
    environment.stdin.close();
    // A worker that does not end must not hold up somebody who wants to leave.
    const closing = kernel.close().then(() => telemetry?.close());
    await Promise.race([closing, once(interruption.signal)]);
  }
}

/** What is written when the module has ended, or has been there: no module writes that in ringfence's place. */
function filesOf({ report, profile, record, audit }: RunInvocation): string[] {
  const named = [report, profile?.path, record?.path, audit?.receipt];
  return named.filter((path): path is string => typeof path === 'string' && path !== '-');
}

/** Why something was not done, where it was not. */
function failuresOf(work: Promise<unknown>): Promise<unknown[]> {
  return work.then(
    () => [],
    (error: unknown) => [error],
  );
}

/** A receipt of what has run, which names its recording; nothing has where it has no pid. */
async function writeReceipt(
  { report: { pid }, recordedAs }: Ended,
  { invocation }: Run,
  kernel: Kernel,
): Promise<void> {
  const path = invocation.audit?.receipt ?? null;
  if (path === null || pid === null) {
    return;
  }
  const hashes = recordedAs === null ? {} : { outputs: { recording: recordedAs } };
  const receipt = `${JSON.stringify(await kernel.receipt(pid, hashes))}\n`;
  try {
    await writeFile(path, receipt);
  } catch (error) {
    throw new RingfenceError(
      'RF_FILE',
      `Cannot write the receipt '${path}' (${(error as NodeJS.ErrnoException).code}): check its directory and its rights.`,
      { path },
      { cause: error },
    );
  }
}

/** Resolves when a signal is aborted that is not yet; never where it was before. */
function once(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) =>
    signal.addEventListener('abort', () => resolve(), { once: true }),
  );
}

async function loadAndRun(running: Run, kernel: Kernel): Promise<Ended> {
  const { invocation, environment, interruption, agentId } = running;
  const path = invocation.modulePath;
  const decide = ({ realPath, digest }: ModuleSource): Decision =>
    permissionsFor(
      invocation.permissions,
      running.policy,
      { path, realPath, digest },
      (policy, about) => kernel.decide(policy, about),
    );
  let module: LoadedModule | null = null;
  let permissions = null as Decision | null;
  let agent: Agent;
  const stdout = new GuestOutput(invocation.json ? environment.stderr : environment.stdout);
  const stderr = new GuestOutput(environment.stderr);
  try {
    // What it may use has to be known before it is prepared: by the file that was read.
    module = await loadWithProgress(kernel, path, environment, interruption, (source) => {
      permissions = decide(source);
      return permissions.features;
    });
    interruption.signal.throwIfAborted();
    permissions = decide(module);
    warn(
      environment,
      warningsAbout(permissions, Date.now(), running.invocation.permissions.secrets),
    );
    const { variables } = environment;
    const { signal } = interruption;
    await offerServers(kernel, running.policy, permissions.grants, { variables, signal });
    const { restart, limits } = permissions;
    const what = {
      module,
      agentId,
      arguments: [basename(path), ...invocation.guestArguments],
      environment: permissions.environment,
      config: permissions.config,
      grants: permissions.grants,
      limits,
      isolation: permissions.isolation,
      features: permissions.features,
      stdout: (chunk: Uint8Array) => stdout.write(chunk),
      stderr: (chunk: Uint8Array) => stderr.write(chunk),
    };
    if (restart !== 'temporary') {
      if (invocation.profile !== null) {
        warn(environment, ['no profile is written of a module that is started again']);
      }
      if (invocation.trace) {
        warn(environment, ['no host call is shown of a module that is started again']);
      }
      if (invocation.record !== null) {
        throw new RingfenceError(
          'RF_USAGE',
          'Cannot record a module that its policy has started again: leave out --record, or its restart.',
        );
      }
      const child = { ...what, id: agentId };
      const end = await runSupervised({ kernel, child, restart, environment, interruption });
      await Promise.all([stdout.end(), stderr.end()]);
      return { ...end, diagnosed: null, recordedAs: null, unwritten: [] };
    }
    agent = await kernel.spawn({
      ...what,
      stdin: environment.stdin.chunks((reason) =>
        printLine(
          environment.stderr,
          `ringfence: warning: standard input can't be read (${printableLine(reason)}), the module sees its end`,
        ),
      ),
      terminal: {
        stdin: environment.stdin.isTerminal,
        stdout: stdout.isTerminal,
        stderr: stderr.isTerminal,
      },
      record: invocation.record?.options ?? false,
      diagnosis: {
        backtrace: true,
        lastCalls: LAST_CALLS,
        // Nothing else goes to standard output there but the report.
        ...(invocation.trace && {
          trace: callPrinter(
            invocation.json ? environment.stdout : environment.stderr,
            invocation.json,
          ),
        }),
        ...(invocation.profile !== null && { profileEvery: invocation.profile.every }),
      },
    });
  } catch (error) {
    const report = await reportOfFailure(error, running, { module, permissions });
    return { report, reason: null, diagnosed: null, recordedAs: null, unwritten: [] };
  }
  const report = await untilExited(agent, running, permissions.limits.wallTimeMs);
  await Promise.all([stdout.end(), stderr.end()]);
  const findings = agent.findings();
  const { features } = permissions;
  const recording = await agent.recording;
  const unwritten =
    recording === null || running.recording === null
      ? []
      : await failuresOf(running.recording.write(recording));
  return {
    report,
    reason: null,
    diagnosed: findings && { path, findings, features },
    recordedAs: recording === null || unwritten.length > 0 ? null : recording.digest,
    unwritten,
  };
}

/** Waits for the agent's end, and sees to it that neither a signal nor a stalled reader is in the way. */
async function untilExited(agent: Agent, running: Run, deadlineMs: number): Promise<Report> {
  const { environment, interruption } = running;
  const readers = new StalledReaders(environment, () => agent.state === 'exited');
  if (deadlineMs > 0) {
    readers.giveUpAfter(deadlineMs);
  }
  const stop = (): void => {
    agent.kill(interruption.message);
    readers.giveUpAfter(0);
  };
  interruption.signal.addEventListener('abort', stop, { once: true });
  if (interruption.signal.aborted) {
    stop();
  }
  try {
    return await agent.exited;
  } finally {
    interruption.signal.removeEventListener('abort', stop);
    readers.clear();
  }
}

/**
 * The report of a run that never began: the module can't be run, ringfence failed, or somebody
 * stopped it.
 *
 * @throws the error, where it is the caller's: wrong usage, or a file that can't be read.
 */
async function reportOfFailure(
  error: unknown,
  { invocation, environment, interruption, agentId }: Run,
  known: { readonly module: LoadedModule | null; readonly permissions: Decision | null },
): Promise<Report> {
  const exit = exitOfFailure(error, interruption);
  if (exit === null) {
    throw error;
  }
  if (exit.reason === 'internal') {
    printStack(environment, error);
  }
  const path = invocation.modulePath;
  const sha256 = known.module?.digest ?? (await digestOfFile(path));
  const limits = known.permissions?.limits ?? parseLimits(invocation.permissions.limits);
  return { ...refusalReport(agentId, { path, sha256 }, limits, ''), exit };
}

/** How a run ended that never began; null where the error is for the caller to mend. */
function exitOfFailure(error: unknown, interruption: Interruption): Exit | null {
  if (interruption.received !== null) {
    return { code: -1, reason: 'killed', message: interruption.message };
  }
  const message = error instanceof Error ? error.message : String(error);
  const status = error instanceof RingfenceError ? statusOfError(error.code) : STATUS.internal;
  switch (status) {
    case STATUS.usage:
      return null;
    case STATUS.refused:
      return { code: null, reason: 'refused', message };
    default:
      return { code: -1, reason: 'internal', message };
  }
}

/** Hands the report to whoever wants it, and answers the exit status. */
async function tell(
  { report, reason, diagnosed, unwritten }: Ended,
  running: Run,
): Promise<number> {
  const { invocation, environment, interruption, destination, profile } = running;
  const { stdout, stderr } = environment;
  const signal = interruption.received;
  let status = statusOfRun(report.exit, reason, signal);
  // A supervised one has been explained at each of its ends.
  for (const line of reason === null ? explain(report) : []) {
    printLine(stderr, line);
  }
  if (diagnosed !== null) {
    await tellWhere(report, diagnosed, environment);
  }
  try {
    if (profile !== null && diagnosed !== null) {
      await profile.write(await profileOf(diagnosed, report));
    }
    await destination?.write(report);
  } catch (error) {
    printError(environment, error);
    status = STATUS.internal;
  }
  for (const error of unwritten) {
    printError(environment, error);
    status = error instanceof RingfenceError ? statusOfError(error.code) : STATUS.internal;
  }
  const line = `${printableJson(report)}\n`;
  if (invocation.json) {
    await stdout.write(Buffer.from(line)).catch(() => {});
  } else if (signal !== null && destination === null) {
    // Who stops a run by hand wants to see how far it got.
    printLine(stderr, line.trimEnd());
  }
  if (signal !== null && stdout.wasAbandoned) {
    return STATUS_OF_SIGNAL[signal];
  }
  if (printLostOutput(environment)) {
    const isReport = invocation.json || invocation.report === '-';
    // Output that got lost must not look like success, whatever the guest made of it.
    status = isReport || status === STATUS.ok ? STATUS.internal : status;
  }
  return status;
}
