/**
 * Goal: the process of an agent can load its program: it may read ringfence's own code and nothing
 * else, so nothing that it loads may come from a package.
 */

import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const LIST = `
import { registerHooks } from 'node:module';
registerHooks({
  load(url, context, next) {
    console.log(url);
    return next(url, context);
  },
});
await import(process.argv[1]).catch(() => {});
process.exit();
`;

test('what it loads is Node’s or ours', () => {
  const entry = new URL('./entry.ts', import.meta.url).href;
  const listed = execFileSync(
    process.execPath,
    ['--permission', '--allow-fs-read=*', '--input-type=module', '--eval', LIST, entry],
    { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore', 'pipe'] },
  );
  const loaded = listed.split('\n').filter((url) => url !== '');
  expect(loaded).toContain(entry);
  expect(loaded.some((url) => url.endsWith('/wasm/host/index.ts'))).toBe(true);
  const root = new URL('../../../', import.meta.url).href;
  expect(loaded.filter((url) => !url.startsWith('node:') && !url.startsWith(root))).toEqual([]);
  expect(fileURLToPath(root)).toMatch(/src\/$/);
});
