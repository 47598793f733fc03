/** Agents of the guest `courier`, who send and take messages: see its agent.ts. */

import { buildGuests } from '../scripts/build-guests.ts';
import type { Agent, Kernel, LoadedModule } from '../src/index.ts';

/** The guest's file. */
export async function courierFile(): Promise<string> {
  const file = (await buildGuests({ only: ['courier'] })).files.get('courier');
  if (file === undefined) throw new Error('courier was not built');
  return file;
}

/** One that may send to everybody, without an end to what it may use. */
export async function courier(
  kernel: Kernel,
  module: LoadedModule,
  ...words: readonly (string | number)[]
): Promise<Agent> {
  return kernel.spawn({
    module,
    arguments: ['courier', ...words.map(String)],
    grants: { ipc: 'all', clocks: 'exact' },
    limits: { messages: 0, wallTimeMs: 0, cpuTimeMs: 0, fuel: 0 },
  });
}

/** Waits for its end. @throws {Error} where it is not the end that it should have */
export async function done(agent: Agent): Promise<void> {
  const { exit } = await agent.exited;
  if (exit.reason !== 'normal' || exit.code !== 0) {
    throw new Error(`a courier ended with ${exit.reason} (${exit.code}): ${exit.message}`);
  }
}

/** Ends those that go on for ever. */
export async function killed(agents: readonly Agent[]): Promise<void> {
  for (const agent of agents) agent.kill();
  await Promise.all(agents.map(({ exited }) => exited));
}
