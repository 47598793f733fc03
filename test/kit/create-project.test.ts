/** Goal: a project of any language has what all have, once. Method: the files of new projects side by side. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { createProject, LANGUAGES } from '../../src/kit/index.ts';
import { temporaryDirectory } from '../cli/ringfence.ts';

const scratch = temporaryDirectory();
afterAll(() => scratch.remove());

const COMMON = ['.gitignore', 'README.md', 'package.json', 'ringfence.toml', 'wit/agent.wit'];

test.each(LANGUAGES)(
  'a project in %s has its policy, world and one test of its language',
  (language) => {
    const { folder, files } = createProject(join(scratch.path, language), language);
    const extension = language === 'javascript' ? 'js' : 'ts';
    expect(files).toEqual(expect.arrayContaining([...COMMON, `test/agent.test.${extension}`]));
    expect(files.filter((file) => file.startsWith('test/'))).toHaveLength(1);
    expect(files.filter((file) => /(^|\/)_/.test(file))).toEqual([]);
    const text = files.map((file) => readFileSync(join(folder, file), 'utf8')).join('\n');
    expect(text).not.toMatch(/\{\{\w+\}\}/);
    expect(readFileSync(join(folder, 'wit/agent.wit'), 'utf8')).toContain(
      `package my:${language};`,
    );
  },
);
