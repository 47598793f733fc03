/**
 * Wasmer's JavaScript SDK: one sandbox of a package that was made once, a command of it a life, with its
 * timeout: https://www.npmjs.com/package/@wasmer/sdk
 */

import { readFileSync } from 'node:fs';
import { Wasmer } from '@wasmer/sdk/node';
import { HASH, JOBS, type Job } from '../job.ts';
import { NO_FENCES, type SubjectModule } from '../subject.ts';

/** Of the answer a command tells six bits, as its exit code. */
const BITS = 63;
const TIMEOUT_MS = 60_000;

export const subject: SubjectModule = {
  fences: {
    ...NO_FENCES,
    capabilities: true,
    caveat: 'after its timeout a loop keeps its core',
  },
  packageName: '@wasmer/sdk',
  // It keeps no instance ready: a process of its own is what runs.
  kept: 0,
  lives: 200,
  async open({ commands }) {
    const wasmer = new Wasmer();
    const modules = Object.fromEntries(JOBS.map((job) => [job, readFileSync(commands[job])]));
    const pkg = await wasmer.packages.create({
      modules,
      commands: Object.fromEntries(JOBS.map((job) => [job, { module: job }])),
    });
    const sandbox = await wasmer.sandboxes.create({ packages: [pkg] });
    return {
      async run(job: Job) {
        const { exitCode } = await sandbox.command(pkg.command(job)).run({
          check: false,
          timeoutMs: TIMEOUT_MS,
        });
        const expected = (job === 'compute' ? HASH : 1) & BITS;
        if (exitCode !== expected) throw new Error(`${job} exited with ${exitCode}`);
      },
    };
  },
};
