/**
 * Goal: the project that `new` makes has nothing wrong with it, whatever its language. Method: the real command
 * line checks a new one of each.
 */

import { join } from 'node:path';
import { afterAll, describe, expect, test, vi } from 'vitest';
import { LANGUAGES } from '../../src/kit/index.ts';
import { temporaryDirectory } from '../cli/ringfence.ts';
import { titled } from '../support/skipped.ts';
import { ringfence } from './project.ts';
import { WHY_NO_C, WHY_NO_RUST } from './toolchains.ts';

// Compilers take their time where others compile too.
vi.setConfig({ testTimeout: 300_000 });

const scratch = temporaryDirectory();
afterAll(() => scratch.remove());

const WHY_NOT: Readonly<Record<string, string | null>> = { c: WHY_NO_C, rust: WHY_NO_RUST };

describe.each(LANGUAGES)('a new project in %s', (language) => {
  const why = WHY_NOT[language] ?? null;

  test.skipIf(why !== null)(
    titled('fits its world, and nothing keeps it from running', why),
    async () => {
      expect(await ringfence(scratch.path, 'new', '--lang', language, language)).toMatchObject({
        status: 0,
        stderr: '',
      });
      const { status, stdout } = await ringfence(join(scratch.path, language), 'check', '--json');
      const check = JSON.parse(stdout);
      expect(check.fit).toMatchObject({ differences: [] });
      const errors = check.problems.filter(
        (each: { severity: string }) => each.severity === 'error',
      );
      expect(errors).toEqual([]);
      expect(check.start.fuel).toBeGreaterThan(0);
      expect(status).toBe(0);
    },
  );
});
