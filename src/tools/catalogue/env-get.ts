/** `env.get`: a variable of the agent's own environment, never one of the host's. */

import { ToolError } from '../outcome.ts';
import type { CatalogueTool, ReachOf } from './reach.ts';

export function envGet(reachOf: ReachOf): CatalogueTool {
  return {
    description: {
      name: 'env.get',
      description: 'The value of a variable of your environment.',
      parameters: {
        type: 'object',
        properties: { name: { type: 'string', minLength: 1, maxLength: 1024 } },
        required: ['name'],
        additionalProperties: false,
      },
    },
    handler: (args, { pid }) => {
      const { name } = args as { name: string };
      const variable = reachOf(pid)?.environment.find(([each]) => each === name);
      if (variable === undefined) {
        throw new ToolError('not-found', 'no variable of the environment has this name');
      }
      return { value: variable[1] };
    },
  };
}
