/** From nothing to the first output of an agent: `new`, `build` and `run`, as an author calls them. */

import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { LANGUAGES, type Language } from '../src/kit/index.ts';
import { type Part, type Row, statsOf, time } from './measure.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const LAUNCHER = join(ROOT, 'bin', 'ringfence.cjs');
const ROUNDS = 3;
/** Of the issue of the authoring kit: AssemblyScript, its build included. */
const GOAL_S = 10;

function call(cwd: string, ...args: readonly string[]): string {
  return execFileSync(process.execPath, [LAUNCHER, ...args], {
    cwd,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

/** Seconds of `new`, `build` and `run`; without `npm install`, whose time is the registry's. */
function firstOutput(folder: string, language: Language): number {
  const project = join(folder, language);
  const made = time(() => call(folder, 'new', '--lang', language, language));
  mkdirSync(project, { recursive: true });
  symlinkSync(join(ROOT, 'node_modules'), join(project, 'node_modules'));
  const built = time(() => {
    call(project, 'build');
    call(project, 'run', '--policy', 'ringfence.toml', `build/${language}.wasm`);
  });
  rmSync(project, { recursive: true, force: true });
  return (made + built) / 1000;
}

export const kit: Part = {
  name: 'kit',
  what: 'from `new` to the first output of an agent, in each language',
  async run() {
    const folder = mkdtempSync(join(tmpdir(), 'ringfence-bench-'));
    try {
      return LANGUAGES.map((language): Row => {
        const stats = statsOf(
          Array.from({ length: ROUNDS }, () => firstOutput(folder, language)),
          's',
        );
        const goal = language === 'assemblyscript';
        return {
          part: 'kit',
          name: `from new to the first output, ${language}`,
          value: `${stats.min.toFixed(1)} s, median ${stats.median.toFixed(1)} s`,
          ratio: goal ? stats.min / GOAL_S : null,
          against: goal ? `${GOAL_S} s, the goal` : '',
          stats,
          plot: 'from new to the first output',
        };
      });
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
};
