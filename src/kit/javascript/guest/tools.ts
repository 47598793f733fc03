// What the host offers to do for the agent.

import * as host from 'ringfence:agent/tools';
import { attempt } from './errors.ts';
import { jsonText, jsonValue } from './payload.ts';

/** A tool that the agent may call. */
export interface Tool {
  readonly name: string;
  readonly description: string;
  /** A JSON schema of the arguments. */
  readonly parameters: unknown;
}

/** What the host offers to do for the agent. */
export const tools = {
  /** The tools that the agent may call. */
  list(): readonly Tool[] {
    return attempt(() => host.list()).map(({ name, description, parameters }) => ({
      name,
      description,
      parameters: jsonValue(parameters),
    }));
  },

  /**
   * Calls a tool. Its arguments go as JSON, and so comes its answer: what that looks like the tool says, so its
   * type is the caller's word.
   *
   * @throws AgentError `denied`, `not-found`, `invalid`, `timeout` and others as the tool answers
   */
  call<Answer = unknown>(name: string, values: object = {}): Answer {
    const text = jsonText(values);
    return jsonValue(attempt(() => host.call(name, text))) as Answer;
  },
} as const;
