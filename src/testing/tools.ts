/** Tools that a test scripts for its agent. */

import type { Kernel, ToolDescription, ToolHandler } from '../index.ts';
import { isAssertion } from './failures.ts';

/** A tool with more than its work: what agents are told of it, the schema of its arguments, its limits. */
export interface ScriptedTool extends Omit<ToolDescription, 'name' | 'description'> {
  /** @default 'A tool of a test.' */
  readonly description?: string;
  readonly handler: ToolHandler;
}

/** A call of a tool that reached it: the agent was granted it, and its arguments fitted. */
export interface RecordedToolCall {
  readonly name: string;
  readonly arguments: unknown;
  /** What the tool has answered; undefined until it has. */
  readonly answer: unknown;
  /** What it has thrown instead. */
  readonly error: unknown;
}

/** Who keeps the calls. */
interface ToolRecorder {
  readonly toolCalls: RecordedToolCall[];
  /** Keeps a record, where there is room. */
  keep(list: RecordedToolCall[], call: RecordedToolCall, sent: string): void;
  /** An expectation was not met. */
  failed(error: unknown): void;
}

type Mutable<Type> = { -readonly [Key in keyof Type]: Type[Key] };

/** Registers tools in a kernel; what is called of them is recorded. Answers how they are taken back. */
export function registerTools(
  kernel: Kernel,
  tools: Readonly<Record<string, ToolHandler | ScriptedTool>>,
  record: ToolRecorder,
): () => void {
  const registered: string[] = [];
  const takeBack = (): void => {
    for (const name of registered) kernel.unregisterTool(name);
  };
  try {
    for (const [name, tool] of Object.entries(tools)) {
      const { handler, description = 'A tool of a test.', ...rest } = scripted(tool);
      kernel.registerTool({ ...rest, name, description }, recording(name, handler, record));
      registered.push(name);
    }
  } catch (error) {
    takeBack();
    throw error;
  }
  return takeBack;
}

const scripted = (tool: ToolHandler | ScriptedTool): ScriptedTool =>
  typeof tool === 'function' ? { handler: tool } : tool;

const recording =
  (name: string, handler: ToolHandler, record: ToolRecorder): ToolHandler =>
  async (args, call) => {
    const recorded: Mutable<RecordedToolCall> = {
      name,
      arguments: args,
      answer: undefined,
      error: undefined,
    };
    record.keep(record.toolCalls, recorded, JSON.stringify(args) ?? '');
    try {
      recorded.answer = await handler(args, call);
      return recorded.answer;
    } catch (error) {
      recorded.error = error;
      if (isAssertion(error)) record.failed(error);
      throw error;
    }
  };
