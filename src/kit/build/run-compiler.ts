/** Runs a compiler that is installed on this machine: without a shell, and with bounds on what it may take. */

import { spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, isAbsolute, join } from 'node:path';

/** A build that takes longer has gone wrong. */
const DEADLINE_MS = 5 * 60_000;
/** The characters that are kept of what it says; the first error is what is looked for. */
const REPORT_CHARS_MAX = 1_000_000;

/** How a compiler ended. */
export interface CompilerEnd {
  readonly ok: boolean;
  /** What it said, the beginning of it. */
  readonly report: string;
}

/** The programs of a name that are on the path, in its order. */
export function programsNamed(name: string): readonly string[] {
  const folders = (process.env.PATH ?? '').split(delimiter).filter(isAbsolute);
  const files = folders.map((folder) => join(folder, name));
  return [...new Set(files)].filter(isExecutable);
}

/** Whether a file is there that can be run. */
export function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Runs a program by its absolute path. What it says is in English, whatever the user speaks: it is parsed. */
export function runCompiler(
  file: string,
  args: readonly string[],
  folder: string,
): Promise<CompilerEnd> {
  const { promise, resolve } = Promise.withResolvers<CompilerEnd>();
  const child = spawn(file, args, {
    cwd: folder,
    env: { ...process.env, LC_ALL: 'C' },
    stdio: ['ignore', 'ignore', 'pipe'],
    timeout: DEADLINE_MS,
    killSignal: 'SIGKILL',
  });
  let report = '';
  child.stderr.setEncoding('utf8');
  child.stderr.on('data', (text: string) => {
    report += text.slice(0, REPORT_CHARS_MAX - report.length);
  });
  child.once('error', (error) => resolve({ ok: false, report: String(error) }));
  child.once('close', (status, signal) =>
    resolve({
      ok: status === 0,
      report: signal === null ? report : `${report}\nit was ended by ${signal}`,
    }),
  );
  return promise;
}
