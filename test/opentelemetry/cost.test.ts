/** Goal: who does not ask for telemetry loads nothing of it. Method: a program that says which packages it loads. */

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const API = JSON.stringify(new URL('../../src/index.ts', import.meta.url).href);

/** How many modules of OpenTelemetry a program has asked for. */
async function asked(rest: string): Promise<number> {
  const source = `
    import { registerHooks } from 'node:module';
    let asked = 0;
    registerHooks({
      resolve: (name, context, next) => {
        asked += name.startsWith('@opentelemetry/') ? 1 : 0;
        return next(name, context);
      },
    });
    const ringfence = await import(${API});
    const kernel = await ringfence.openKernel({ workers: 1, cacheDirectory: null });
    await (await kernel.spawn({ work: () => 1 })).exited;
    await kernel.close();
    ${rest}
    console.log(asked);`;
  const { stdout } = await promisify(execFile)(process.execPath, [
    '--input-type=module',
    '--eval',
    source,
  ]);
  return Number(stdout);
}

test('a program without telemetry loads nothing of it', async () => {
  expect(await asked('')).toBe(0);
});

test('a program with telemetry does', async () => {
  const opens = "await ringfence.openTelemetry({ providers: 'program' });";
  expect(await asked(opens)).toBeGreaterThan(0);
});
