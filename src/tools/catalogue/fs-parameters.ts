/** What the tools of files have in common: paths of the guest, and bytes as JSON has them. */

import { ToolError } from '../outcome.ts';
import type { AgentFiles, ReachOf } from './reach.ts';

/** Bytes that one call reads or writes; as base64 they are a third more, and an answer has 1 MiB and more. */
export const FS_BYTES_MAX = 512 * 1024;

/** PATH_MAX of Linux. */
const PATH_CHARACTERS_MAX = 4_096;

const path = {
  type: 'string',
  pattern: '^/',
  maxLength: PATH_CHARACTERS_MAX,
  description: 'where it is, from / on, as the agent finds it',
};

export const encoding = {
  enum: ['utf8', 'base64'],
  description: 'how bytes are text: utf8 unless said',
};

/** How bytes are text. */
export type Encoding = 'utf8' | 'base64';

/** The parameters of a tool that takes a path, and some more. */
export const withPath = (
  more: Readonly<Record<string, unknown>> = {},
  required: readonly string[] = [],
): Record<string, unknown> => ({
  type: 'object',
  properties: { path, ...more },
  required: ['path', ...required],
  additionalProperties: false,
});

/** The directories of who calls. */
export function filesOf(reachOf: ReachOf, pid: number): AgentFiles {
  const reach = reachOf(pid);
  if (reach === null) {
    throw new ToolError('unavailable', 'the agent has ended');
  }
  return reach.files;
}

/** Bytes as text. What is no UTF-8 becomes the replacement character: ask for base64 where it matters. */
export const textOf = (bytes: Uint8Array, as: Encoding = 'utf8'): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString(as);

/** Text as bytes. @throws {ToolError} `invalid` for what is no base64 */
export function bytesOf(text: string, as: Encoding = 'utf8'): Uint8Array {
  if (as === 'base64' && !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) {
    throw new ToolError('invalid', 'arguments/content: is no base64');
  }
  return Buffer.from(text, as);
}
