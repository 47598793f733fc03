/** `ringfence serve`: a module that handles HTTP requests, behind a server, until a signal ends it. */

import { basename } from 'node:path';
import { type HttpService, type Kernel, loadPolicy, type Policy } from '../index.ts';
import { jsonOf, lineOf } from './access-log.ts';
import type { Environment } from './environment.ts';
import { STATUS, STATUS_OF_SIGNAL } from './exit-status.ts';
import { GuestOutput } from './guest-output.ts';
import { listen } from './http-server.ts';
import { Interruption } from './interruption.ts';
import type { ServeInvocation } from './invocation.ts';
import { kvOf } from './kv-option.ts';
import { loadPermitted } from './load.ts';
import { offerServers } from './mcp-servers.ts';
import { agentIdOf } from './module-name.ts';
import { permissionsFor } from './permissions.ts';
import { printableJson, printableLine } from './printable.ts';
import { type ReceiptLines, receiptLines } from './receipt-lines.ts';
import { printLine } from './say.ts';
import { telemetryOf } from './telemetry.ts';

/** Agents that may be on their way out while others are handled. */
const SPARE_AGENTS = 1_024;

const NO_MODULE = { path: null, digest: '' } as const;

/** What one call has at hand. */
interface Server {
  readonly invocation: ServeInvocation;
  readonly environment: Environment;
  readonly interruption: Interruption;
  readonly policy: Policy | null;
}

function warn({ stderr }: Environment, warnings: readonly string[]): void {
  for (const warning of warnings) {
    printLine(stderr, `ringfence: warning: ${printableLine(warning)}`);
  }
}

/**
 * Serves a module until a signal ends it, and answers the exit status.
 *
 * @throws {RingfenceError} for wrong usage, files that can't be read, and modules that can't be served.
 */
export async function serve(
  invocation: ServeInvocation,
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
  const { maxConcurrent, keepWarm } = invocation.serving;
  const telemetry = await telemetryOf(invocation.otel, environment);
  const kernel = await environment.openKernel({
    ...(telemetry !== null && { telemetry }),
    capacity: Math.min(12_000, maxConcurrent + keepWarm + SPARE_AGENTS),
    secrets: invocation.permissions.secrets,
    catalogue: { tools: 'all', exec: policy?.exec ?? {} },
    ...kvOf(invocation.permissions.kvPath, policy),
    ...(invocation.audit !== null && { audit: invocation.audit.options }),
    onLog: ({ agentId, level, message }) =>
      printLine(environment.stderr, printableLine(`${agentId} ${level} ${message}`)),
    onWarning: (text) => warn(environment, [text]),
  });
  let receipts: ReceiptLines | null = null;
  try {
    const path = invocation.audit?.receipt ?? null;
    receipts = await receiptLines(kernel, path, (text) => warn(environment, [text]));
    return await serveUntilSignal({ invocation, environment, interruption, policy }, kernel);
  } finally {
    interruption.exitAtNext();
    environment.stdin.close();
    await receipts?.end();
    await kernel.close();
    await telemetry?.close();
    interruption.stopListening();
  }
}

async function serveUntilSignal(server: Server, kernel: Kernel): Promise<number> {
  const { invocation, environment, interruption } = server;
  const { serving, modulePath } = invocation;
  let service: HttpService;
  try {
    service = await openService(server, kernel);
  } catch (error) {
    if (interruption.received !== null) {
      return STATUS_OF_SIGNAL[interruption.received];
    }
    throw error;
  }
  const listening = await listen(service, serving.address, serving);
  const name = printableLine(agentIdOf(modulePath));
  printLine(environment.stderr, `ringfence: ${name} is served on ${listening.url}`);
  if (invocation.json) {
    environment.stdout.print(`${printableJson({ event: 'listening', url: listening.url })}\n`);
  }
  await once(interruption.signal);
  printLine(environment.stderr, 'ringfence: no more requests are taken');
  listening.stopListening();
  await service.close({ drainMs: serving.drainMs });
  listening.close();
  await environment.stdout.flushed();
  return STATUS.ok;
}

/** Loads the module, decides what it may, and opens what is served. */
async function openService(server: Server, kernel: Kernel): Promise<HttpService> {
  const { invocation, environment, interruption, policy } = server;
  const { modulePath: path, permissions, serving, guestArguments, json } = invocation;
  const permitting = { asked: permissions, policy, environment, interruption };
  const { module, decision, warnings } = await loadPermitted(kernel, path, permitting);
  warn(environment, warnings);
  const { grants, limits, isolation, features, environment: variables, config } = decision;
  const { signal } = interruption;
  await offerServers(kernel, policy, grants, { variables: environment.variables, signal });
  const stdout = new GuestOutput(json ? environment.stderr : environment.stdout);
  const stderr = new GuestOutput(environment.stderr);
  const { keepWarm, maxConcurrent, timeoutMs, maxRequestBytes, maxResponseBytes } = serving;
  return kernel.serve({
    module,
    agentId: agentIdOf(path),
    arguments: [basename(path), ...guestArguments],
    environment: variables,
    config,
    grants,
    limits,
    isolation,
    features,
    stdout: (chunk) => stdout.write(chunk),
    stderr: (chunk) => stderr.write(chunk),
    keepWarm,
    maxConcurrent,
    timeoutMs,
    maxRequestBytes,
    maxResponseBytes,
    onRequest: (request) =>
      json
        ? environment.stdout.print(`${jsonOf(request)}\n`)
        : printLine(environment.stderr, lineOf(request)),
  });
}

/** Resolves when a signal was aborted. */
function once(signal: AbortSignal): Promise<void> {
  return signal.aborted
    ? Promise.resolve()
    : new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
