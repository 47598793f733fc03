/** Two agents, in one worker or in two. */

import type * as Published from '../../../src/index.ts';
import type { Guests } from '../subject.ts';
import type { Talk } from './talk.ts';

const GRANTS = { ipc: 'all', clocks: 'exact' } as const;

/** A kernel with so many workers; a new agent goes to the one with the fewest. */
export async function agentsTalk(
  name: string,
  { published, talker }: Guests,
  workers: number,
): Promise<Talk> {
  const { openKernel } = (await import(published)) as typeof Published;
  const kernel = await openKernel({ workers });
  const module = await kernel.load(talker);
  const spawn = (...words: readonly (string | number)[]): Promise<Published.Agent> =>
    kernel.spawn({
      module,
      arguments: ['talker', ...words.map(String)],
      grants: GRANTS,
      limits: { messages: 0 },
    });
  const succeeded = async (agent: Published.Agent): Promise<void> => {
    const { exit } = await agent.exited;
    if (exit.reason !== 'normal' || exit.code !== 0) {
      throw new Error(`${name}: an agent ended with ${exit.reason}: ${exit.message}`);
    }
  };
  return {
    name,
    async send(messages, bytes) {
      const startedAt = performance.now();
      const sink = await spawn('sink', messages, bytes);
      const source = await spawn('source', sink.pid, messages, bytes);
      await Promise.all([succeeded(sink), succeeded(source)]);
      return performance.now() - startedAt;
    },
    async ask(requests, bytes) {
      const echo = await spawn('echo');
      const asker = await spawn('ask', echo.pid, requests, bytes);
      await succeeded(asker);
      echo.kill();
      await echo.exited;
      const text = Buffer.from(asker.stdout).toString().trim();
      return text.split(' ').map((nanoseconds) => Number(nanoseconds) / 1000);
    },
    async [Symbol.asyncDispose]() {
      await kernel.close();
    },
  };
}
