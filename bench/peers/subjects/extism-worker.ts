/**
 * Extism's JavaScript SDK, the version that is to come, in a worker: the one that has a timeout and a limit of
 * memory. What a plug-in calls is in the other thread: https://github.com/extism/js-sdk/blob/main/src/interfaces.ts
 */

import { readFileSync } from 'node:fs';
import createPlugin from 'extism-next';
import { requireAnswer } from '../job.ts';
import { NO_FENCES, type SubjectModule } from '../subject.ts';

const TIMEOUT_MS = 60_000;
const MEMORY_PAGES = 1_024;

export const subject: SubjectModule = {
  fences: {
    ...NO_FENCES,
    endsLoops: true,
    capabilities: true,
    caveat: 'its limit of memory leaves out the memory of the module itself',
  },
  packageName: 'extism-next',
  kept: 20,
  lives: 30,
  // One call in ten or so misses its wake-up in the SDK and waits half a second, until it looks again.
  calls: 100,
  async open({ extism }) {
    const module = await WebAssembly.compile(new Uint8Array(readFileSync(extism)));
    const make = () =>
      createPlugin(
        { wasm: [{ module }] },
        {
          useWasi: false,
          runInWorker: true,
          timeoutMs: TIMEOUT_MS,
          memory: { maxPages: MEMORY_PAGES },
          functions: { 'extism:host/user': { now: () => process.hrtime.bigint() } },
        },
      );
    return {
      async run(job) {
        const plugin = await make();
        const output = await plugin.call(job === 'calls' ? 'fewCalls' : job);
        requireAnswer(job, Buffer.from(output?.bytes() ?? []).readInt32LE());
        await plugin.close();
      },
      async keep() {
        const plugin = await make();
        return () => plugin.close();
      },
    };
  },
};
