/** Binds a function's context to the host functions: reads what it is given, and calls through the gate. */

import * as z from 'zod';
import { RingfenceError } from '../../errors.ts';
import type { Functions as LogFunctions } from '../../wasm/host/generated/ringfence-agent-log.ts';
import type { Functions as ToolsFunctions } from '../../wasm/host/generated/ringfence-agent-tools.ts';
import { log } from '../../wasm/host/ringfence/log.ts';
import { tools } from '../../wasm/host/ringfence/tools.ts';
import { unwrap } from './answers.ts';
import { messagesOf } from './bind-messages.ts';
import { othersOf } from './bind-others.ts';
import { Call, type Calling } from './call.ts';
import { LOG_LEVELS, type WorkContext } from './context.ts';
import { asking, hostFunctionOf, read } from './edge.ts';

const callTool = hostFunctionOf<ToolsFunctions, 'call'>(tools, 'call');
const listTools = hostFunctionOf<ToolsFunctions, 'list'>(tools, 'list');
const writeLog = hostFunctionOf<LogFunctions, 'log'>(log, 'log');

const toolSchema = z.strictObject({ name: z.string() });
const logSchema = z.strictObject({ level: z.enum(LOG_LEVELS), text: z.string() });

function toJson(value: unknown): string {
  let json: string | undefined;
  try {
    json = JSON.stringify(value);
  } catch {
    json = undefined;
  }
  if (json === undefined) {
    throw new RingfenceError(
      'RF_USAGE',
      "Cannot call the tool with 'args' that are no JSON: give records, lists, texts, numbers, booleans or null.",
    );
  }
  return json;
}

/** The context of an agent's function. */
export function contextOf(agent: Calling, signal: AbortSignal): WorkContext {
  const { pid } = agent;
  return Object.freeze<WorkContext>({
    pid,
    parent: agent.parentPid,
    signal,
    ...messagesOf(agent, signal),
    ...othersOf(agent, signal),
    tools: () =>
      asking(agent, async () => {
        const result = await new Call(agent).run(listTools);
        return unwrap(result, { what: 'list the tools', pid, signal }).map(
          ({ name, description, parameters }) => ({
            name,
            description,
            parameters: JSON.parse(parameters),
          }),
        );
      }),
    callTool: (name, args = null) =>
      asking(agent, async () => {
        read('call the tool', toolSchema, { name });
        const result = await new Call(agent).run(callTool, name, toJson(args));
        const asked = { what: `call the tool '${name}'`, pid, signal } as const;
        return JSON.parse(unwrap(result, { ...asked, notFound: 'RF_TOOL_NOT_FOUND' }));
      }),
    log: (level, text) => {
      read('log the line', logSchema, { level, text });
      writeLog({ agent: new Call(agent) }, level, text);
    },
  });
}
