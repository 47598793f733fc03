/** `ringfence mcp`: modules as the tools of an MCP server, until its client is gone or somebody stops it. */

import { readFile } from 'node:fs/promises';
import { Readable, Writable } from 'node:stream';
import {
  type GrantSpec,
  type Kernel,
  loadPolicy,
  type McpOptions,
  type McpServing,
  type McpTool,
  type Policy,
  serveMcp,
} from '../index.ts';
import type { Environment } from './environment.ts';
import { STATUS, STATUS_OF_SIGNAL } from './exit-status.ts';
import { Interruption } from './interruption.ts';
import { kvOf } from './kv-option.ts';
import { loadPermitted } from './load.ts';
import type { McpInvocation } from './mcp-invocation.ts';
import { offerServers } from './mcp-servers.ts';
import { usage } from './option.ts';
import { printableLine, quoted } from './printable.ts';
import { type ReceiptLines, receiptLines } from './receipt-lines.ts';
import { printLine } from './say.ts';
import { telemetryOf } from './telemetry.ts';

/** A module with what it was given. */
type OfferedModule = McpTool & { readonly grants: readonly GrantSpec[] };

/** What the server has at hand. */
interface Run {
  readonly invocation: McpInvocation;
  readonly environment: Environment;
  readonly interruption: Interruption;
  readonly policy: Policy | null;
  warn(text: string): void;
}

/**
 * Serves, and answers the exit status.
 *
 * @throws {RingfenceError} for wrong usage, for files that can't be read and for modules that can't be run
 */
export async function mcp(invocation: McpInvocation, environment: Environment): Promise<number> {
  const { policyPath, warnings } = invocation.permissions;
  // Standard output is the protocol's.
  const warn = (text: string): void =>
    printLine(environment.stderr, `ringfence: warning: ${printableLine(text)}`);
  warnings.forEach(warn);
  const policy = policyPath === null ? null : await loadPolicy(policyPath);
  const token = await tokenOf(invocation, environment);
  const interruption = new Interruption(environment);
  try {
    const run: Run = { invocation, environment, interruption, policy, warn };
    await serveUntilEnd(run, token);
    const { received } = interruption;
    return received === null ? STATUS.ok : STATUS_OF_SIGNAL[received];
  } catch (error) {
    const { received } = interruption;
    if (received !== null) {
      return STATUS_OF_SIGNAL[received];
    }
    throw error;
  } finally {
    interruption.stopListening();
  }
}

/** The token, without the line end behind it; null: there is none. */
async function tokenOf(
  { tokenFile, tokenVariable }: McpInvocation,
  { variables }: Environment,
): Promise<string | null> {
  if (tokenVariable !== null) {
    const value = variables[tokenVariable];
    if (value === undefined || value === '') {
      throw usage(`Cannot use --token-env ${quoted(tokenVariable)}: no such variable is set.`);
    }
    return value;
  }
  if (tokenFile === null) {
    return null;
  }
  try {
    return (await readFile(tokenFile, 'utf8')).trimEnd();
  } catch (error) {
    const { code = 'unknown error' } = error as NodeJS.ErrnoException;
    throw usage(`Cannot use --token-file ${quoted(tokenFile)}: it can't be read (${code}).`);
  }
}

async function serveUntilEnd(run: Run, token: string | null): Promise<void> {
  const { environment, interruption, invocation, warn } = run;
  const telemetry = await telemetryOf(invocation.otel, environment);
  const kernel = await environment.openKernel({
    ...(telemetry !== null && { telemetry }),
    // What of it a module may call is decided by its grants.
    catalogue: { tools: 'all', exec: run.policy?.exec ?? {} },
    ...kvOf(invocation.permissions.kvPath, run.policy),
    secrets: invocation.permissions.secrets,
    ...(invocation.audit !== null && { audit: invocation.audit.options }),
    onLog: ({ agentId, level, message }) => {
      printLine(environment.stderr, printableLine(`${agentId} ${level} ${message}`));
    },
    onWarning: warn,
  });
  let receipts: ReceiptLines | null = null;
  try {
    receipts = await receiptLines(kernel, invocation.audit?.receipt ?? null, warn);
    const tools: OfferedModule[] = [];
    for (const path of invocation.modulePaths) {
      tools.push(await toolOf(path, kernel, run));
    }
    interruption.signal.throwIfAborted();
    const grants = tools.flatMap((tool) => tool.grants);
    const { variables } = environment;
    await offerServers(kernel, run.policy, grants, { variables, signal: interruption.signal });
    const serving = await serveMcp(kernel, { ...servingOptions(run, token), tools });
    if (serving.url !== null) {
      const offered = tools.length === 1 ? '1 tool' : `${tools.length} tools`;
      printLine(environment.stderr, `ringfence: serving ${offered} at ${serving.url}`);
    }
    await untilClosed(serving, interruption);
  } finally {
    environment.stdin.close();
    interruption.exitAtNext();
    await receipts?.end();
    await kernel.close();
    await telemetry?.close();
  }
}

async function toolOf(path: string, kernel: Kernel, run: Run): Promise<OfferedModule> {
  const { invocation, environment, interruption, policy, warn } = run;
  const permitting = { asked: invocation.permissions, policy, environment, interruption };
  const { module, decision, warnings } = await loadPermitted(kernel, path, permitting);
  for (const warning of warnings) {
    warn(`${path}: ${warning}`);
  }
  const { grants, limits, isolation, features, environment: variables, config, tool } = decision;
  return { module, grants, limits, isolation, features, environment: variables, config, ...tool };
}

function servingOptions(
  { invocation, environment, warn }: Run,
  token: string | null,
): Omit<McpOptions, 'tools'> {
  const { http, hosts, origins, concurrency, outputBytes } = invocation;
  const common = { concurrency, outputBytes, onWarning: warn };
  if (http !== null) {
    return { ...common, http: { ...http, token: token ?? undefined, hosts, origins } };
  }
  const input = Readable.from(
    environment.stdin.chunks((reason) => warn(`standard input can't be read (${reason})`)),
    { objectMode: false },
  );
  return { ...common, streams: { input, output: outputTo(environment) } };
}

/** Standard output as a stream; who no longer reads it is gone. */
function outputTo({ stdout }: Environment): Writable {
  return new Writable({
    write(chunk: Buffer, _encoding, done) {
      stdout.write(chunk).then(() => done(), done);
    },
  });
}

async function untilClosed(serving: McpServing, interruption: Interruption): Promise<void> {
  const stop = (): void => void serving.close();
  interruption.signal.addEventListener('abort', stop, { once: true });
  if (interruption.signal.aborted) {
    stop();
  }
  await serving.closed;
}
