/**
 * Extism's JavaScript SDK as npm gives it: a plug-in on this thread, of a module that was compiled once. This
 * version has neither a timeout nor a limit of memory: https://www.npmjs.com/package/@extism/extism
 */

import { readFileSync } from 'node:fs';
import createPlugin, { type ManifestLike } from '@extism/extism';
import { requireAnswer, requireBits } from '../job.ts';
import { NO_FENCES, type SubjectModule } from '../subject.ts';

export const subject: SubjectModule = {
  fences: { ...NO_FENCES, capabilities: true },
  packageName: '@extism/extism',
  kept: 2_000,
  lives: 5_000,
  async open({ extism }) {
    const module = await WebAssembly.compile(new Uint8Array(readFileSync(extism)));
    const make = () =>
      createPlugin(module as unknown as ManifestLike, {
        useWasi: false,
        functions: { 'extism:host/user': { now: () => process.hrtime.bigint() } },
      });
    return {
      async run(job) {
        const plugin = await make();
        const output = await plugin.call(job);
        requireAnswer(job, Buffer.from(output?.bytes() ?? []).readInt32LE());
        await plugin.close();
      },
      async program(program) {
        const plugin = await make();
        const input = new Uint8Array(Int32Array.of(program.index, program.argument).buffer);
        const output = await plugin.call('program', input);
        requireBits(program, Buffer.from(output?.bytes() ?? []).readBigUInt64LE());
        await plugin.close();
      },
      async keep() {
        const plugin = await make();
        return () => plugin.close();
      },
    };
  },
};
