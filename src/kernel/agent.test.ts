/**
 * Goal: an agent that has ended can be asked the same things however long ago that was. Method: an agent
 * whose kernel has forgotten it.
 */

import { expect, test, vi } from 'vitest';
import type { Process } from '../supervisor/process.ts';
import type { Supervisor } from '../supervisor/supervisor.ts';
import { Agent } from './agent.ts';

function agentIn(state: 'running' | 'exited') {
  const supervisor = {
    commands: { kill: vi.fn() },
    mail: {
      send: vi.fn(async () => ({ tag: 'err', error: 'not-found', message: 'no such agent' })),
    },
  };
  const agent = new Agent(
    { pid: 7, state } as unknown as Process,
    supervisor as unknown as Supervisor,
  );
  return { agent, supervisor };
}

test('killing it does nothing', () => {
  const { agent, supervisor } = agentIn('exited');
  agent.kill('enough');
  expect(supervisor.commands.kill).not.toHaveBeenCalled();
  // The control: one that runs is killed.
  const running = agentIn('running');
  running.agent.kill('enough');
  expect(running.supervisor.commands.kill).toHaveBeenCalledExactlyOnceWith(7, 'enough');
});

test('sending to it says that it has ended', async () => {
  // The kernel, which keeps what reaches nobody, has forgotten it.
  const { agent } = agentIn('exited');
  await expect(agent.send('late')).rejects.toMatchObject({ code: 'RF_CLOSED' });
  const running = agentIn('running');
  await expect(running.agent.send('now')).rejects.toMatchObject({ code: 'RF_PROCESS_NOT_FOUND' });
});
