import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it, onTestFinished } from 'vitest';

/** Whether it runs; by Linux. Who has ended and was not waited for yet does not. */
const isAlive = (pid: number): boolean => {
  try {
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
};

it('a command ends with the program, also where that just exits', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'ringfence-exec-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const pidFile = join(folder, 'pid');
  const program = `
    import { existsSync, readFileSync } from 'node:fs';
    import { runCommand } from ${JSON.stringify(new URL('./exec-process.ts', import.meta.url).href)};
    void runCommand({
      file: '/bin/sh',
      name: 'sh',
      arguments: ['-c', 'sleep 600 & echo $! > "$0.new"; mv "$0.new" "$0"; wait', ${JSON.stringify(pidFile)}],
      cwd: '/',
      environment: { PATH: '/usr/bin:/bin' },
      stdin: null,
      maxOutputBytes: 1024,
      signal: new AbortController().signal,
    });
    const timer = setInterval(() => {
      if (existsSync(${JSON.stringify(pidFile)})) {
        process.kill(Number(readFileSync(${JSON.stringify(pidFile)}, 'utf8')), 0);
        console.log('alive');
        process.exit(3);
      }
    }, 10);`;
  const ended = await promisify(execFile)(process.execPath, [
    '--input-type=module-typescript',
    '--eval',
    program,
  ]).catch((error: { code: number; stdout: string; stderr: string }) => error);
  expect(ended).toMatchObject({ code: 3, stdout: 'alive\n' });
  const pid = Number(readFileSync(pidFile, 'utf8'));
  await expect.poll(() => isAlive(pid)).toBe(false);
});
