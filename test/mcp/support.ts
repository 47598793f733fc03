/** A server of ours and a client of the official SDK, joined by streams in memory. */

import { PassThrough } from 'node:stream';
import { type CallToolResult, Client, type ClientOptions } from '@modelcontextprotocol/client';
import { StdioServerTransport } from '@modelcontextprotocol/server/stdio';
import { type Kernel, type McpOptions, type McpServing, serveMcp } from '../../src/index.ts';

/** The revisions of the protocol that clients speak: the newest, and the one before. */
export const ERAS = {
  '2026-07-28': { versionNegotiation: { mode: 'auto' } },
  '2025-11-25': {},
} as const satisfies Record<string, ClientOptions>;

export interface Joined extends AsyncDisposable {
  readonly client: Client;
  readonly serving: McpServing;
  readonly warnings: string[];
  /** What goes from the client to the server, and back. */
  readonly wires: { readonly input: PassThrough; readonly output: PassThrough };
}

export async function joined(
  kernel: Kernel,
  options: McpOptions,
  clientOptions: ClientOptions = ERAS['2026-07-28'],
): Promise<Joined> {
  const warnings: string[] = [];
  const wires = { input: new PassThrough(), output: new PassThrough() };
  const serving = await serveMcp(kernel, {
    onWarning: (text) => warnings.push(text),
    ...options,
    streams: wires,
  });
  const client = new Client({ name: 'test', version: '1' }, clientOptions);
  // The server's transport knows nothing of servers: two streams, a line a message.
  await client.connect(new StdioServerTransport(wires.output, wires.input));
  return {
    client,
    serving,
    warnings,
    wires,
    async [Symbol.asyncDispose]() {
      await client.close();
      await serving.close();
    },
  };
}

/** The texts of a result, as one. */
export function textOf({ content }: CallToolResult): string {
  return content
    .map((block) => (block.type === 'text' ? block.text : `<${block.type}>`))
    .join('\n');
}

/** How the agent of a call has ended. */
export function exitOf({ structuredContent }: CallToolResult): {
  readonly code: number | null;
  readonly reason: string;
  readonly message: string | null;
} {
  return (structuredContent as { exit: ReturnType<typeof exitOf> }).exit;
}
