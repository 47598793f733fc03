/** Wasmer's JavaScript SDK: a sandbox of packages, a command of it a life. */

import { readFileSync } from 'node:fs';
import { Wasmer } from '@wasmer/sdk/node';
import { HASH, JOBS, type Job } from '../job.ts';
import { NO_FENCES, type SubjectModule } from '../subject.ts';

/** Of the answer a command tells six bits, as its exit code. */
const BITS = 63;

export const subject: SubjectModule = {
  // It has a timeout, which lets the guest keep its core.
  fences: { ...NO_FENCES, capabilities: true },
  packageName: '@wasmer/sdk',
  // It keeps no instance ready: a process of its own is what runs.
  kept: 0,
  lives: 30,
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
        const { exitCode } = await sandbox.command(pkg.command(job)).run({ check: false });
        const expected = (job === 'compute' ? HASH : 1) & BITS;
        if (exitCode !== expected) throw new Error(`${job} exited with ${exitCode}`);
      },
    };
  },
};
