/**
 * Agents through the kernel, as they are published: spawned, supervised, metered, gated, reported; with the
 * limits that are the defaults.
 */

import type * as Published from '../../src/index.ts';
import type { Program, SubjectModule } from './subject.ts';

/** A subject for one isolation: docs/isolation.md. */
export function ringfence(
  isolation: Published.Isolation,
  { kept, lives }: { readonly kept: number; readonly lives: number },
): SubjectModule {
  return {
    fences: { endsLoops: true, boundsMemory: true, fuel: true, capabilities: true },
    packageName: null,
    kept,
    lives,
    async open({ component, published }) {
      const { openKernel } = (await import(published)) as typeof Published;
      const kernel = await openKernel();
      const module = await kernel.load(component);
      const run = async (
        grants: { readonly clocks?: 'exact' },
        ...args: readonly string[]
      ): Promise<void> => {
        const agent = await kernel.spawn({
          module,
          arguments: ['bench', ...args],
          grants,
          isolation,
        });
        const { exit } = await agent.exited;
        if (exit.reason !== 'normal' || exit.code !== 0) {
          throw new Error(`${args[0]} ended with ${exit.reason}: ${exit.message}`);
        }
      };
      return {
        run: (job) => run(job === 'calls' ? { clocks: 'exact' } : {}, job),
        // It is the same code in every isolation.
        ...(isolation === 'shared' && {
          program: ({ index, argument, bits }: Program) =>
            run({}, 'program', String(index), String(argument), bits),
        }),
        async keep() {
          const agent = await kernel.spawn({
            module,
            arguments: ['bench', 'wait'],
            grants: { ipc: 'parent_only' },
            isolation,
          });
          return async () => {
            agent.kill();
            await agent.exited;
          };
        },
      };
    },
  };
}
