/** Binds a function's context to the host functions: reads what it is given, and calls through the gate. */

import * as z from 'zod';
import { RingfenceError } from '../../errors.ts';
import { readMessage } from '../../ipc/payload.ts';
import { usageError } from '../../usage-error.ts';
import type { Functions as IpcFunctions } from '../../wasm/host/generated/ringfence-agent-ipc.ts';
import type { Functions as LogFunctions } from '../../wasm/host/generated/ringfence-agent-log.ts';
import type { Functions as ToolsFunctions } from '../../wasm/host/generated/ringfence-agent-tools.ts';
import type { Interface } from '../../wasm/host/implement.ts';
import { ipc } from '../../wasm/host/ringfence/ipc.ts';
import { log } from '../../wasm/host/ringfence/log.ts';
import { tools } from '../../wasm/host/ringfence/tools.ts';
import { toReceived, unwrap } from './answers.ts';
import { Call, type Calling, type HostFunctionOf } from './call.ts';
import { LOG_LEVELS, type WorkContext } from './context.ts';

type AnyFunctions<Functions> = { [Name in keyof Functions]: (...args: never[]) => unknown };

/** A host function out of the table of its interface. */
function hostFunctionOf<
  Functions extends AnyFunctions<Functions>,
  const Name extends keyof Functions & string,
>(table: Interface, name: Name): HostFunctionOf<Functions[Name]> {
  // The table is made from `Functions`; what its gated functions take is written nowhere else.
  return table.get(name) as unknown as HostFunctionOf<Functions[Name]>;
}

const send = hostFunctionOf<IpcFunctions, 'send'>(ipc, 'send');
const receive = hostFunctionOf<IpcFunctions, 'receive'>(ipc, 'receive');
const callTool = hostFunctionOf<ToolsFunctions, 'call'>(tools, 'call');
const writeLog = hostFunctionOf<LogFunctions, 'log'>(log, 'log');

const pidSchema = z.number().int().nonnegative();
const milliseconds = z.number().int().nonnegative().max(0x7fff_ffff);

const sendSchema = z.strictObject({ to: pidSchema, waitMs: milliseconds.optional() });
const receiveSchema = z.strictObject({
  sender: pidSchema.optional(),
  timeoutMs: milliseconds.optional(),
});
const toolSchema = z.strictObject({ name: z.string() });
const logSchema = z.strictObject({ level: z.enum(LOG_LEVELS), text: z.string() });

function read<Schema extends z.ZodType>(
  what: string,
  schema: Schema,
  given: unknown,
): z.output<Schema> {
  const parsed = schema.safeParse(given);
  if (!parsed.success) {
    throw usageError(what, parsed.error);
  }
  return parsed.data;
}

const toBigInt = (value: number | undefined): bigint | undefined =>
  value === undefined ? undefined : BigInt(value);

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

/**
 * Does something asynchronous as an agent. Where it fails because the agent has ended, a promise that
 * nobody awaits any more must not end the program.
 */
function asking<Value>(agent: Calling, ask: () => Promise<Value>): Promise<Value> {
  const { promise, resolve, reject } = Promise.withResolvers<Value>();
  ask().then(resolve, (error: unknown) => {
    if (agent.ended) {
      promise.catch(() => {});
    }
    reject(error);
  });
  return promise;
}

/** The context of an agent's function. */
export function contextOf(agent: Calling, signal: AbortSignal): WorkContext {
  const { pid } = agent;
  return Object.freeze<WorkContext>({
    pid,
    parent: agent.parentPid,
    signal,
    receive: (options = {}) =>
      asking(agent, async () => {
        const { sender, timeoutMs } = read('receive', receiveSchema, options);
        const filter =
          sender === undefined
            ? ({ tag: 'any' } as const)
            : ({ tag: 'sender', val: BigInt(sender) } as const);
        const result = await new Call(agent).run(receive, filter, toBigInt(timeoutMs));
        return toReceived(unwrap(result, { what: 'receive', pid }));
      }),
    send: (to, message, options = {}) =>
      asking(agent, async () => {
        const { waitMs } = read('send the message', sendSchema, { ...options, to });
        const target = { tag: 'process', val: BigInt(to) } as const;
        const result = await new Call(agent).run(
          send,
          target,
          readMessage(message),
          toBigInt(waitMs),
        );
        unwrap(result, { what: `send to pid ${to}`, pid });
      }),
    callTool: (name, args = null) =>
      asking(agent, async () => {
        read('call the tool', toolSchema, { name });
        const result = await new Call(agent).run(callTool, name, toJson(args));
        const notFound = 'RF_TOOL_NOT_FOUND';
        return JSON.parse(unwrap(result, { what: `call the tool '${name}'`, pid, notFound }));
      }),
    log: (level, text) => {
      read('log the line', logSchema, { level, text });
      writeLog({ agent: new Call(agent) }, level, text);
    },
  });
}
