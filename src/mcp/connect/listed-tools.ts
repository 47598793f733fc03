/** The tools that a server says it has: as many as may be, with names that can be granted, as text and no more. */

import * as z from 'zod';
import { safeText } from '../safe-text.ts';
import { ServerFailure } from './failure.ts';

/** Tools of one server. */
const TOOLS_MAX = 256;
/** Pages of its list: a server that never comes to an end is given up. */
const PAGES_MAX = 64;
/** Characters of what it says of a tool. */
const DESCRIPTION_CHARACTERS_MAX = 4_000;

/** Names that can be written in a grant and a policy. */
const NAME = /^[A-Za-z0-9_.-]{1,128}$/;

/** A tool of a server. */
export interface ListedTool {
  readonly name: string;
  readonly description: string;
  readonly inputSchema: Readonly<Record<string, unknown>>;
}

/** One page, as the server answers it; each tool is read by itself. */
export const pageSchema = z.object({
  tools: z.array(z.unknown()),
  nextCursor: z.string().max(4_096).optional(),
});

const toolSchema = z.object({
  name: z.string().regex(NAME),
  description: z.string().optional(),
  inputSchema: z.looseObject({ type: z.literal('object') }),
});

/** A page of the list; the first for undefined. */
export type ListPage = (cursor: string | undefined) => Promise<z.output<typeof pageSchema>>;

/**
 * Lists a server's tools. `passed` is told of those that can't be offered.
 *
 * @throws {ServerFailure} `limit-exceeded` for a list that is too long
 */
export async function listTools(
  page: ListPage,
  passed: (why: string) => void,
): Promise<ListedTool[]> {
  const tools = new Map<string, ListedTool>();
  let seen = 0;
  let cursor: string | undefined;
  for (let pages = 0; pages < PAGES_MAX; pages += 1) {
    const { tools: listed, nextCursor } = await page(cursor);
    seen += listed.length;
    if (seen > TOOLS_MAX) {
      throw new ServerFailure('limit-exceeded', `it lists more than ${TOOLS_MAX} tools`);
    }
    for (const each of listed) {
      const tool = toolOf(each);
      if (tool === null) {
        passed('a tool whose name or schema is none');
      } else if (tools.has(tool.name)) {
        passed(`a second tool '${tool.name}'`);
      } else {
        tools.set(tool.name, tool);
      }
    }
    if (nextCursor === undefined) {
      return [...tools.values()];
    }
    cursor = nextCursor;
  }
  throw new ServerFailure('limit-exceeded', `its list of tools has more than ${PAGES_MAX} pages`);
}

function toolOf(listed: unknown): ListedTool | null {
  const parsed = toolSchema.safeParse(listed);
  if (!parsed.success) {
    return null;
  }
  const { name, description = '', inputSchema } = parsed.data;
  return {
    name,
    description: safeText(description.slice(0, DESCRIPTION_CHARACTERS_MAX)),
    inputSchema,
  };
}
