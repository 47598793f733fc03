/**
 * Goal: the example of docs/authoring-c.md is what it claims to be. Method: it is taken out of the page, and built as
 * a project for the world of docs/authoring.md; a kernel runs it.
 */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { buildProject } from '../../src/kit/index.ts';
import { temporaryDirectory } from '../cli/ringfence.ts';
import { testKernel } from '../support/kernel.ts';
import { titled } from '../support/skipped.ts';
import { edit, project } from './project.ts';
import { WHY_NO_C } from './toolchains.ts';

const scratch = temporaryDirectory();
afterAll(() => scratch.remove());

const blockOf = (page: string, language: string) => {
  const text = readFileSync(new URL(`../../docs/${page}.md`, import.meta.url), 'utf8');
  return new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\`$`, 'ms').exec(text)?.[1] ?? '';
};

test.skipIf(WHY_NO_C !== null)(
  titled('the agent runs in its fence', WHY_NO_C),
  async () => {
    const folder = project(scratch.path, 'greeter', 'c');
    writeFileSync(join(folder, 'wit/agent.wit'), blockOf('authoring', 'wit'));
    writeFileSync(join(folder, 'src/agent.c'), blockOf('authoring-c', 'c'));
    edit(join(folder, 'package.json'), '"language"', '"world": "greeter",\n    "language"');
    const { file, warnings } = await buildProject(folder);
    expect(warnings).toEqual([]);
    const { kernel, lines } = await testKernel();
    try {
      const module = await kernel.load(readFileSync(file));
      const named = await kernel.spawn({ module, environment: { NAME: 'Ada' } });
      expect((await named.exited).exit.reason).toBe('normal');
      expect(lines.map(({ message }) => message)).toEqual(['hello Ada']);
      const nameless = await kernel.spawn({ module });
      expect((await nameless.exited).exit.reason).toBe('error');
    } finally {
      await kernel.close();
    }
  },
  180_000,
);
