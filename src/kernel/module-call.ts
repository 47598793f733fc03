/** One call of a module that is a tool of an MCP server: a fresh agent, from its spawn to the answer. */

import { RingfenceError } from '../errors.ts';
import { BoundedBytes, safeLine } from '../mcp/safe-text.ts';
import type { ToolAnswer, ToolCalling } from '../mcp/serve/offered-tool.ts';
import { parseLimits } from '../resource/limits.ts';
import type { Report } from '../supervisor/report.ts';
import { TIMER_MS_MAX } from '../timer.ts';
import type { Agent } from './agent.ts';
import type { ModuleTool } from './module-tool.ts';
import type { SpawnOptions } from './spawn-options.ts';

/** What spawns agents: a kernel. */
export interface SpawnsAgents {
  spawn(options: SpawnOptions): Promise<Agent>;
}

/** How a call is made. */
export interface CallSettings {
  readonly kernel: SpawnsAgents;
  /** Bytes that are kept of each output. */
  readonly outputBytes: number;
  /** Told why an agent could not be spawned. */
  warn(text: string): void;
}

/** How long a call may take where the tool's limits say nothing: as long as the SDK's clients wait. */
const CALL_MS_DEFAULT = 60_000;
/** How long an agent that has replied has to end by itself. */
const SHUTDOWN_MS = 1_000;
/** How often a client is told how far a call is. */
const PROGRESS_MS = 1_000;
/** Characters of a guest's own words about its end. */
const MESSAGE_CHARACTERS_MAX = 2_000;

/** Failures of a spawn whose sentences say nothing of the host. */
const TELLABLE: ReadonlySet<string> = new Set([
  'RF_QUOTA_EXCEEDED',
  'RF_PROCESS_TABLE_FULL',
  'RF_LIMIT_EXCEEDED',
]);

/** What an agent has put out. */
interface Outputs {
  readonly stdout: BoundedBytes;
  readonly stderr: BoundedBytes;
  readonly log: BoundedBytes;
  readonly reply: BoundedBytes;
}

/**
 * Calls the tool.
 *
 * @throws the signal's reason, where the call was cancelled: its agent has ended then
 */
export async function callModule(
  tool: ModuleTool,
  args: unknown,
  calling: ToolCalling,
  settings: CallSettings,
): Promise<ToolAnswer> {
  const misfit = tool.check(args);
  if (misfit !== null) {
    const { path, message } = misfit;
    return refused(
      safeLine(
        `the arguments do not fit the input schema: ${path || 'they'} ${message}`,
        MESSAGE_CHARACTERS_MAX,
      ),
    );
  }
  const { outputBytes } = settings;
  const outputs: Outputs = {
    stdout: new BoundedBytes(outputBytes),
    stderr: new BoundedBytes(outputBytes),
    log: new BoundedBytes(outputBytes),
    reply: new BoundedBytes(outputBytes),
  };
  const { arguments: words, stdin, request } = tool.input(args);
  const limits = parseLimits(tool.given.limits);
  const wallTimeMs = limits.wallTimeMs === 0 ? CALL_MS_DEFAULT : limits.wallTimeMs;
  let agent: Agent;
  try {
    agent = await settings.kernel.spawn({
      ...spawnOptions(tool, outputs),
      arguments: words,
      stdin,
      limits: { ...limits, wallTimeMs },
    });
  } catch (error) {
    return notSpawned(error, tool, settings);
  }
  const { report, hasReplied } = await untilExited(agent, request, outputs, calling);
  // It has no owner but itself: those are all that it has spawned. Nothing of a call goes on behind it.
  await agent.killOwned('the call that it was spawned in has ended');
  calling.signal.throwIfAborted();
  return answerOf(report, hasReplied, outputs);
}

function spawnOptions({ offered, given }: ModuleTool, outputs: Outputs): SpawnOptions {
  const { module, grants, isolation, features, environment, config } = given;
  return {
    module,
    agentId: offered.name,
    isolation,
    features,
    ...(grants !== undefined && { grants }),
    ...(environment !== undefined && { environment }),
    ...(config !== undefined && { config }),
    stdout: (chunk) => outputs.stdout.push(chunk),
    stderr: (chunk) => outputs.stderr.push(chunk),
    onLog: ({ level, message }) => outputs.log.push(Buffer.from(`${level} ${message}\n`)),
  };
}

function refused(message: string): ToolAnswer {
  return {
    content: [`ringfence: refused: ${message}`],
    structured: { exit: { code: null, reason: 'refused', message } },
    isError: true,
  };
}

function notSpawned(error: unknown, tool: ModuleTool, { warn }: CallSettings): ToolAnswer {
  const message = error instanceof Error ? error.message : String(error);
  warn(`the tool '${tool.offered.name}' could not be started: ${message}`);
  return error instanceof RingfenceError && TELLABLE.has(error.code)
    ? refused(message)
    : refused("the module could not be started: the server's log says why");
}

/** Waits for the agent's end, and sees to it that it ends with its call. */
async function untilExited(
  agent: Agent,
  request: string | null,
  outputs: Outputs,
  { signal, progress }: ToolCalling,
): Promise<{ readonly report: Report; readonly hasReplied: boolean }> {
  const kill = (): void => agent.kill('its call was cancelled');
  signal.addEventListener('abort', kill, { once: true });
  if (signal.aborted) {
    kill();
  }
  const startedAtMs = performance.now();
  const ticking =
    progress &&
    setInterval(() => {
      const seconds = (performance.now() - startedAtMs) / 1_000;
      const { fuel, memory_bytes: bytes } = agent.usage();
      const message = `${fuel} units of fuel, ${bytes} bytes of memory`;
      progress({ progress: seconds, message });
    }, PROGRESS_MS);
  try {
    const hasReplied = request !== null && (await replies(agent, request, outputs.reply));
    if (hasReplied) {
      agent.stop({ shutdownMs: SHUTDOWN_MS, message: 'its call is answered' });
    }
    return { report: await agent.exited, hasReplied };
  } finally {
    signal.removeEventListener('abort', kill);
    if (ticking !== null) {
      clearInterval(ticking);
    }
  }
}

/** Sends the request, and keeps the reply. False: it has ended without one, or will. */
async function replies(agent: Agent, request: string, reply: BoundedBytes): Promise<boolean> {
  try {
    const { val } = await agent.request(
      { tag: 'json', val: request },
      // It has a timeout of its own, whose end is the request's.
      { timeoutMs: TIMER_MS_MAX },
    );
    reply.push(typeof val === 'string' ? Buffer.from(val) : val);
    return true;
  } catch (error) {
    if (agent.state !== 'exited') {
      agent.kill(error instanceof RingfenceError ? error.message : 'it could not be asked');
    }
    return false;
  }
}

function answerOf(report: Report, hasReplied: boolean, outputs: Outputs): ToolAnswer {
  const { reason } = report.exit;
  // Who has replied has done its work, and is ended where it goes on.
  const isError = reason !== 'normal' && !(hasReplied && reason === 'killed');
  const message =
    report.exit.message === null ? null : safeLine(report.exit.message, MESSAGE_CHARACTERS_MAX);
  const texts = {
    reply: hasReplied ? outputs.reply.text() : null,
    stdout: outputs.stdout.text(),
    stderr: outputs.stderr.text(),
    log: outputs.log.text(),
  };
  const leftOut = Object.fromEntries(
    Object.entries(outputs).map(([name, { dropped }]: [string, BoundedBytes]) => [name, dropped]),
  );
  const content = [
    ...(texts.reply === null ? [] : [texts.reply]),
    ...(texts.stdout === '' ? [] : [texts.stdout]),
    ...(texts.stderr === '' ? [] : [`stderr:\n${texts.stderr}`]),
    ...(texts.log === '' ? [] : [`log:\n${texts.log}`]),
    ...remarks(report, isError, message, leftOut),
  ];
  return {
    content: content.length > 0 ? content : ['ringfence: normal: it printed nothing'],
    structured: {
      ...texts,
      left_out_bytes: leftOut,
      exit: { code: report.exit.code, reason, message },
      usage: report.usage,
      limits: report.limits,
      denied: report.denied,
    },
    isError,
  };
}

/** What ringfence has to say of a call. */
function remarks(
  { exit, denied }: Report,
  isError: boolean,
  message: string | null,
  leftOut: Readonly<Record<string, number>>,
): string[] {
  const lines = [
    ...(isError ? [`${exit.reason}: ${message ?? `it ended with code ${exit.code}`}`] : []),
    ...denied.map(({ operation, count }) => `denied: ${operation}, ${count} times`),
    ...Object.entries(leftOut)
      .filter(([, bytes]) => bytes > 0)
      .map(([name, bytes]) => `left out: ${bytes} bytes of its ${name}`),
  ];
  return lines.length === 0 ? [] : [lines.map((line) => `ringfence: ${line}`).join('\n')];
}
