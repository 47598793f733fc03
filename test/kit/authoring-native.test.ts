/**
 * Goal: the examples of docs/authoring-c.md and docs/authoring-rust.md are what they claim to be. Method: they are
 * taken out of the pages, and built as projects for the world of docs/authoring.md; a kernel runs them.
 */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { buildProject } from '../../src/kit/index.ts';
import { temporaryDirectory } from '../cli/ringfence.ts';
import { testKernel } from '../support/kernel.ts';
import { titled } from '../support/skipped.ts';
import { edit, project } from './project.ts';
import { WHY_NO_C, WHY_NO_RUST } from './toolchains.ts';

const scratch = temporaryDirectory();
afterAll(() => scratch.remove());

const blockOf = (page: string, language: string) => {
  const text = readFileSync(new URL(`../../docs/${page}.md`, import.meta.url), 'utf8');
  return new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\`$`, 'ms').exec(text)?.[1] ?? '';
};

const LANGUAGES = [
  { language: 'c', why: WHY_NO_C, source: 'src/agent.c' },
  { language: 'rust', why: WHY_NO_RUST, source: 'src/agent.rs' },
] as const;

for (const { language, why, source } of LANGUAGES) {
  test.skipIf(why !== null)(
    titled(`the agent of authoring-${language} runs in its fence`, why),
    async () => {
      const folder = project(scratch.path, 'greeter', language);
      writeFileSync(join(folder, 'wit/agent.wit'), blockOf('authoring', 'wit'));
      writeFileSync(join(folder, source), blockOf(`authoring-${language}`, language));
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
    300_000,
  );
}
