/** `ringfence mcp` among the commands: its own options, read. */

import type { Command, Option } from 'commander';
import { parseCount, parseSize } from '../index.ts';
import {
  type AuditChoice,
  type AuditChoiceOptions,
  auditChoiceOptions,
  readAuditChoice,
} from './audit-options.ts';
import { MCP_EXAMPLES, MCP_GROUP } from './help-text.ts';
import { between } from './number-option.ts';
import { collect, option, usage } from './option.ts';
import {
  type AskedPermissions,
  type PermissionOptions,
  permissionOptions,
  readPermissions,
} from './permission-options.ts';
import { quoted } from './printable.ts';
import { otelOption } from './telemetry.ts';

/** What `serveMcp` takes at most. */
const CONCURRENCY_MAX = 1_024;
const OUTPUT_BYTES_MAX = 512 * 1024;

/** Where the server listens. */
export interface HttpAddress {
  readonly host: string;
  readonly port: number;
}

/** `ringfence mcp`. */
export interface McpInvocation {
  readonly command: 'mcp';
  readonly modulePaths: readonly string[];
  readonly permissions: AskedPermissions;
  /** Whether telemetry is sent. */
  readonly otel: boolean;
  /** Null: it serves on its standard streams. */
  readonly http: HttpAddress | null;
  /** The file that has the token, and the variable that has it. */
  readonly tokenFile: string | null;
  readonly tokenVariable: string | null;
  readonly hosts: readonly string[];
  readonly origins: readonly string[];
  readonly concurrency: number | undefined;
  readonly outputBytes: number | undefined;
  readonly audit: AuditChoice | null;
}

interface McpOptions extends PermissionOptions, AuditChoiceOptions {
  readonly otel?: boolean;
  readonly http?: HttpAddress;
  readonly tokenFile?: string;
  readonly tokenEnv?: string;
  readonly allowHost?: readonly string[];
  readonly allowOrigin?: readonly string[];
  readonly concurrency?: number;
  readonly maxOutput?: number;
}

const MODULES_MAX = 256;
const PORT_MAX = 65_535;

function readAddress(value: string): HttpAddress {
  const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(value) ?? [];
  const host = bracketed ?? plain;
  if (host === undefined || Number(port) > PORT_MAX) {
    throw usage(`Cannot use --http ${quoted(value)}: write HOST:PORT, such as 127.0.0.1:8123.`);
  }
  return { host, port: Number(port) };
}

function readOrigin(value: string): string {
  if (URL.parse(value)?.origin !== value) {
    throw usage(
      `Cannot use --allow-origin ${quoted(value)}: write a scheme, a host and a port that is not its own, such as https://example.org.`,
    );
  }
  return value;
}

function mcpOptions(): Option[] {
  const group = MCP_GROUP;
  return [
    option(
      '--http',
      ' HOST:PORT',
      'serve over HTTP, not on the standard streams; port 0 is whichever is free',
      group,
    ).argParser(readAddress),
    option('--token-file', ' FILE', 'the token that clients over HTTP have to send', group),
    option('--token-env', ' NAME', 'the same, from an environment variable', group),
    option(
      '--allow-host',
      ' NAME',
      'a name of this machine that clients may use, without port (repeatable)',
      group,
    ).argParser(collect((name) => name)),
    option(
      '--allow-origin',
      ' ORIGIN',
      'a web page that may talk to the server (repeatable)',
      group,
    ).argParser(collect(readOrigin)),
    option('--concurrency', ' N', 'calls that run at a time (default: 8)', group).argParser(
      between('--concurrency', parseCount, 1, CONCURRENCY_MAX),
    ),
    option(
      '--max-output',
      ' SIZE',
      'what is answered of each output of a call, 512KiB at most (default: 64KiB)',
      group,
    ).argParser(between('--max-output', parseSize, 1, OUTPUT_BYTES_MAX, ' bytes')),
  ];
}

/** Declares the command. */
export function declareMcp(
  root: Command,
  variables: Readonly<Record<string, string | undefined>>,
  asked: (invocation: McpInvocation) => void,
): Command {
  const mcp = root
    .command('mcp')
    .description('Offer modules as the tools of an MCP server.')
    .usage('[options] MODULE…')
    .argument('<MODULE...>', 'WebAssembly components, or wasip1 commands')
    .addHelpText('after', MCP_EXAMPLES)
    .action((modulePaths: readonly string[], options: McpOptions) => {
      asked(invocationOf(modulePaths, options, variables));
    });
  const receipts = auditChoiceOptions('append a signed receipt of each call');
  const otel = otelOption(MCP_GROUP);
  for (const made of [...permissionOptions(variables), ...mcpOptions(), ...receipts, otel]) {
    mcp.addOption(made);
  }
  return mcp;
}

function invocationOf(
  modulePaths: readonly string[],
  options: McpOptions,
  variables: Readonly<Record<string, string | undefined>>,
): McpInvocation {
  const { http = null, tokenFile = null, tokenEnv = null } = options;
  const { allowHost: hosts = [], allowOrigin: origins = [] } = options;
  if (modulePaths.length > MODULES_MAX) {
    throw usage(`Cannot offer ${modulePaths.length} modules: ${MODULES_MAX} is the most.`);
  }
  const forHttp = tokenFile ?? tokenEnv ?? hosts[0] ?? origins[0];
  if (http === null && forHttp !== undefined) {
    throw usage(
      'Cannot use --token-file, --token-env, --allow-host and --allow-origin without --http: leave them out.',
    );
  }
  if (tokenFile !== null && tokenEnv !== null) {
    throw usage('Cannot use --token-file and --token-env at once: leave one of them out.');
  }
  return {
    command: 'mcp',
    otel: options.otel ?? false,
    modulePaths,
    permissions: readPermissions(options),
    http,
    tokenFile,
    tokenVariable: tokenEnv,
    hosts,
    origins,
    concurrency: options.concurrency,
    outputBytes: options.maxOutput,
    audit: readAuditChoice(options, variables),
  };
}
