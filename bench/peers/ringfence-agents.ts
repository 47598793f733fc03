/**
 * Agents through the kernel, as they are published: spawned, supervised, metered, gated, reported; with the
 * limits that are the defaults.
 */

import type * as Published from '../../src/index.ts';
import type { SubjectModule } from './subject.ts';

/** What `npm run build` makes: a thread or a process starts with it sooner than with TypeScript. */
const PUBLISHED = new URL('../../dist/index.js', import.meta.url).href;

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
    async open({ component }) {
      const { openKernel } = (await import(PUBLISHED)) as typeof Published;
      const kernel = await openKernel();
      const module = await kernel.load(component);
      return {
        async run(job) {
          const grants = job === 'calls' ? ({ clocks: 'exact' } as const) : {};
          const agent = await kernel.spawn({
            module,
            arguments: ['bench', job],
            grants,
            isolation,
          });
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
