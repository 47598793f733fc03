/** Agents through the kernel: spawned, supervised, metered, gated, reported. */

import { openKernel } from '../../../src/index.ts';
import type { SubjectModule } from '../subject.ts';

export const subject: SubjectModule = {
  fences: { endsLoops: true, boundsMemory: true, fuel: true, capabilities: true },
  packageName: null,
  kept: 1_000,
  lives: 2_000,
  async open({ component }) {
    const kernel = await openKernel();
    const module = await kernel.load(component);
    const limits = { fuel: 0, cpuTimeMs: 0, wallTimeMs: 0 };
    return {
      async run(job) {
        const grants = job === 'calls' ? ({ clocks: 'exact' } as const) : {};
        const agent = await kernel.spawn({ module, arguments: ['bench', job], grants, limits });
        const { exit } = await agent.exited;
        if (exit.reason !== 'normal' || exit.code !== 0) {
          throw new Error(`${job} ended with ${exit.reason}: ${exit.message}`);
        }
      },
      async keep() {
        const agent = await kernel.spawn({
          module,
          arguments: ['bench', 'wait'],
          grants: { ipc: 'parent_only' },
          limits,
        });
        return async () => {
          agent.kill();
          await agent.exited;
        };
      },
    };
  },
};
